/** The servers of a case: the product, its database and the model's service, all real. */
import { startDatabaseProxy, type DatabaseProxy } from '../support/database-proxy.ts';
import { startServer, type Runtime, type TestServer } from '../support/server.ts';
import { startSqld, type Sqld } from '../support/sqld.ts';
import { startUpstream, type Script, type Upstream } from '../support/upstream.ts';
import { Client } from './client.ts';

export interface WorldOptions {
  /**
   * `file` is the embedded library (Node alone); `proxy` is sqld behind a proxy that can fail.
   * Default: file on Node, sqld on workerd.
   */
  database?: 'file' | 'sqld' | 'proxy';
  env?: Record<string, string>;
}

export interface World {
  client: Client;
  leaseMs: number;
  /** Undefined against somebody's own deployment. */
  own: OwnServers | undefined;
  /** Scripts a model of its own; its name, undefined where the model cannot be chosen. */
  model(script: Script, provider?: 'openai' | 'groq'): string | undefined;
  close(): Promise<void>;
}

export interface OwnServers {
  runtime: Runtime;
  server: TestServer;
  upstream: Upstream;
  sqld: Sqld | undefined;
  /** Throws when the world has none. */
  proxy: DatabaseProxy;
  /** Another Node process on the same database. */
  another(env?: Record<string, string>): Promise<TestServer>;
  /** Calls of one model so far. */
  calls(model: string | undefined): number;
}

/** Worlds by their options: asked for again, the same one is given. */
export class Worlds {
  readonly #runtime: Runtime;
  readonly #url: string | undefined;
  readonly #started = new Map<string, Promise<World>>();

  constructor(runtime: Runtime, url?: string) {
    this.#runtime = runtime;
    this.#url = url;
  }

  get(options: WorldOptions): Promise<World> {
    const key = JSON.stringify(options);
    const known = this.#started.get(key);
    if (known) return known;
    const world = startWorld(this.#runtime, options, this.#url);
    this.#started.set(key, world);
    return world;
  }

  async close(): Promise<void> {
    const worlds = [...this.#started.values()];
    this.#started.clear();
    for (const world of worlds) await (await world).close();
  }
}

/** Short, so that a crash is over soon; long enough for a busy machine's heartbeats. */
export const LEASE_MS = 3_000;

async function startWorld(
  runtime: Runtime,
  { database, env = {} }: WorldOptions,
  url?: string,
): Promise<World> {
  if (url !== undefined) return remoteWorld(url);
  const upstream = await startUpstream();
  const kind = database ?? (runtime === 'node' ? 'file' : 'sqld');
  const sqld = kind === 'file' ? undefined : await startSqld();
  const proxy = kind === 'proxy' && sqld ? await startDatabaseProxy(sqld.url) : undefined;
  const databaseUrl = proxy?.url ?? sqld?.url;
  const variables = {
    ...upstream.env,
    TURN_LEASE_MS: String(LEASE_MS),
    DEFAULT_MODEL: 'openai/default',
    ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
    ...env,
  };
  const server = await startServer({ runtime, env: variables });
  const others: TestServer[] = [];
  let models = 0;
  const own: OwnServers = {
    runtime,
    server,
    upstream,
    sqld,
    get proxy() {
      if (!proxy) throw new Error('this world has no proxy');
      return proxy;
    },
    async another(extra = {}) {
      const same = { DATABASE_URL: server.databaseUrl };
      const other = await startServer({
        runtime: 'node',
        env: { ...variables, ...same, ...extra },
      });
      others.push(other);
      return other;
    },
    calls: (model) =>
      upstream.requests.filter((request) => model?.endsWith(`/${request.model}`)).length,
  };
  return {
    client: new Client(server.url),
    leaseMs: Number(variables.TURN_LEASE_MS),
    own,
    model(script, provider = 'openai') {
      const name = `model-${++models}`;
      upstream.script(name, script);
      return `${provider}/${name}`;
    },
    async close() {
      for (const other of others) await other.close();
      await server.close();
      await proxy?.close();
      await sqld?.close();
      await upstream.close();
    },
  };
}

/** A deployment of somebody's own: its default model answers. */
function remoteWorld(url: string): World {
  return {
    client: new Client(url.replace(/\/+$/u, '')),
    leaseMs: 15_000,
    own: undefined,
    model: () => undefined,
    close: () => Promise.resolve(),
  };
}

/** Of a world that is ours: cases that are not `remote` always have one. */
export function ownOf({ own }: World): OwnServers {
  if (!own) throw new Error('this case needs servers of its own');
  return own;
}
