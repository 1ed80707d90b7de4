/** Answers that are not kept: a crash leaves their conversations behind, and the next start not. */
import Libsql from 'libsql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { OwnServers } from '../support/own-servers.ts';
import type { TestServer } from '../support/server.ts';
import { unique } from '../suite/target.ts';

const own = new OwnServers({ TURN_LEASE_MS: '1000' });
let server: TestServer;

beforeAll(async () => {
  server = await own.serve();
}, 60_000);
afterAll(() => own.close());

it('deletes answers that are not kept when their turn is over, and nothing else', async () => {
  const name = unique('model');
  const user = unique('user');
  own.upstream.script(name, { instead: 'hang' });
  const messages = [{ role: 'user', content: 'Hi' }];
  const json = { model: `openai/${name}`, user, messages };
  const path = `${server.url}/v1/chat/completions`;
  const asking = [false, true].map((store) =>
    request(path, { json: { ...json, store } }).catch(() => undefined),
  );
  const asked = () => own.upstream.requests.filter(({ model }) => model === name);
  await expect.poll(asked, { timeout: 15_000 }).toHaveLength(2);
  await server.kill();
  await Promise.all(asking);
  const database = new Libsql(server.databaseUrl.replace(/^file:/u, ''));
  const count = () =>
    database.prepare('SELECT count(*) AS n FROM conversations').get() as { n: number };
  expect(count().n).toBe(2);
  // As if that had been an hour ago.
  database.exec(
    'UPDATE conversations SET created_at = created_at - 3600000, updated_at = updated_at - 3600000',
  );
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
