/** A server whose requests to the database are counted, in front of a real libSQL server. */
import { expect } from 'vitest';
import { startDatabaseProxy } from '../support/database-proxy.ts';
import { request } from '../support/http.ts';
import { startServer, type Runtime } from '../support/server.ts';
import { startSqld } from '../support/sqld.ts';
import { startUpstream, type Behaviour } from '../support/upstream.ts';
import { unique } from './target.ts';

export type CountedServer = Awaited<ReturnType<typeof startCountedServer>>;

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

  /** When each request to the database came, in relation to the one to the model. */
  function counted(model: string) {
    const asked = upstream.requests.filter((one) => `openai/${one.model}` === model);
    expect(asked).toHaveLength(1);
    const at = asked[0]?.at ?? 0;
    const posts = database.log.filter(({ number }) => number > 0);
    return {
      before: posts.filter((post) => post.at <= at).length,
      after: posts.filter((post) => post.at > at).length,
      posts,
    };
  }

  await turn(script({}), true);
  return {
    ...{ upstream, database, server, env, script, turn, counted },
    async close() {
      await server.close();
      await database.close();
      await sqld.close();
      await upstream.close();
    },
  };
}

/** Slow enough to tell before from after, and quicker than a checkpoint. */
export const slow: Behaviour = { headersDelayMs: 60, delayMs: { between: 60 } };
