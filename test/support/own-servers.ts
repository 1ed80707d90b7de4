/** Servers of one test file, which start when they are asked for and are closed at its end. */
import { startServer, type TestServer } from './server.ts';
import { startUpstream, type Upstream } from './upstream.ts';

export class OwnServers {
  #started: { close(): Promise<void> }[] = [];
  #env: Record<string, string>;
  #upstream: Upstream | undefined;

  /** @param env settings of every server, besides the service of its models */
  constructor(env: Record<string, string> = {}) {
    this.#env = env;
  }

  /** Returns the service of the servers' models, which starts with the first server. */
  get upstream(): Upstream {
    if (!this.#upstream) throw new Error('no server was started yet');
    return this.#upstream;
  }

  /** Starts a server; the first one starts the service of its models, too. */
  async serve(env: Record<string, string> = {}): Promise<TestServer> {
    this.#upstream ??= this.add(await startUpstream());
    const settings = { ...this.#upstream.env, DEFAULT_MODEL: 'offline', ...this.#env, ...env };
    return this.add(await startServer({ env: settings }));
  }

  /** Has something closed with the servers, before those that were started earlier. */
  add<Closing extends { close(): Promise<void> }>(one: Closing): Closing {
    this.#started.push(one);
    return one;
  }

  async close(): Promise<void> {
    this.#upstream = undefined;
    for (const each of this.#started.splice(0).toReversed()) await each.close();
  }
}
