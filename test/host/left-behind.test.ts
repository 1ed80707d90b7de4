/** Answers that are not kept: a crash leaves their conversations behind, and the next start not. */
import Libsql from 'libsql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { unique } from '../suite/target.ts';

let upstream: Upstream;
let server: TestServer;

beforeAll(async () => {
  upstream = await startUpstream();
  server = await startServer({ env: { ...upstream.env, TURN_LEASE_MS: '1000' } });
}, 60_000);

afterAll(async () => {
  await server.close();
  await upstream.close();
});

it('are deleted when their turn is over, and nothing else is', async () => {
  const name = unique('model');
  const user = unique('user');
  upstream.script(name, { instead: 'hang' });
  const messages = [{ role: 'user', content: 'Hi' }];
  const json = { model: `openai/${name}`, user, messages };
  const path = `${server.url}/v1/chat/completions`;
  const asking = [false, true].map((store) =>
    request(path, { json: { ...json, store } }).catch(() => undefined),
  );
  const asked = () => upstream.requests.filter(({ model }) => model === name);
  await expect.poll(asked, { timeout: 15_000 }).toHaveLength(2);
  await server.kill();
  await Promise.all(asking);
  const database = new Libsql(server.databaseUrl.replace(/^file:/u, ''));
  const count = () =>
    database.prepare('SELECT count(*) AS n FROM conversations').get() as { n: number };
  expect(count().n).toBe(2);
  // As if that had been an hour ago.
  database.exec('UPDATE conversations SET created_at = created_at - 3600000');
  database.close();

  await server.restart();
  const list = `${server.url}/conversations?user_id=${user}`;
  const left = new Libsql(server.databaseUrl.replace(/^file:/u, ''), {
    readonly: true,
    timeout: 5_000,
  });
  const counted = () => left.prepare('SELECT count(*) AS n FROM conversations').get();
  await expect.poll(counted, { timeout: 30_000, interval: 200 }).toMatchObject({ n: 1 });
  left.close();
  expect((await request<unknown[]>(list)).json).toHaveLength(1);
}, 90_000);
