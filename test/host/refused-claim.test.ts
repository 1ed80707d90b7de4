/**
 * A database that accepts a turn and is gone before it can say so: its client is refused, and
 * whoever comes again gets one turn, whole.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startDatabaseProxy, type DatabaseProxy } from '../support/database-proxy.ts';
import { request } from '../support/http.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { startSqld, type Sqld } from '../support/sqld.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';

let upstream: Upstream;
let sqld: Sqld;
let database: DatabaseProxy;
let servers: TestServer[];

beforeAll(async () => {
  [upstream, sqld] = await Promise.all([startUpstream(), startSqld()]);
  database = await startDatabaseProxy(sqld.url);
  const env = { ...upstream.env, DATABASE_URL: database.url };
  servers = await Promise.all([startServer({ env }), startServer({ env })]);
});
afterAll(async () => {
  for (const server of servers) await server.close();
  await database.close();
  await sqld.close();
  await upstream.close();
});

/** Counts what asked the model: servers also look which models there are, when they start. */
const calls = () => upstream.requests.filter(({ model }) => model === 'm').length;

/** Longer than a request to the database is repeated, so that the turn is refused. */
const AWAY_MS = 4_000;

/** Asks again after each refusal, as a good client does. */
async function insist(url: string, json: object, key: string) {
  const refusals: number[] = [];
  for (;;) {
    const headers = { 'idempotency-key': key };
    const answer = await request<{ assistant_reply: string; status: string }>(url, {
      json,
      headers,
    });
    if (answer.status === 200) return { ...answer.json, refusals };
    refusals.push(answer.status);
    await sleep(100);
  }
}

it('is asked again with the same key, here and in another process', async () => {
  upstream.script('m', { tokens: ['Hello ', 'world'] });
  for (let round = 0; round < 2; round++) {
    const made = await request<{ conversation_id: string }>(`${servers[0]?.url}/conversations`, {
      json: { user_id: 'u' },
    });
    const path = `/conversations/${made.json.conversation_id}`;
    let isAway = false;
    let isOver = false;
    const isClaim = ({ statements }: DatabaseProxy['log'][number]) =>
      statements.some(({ sql }) => sql.startsWith('INSERT INTO turns'));
    database.reset();
    database.fail((asked) => {
      if (isAway || isOver || !isClaim(asked)) return false;
      isAway = true;
      setTimeout(() => ([isAway, isOver] = [false, true]), AWAY_MS);
      return true;
    }, 'cut-after');
    database.fail(() => isAway, 'refuse');
    const before = calls();
    const json = { message: 'Hi', model: 'openai/m' };
    const told = await Promise.all(
      servers
        .flatMap(({ url }) => [url, url])
        .map((url) => insist(`${url}${path}/messages`, json, `key-${round}`)),
    );
    // Which of them comes first, and is refused, nobody knows. One that comes late may outlast it.
    expect(told.flatMap(({ refusals }) => refusals)).not.toEqual([]);
    for (const { assistant_reply: text, status } of told)
      expect({ text, status }).toEqual({ text: 'Hello world', status: 'complete' });
    expect(calls() - before).toBe(1);
    const { json: messages } = await request<object[]>(`${servers[1]?.url}${path}/messages`);
    expect(messages).toMatchObject([
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Hello world', status: 'complete' },
    ]);
  }
}, 60_000);
