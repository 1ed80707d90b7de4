/** A server whose requests to the database are counted, in front of a real libSQL server. */
import { expect } from 'vitest';
import { startDatabaseProxy, type DatabaseRequest } from '../support/database-proxy.ts';
import { request } from '../support/http.ts';
import { startServer, type Runtime } from '../support/server.ts';
import { startSqld } from '../support/sqld.ts';
import { startUpstream, type Behaviour } from '../support/upstream.ts';
import { unique } from './target.ts';

export type CountedServer = Awaited<ReturnType<typeof startCountedServer>>;

/**
 * Tells apart what comes by the clock, and so more often on a busy machine: a checkpoint, which is
 * the heartbeat of turns too.
 */
export function isCheckpoint({ statements }: DatabaseRequest): boolean {
  return statements.some(({ sql }) => sql.startsWith('UPDATE turns SET heartbeat_at'));
}

/** Tells apart what open sockets cost: they are rows, renewed by the clock. */
function isPresence({ statements }: DatabaseRequest): boolean {
  return statements.some(({ sql }) => sql.includes('"connections"'));
}

/**
 * Counts the requests to the database that a turn takes before its model is asked (`at`, in
 * milliseconds since 1970) and after that; those that come by the clock are apart.
 */
export function countAround(at: number, log: DatabaseRequest[]) {
  const posts = log.filter((post) => post.number > 0 && !isPresence(post));
  const [checkpoints, turns] = [posts.filter(isCheckpoint), posts.filter((p) => !isCheckpoint(p))];
  const before = turns.filter((post) => post.at <= at).length;
  return { before, after: turns.length - before, checkpoints, posts };
}

/** Starts all; whatever a server does when it starts and for its first turn is over then. */
export async function startCountedServer(runtime: Runtime) {
  const [upstream, sqld] = await Promise.all([startUpstream(), startSqld()]);
  const database = await startDatabaseProxy(sqld.url);
  // No sweep, which comes once in a lease, while it is counted.
  const env = { ...upstream.env, DATABASE_URL: database.url, TURN_LEASE_MS: '120000' };
  const server = await startServer({ runtime, env, startLimitMs: 120_000 });

  /** Makes a model, and returns how it is called. */
  function script(behaviour: Behaviour): string {
    const name = unique('model');
    upstream.script(name, { tokens: ['One ', 'two'], ...behaviour });
    return `openai/${name}`;
  }

  /** Runs a turn that begins a conversation. */
  async function turn(model: string, whole = false): Promise<void> {
    const json = { user_id: unique('user'), message: 'Hi', model, stream: !whole };
    await request(`${server.url}/conversations`, { json });
  }

  /** Counts the requests to the database around the only call of a model. */
  function counted(model: string) {
    const asked = upstream.requests.filter((one) => `openai/${one.model}` === model);
    expect(asked).toHaveLength(1);
    return countAround(asked[0]?.at ?? 0, database.log);
  }

  await turn(script({}), true);
  return {
    ...{ upstream, database, server, env, script, turn, counted },
    /** The settings of another server on the same database, whose requests are not counted. */
    uncounted: { ...env, DATABASE_URL: sqld.url },
    async close() {
      await server.close();
      await database.close();
      await sqld.close();
      await upstream.close();
    },
  };
}

/** Slow enough to tell before from after. */
export const slow: Behaviour = { headersDelayMs: 60, delayMs: { between: 60 } };
