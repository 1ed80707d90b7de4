/** `npx drizzle-kit studio` opens the database that the server uses, whichever it is. */
import { afterEach, expect, it } from 'vitest';
import { startProcess, type ServerProcess } from '../support/child-process.ts';
import { request } from '../support/http.ts';
import { cleanEnvironment, freePort, localCommand, repository } from '../support/places.ts';
import { startServer } from '../support/server.ts';
import { startSqld } from '../support/sqld.ts';

const started: { close(): Promise<void> }[] = [];
let studio: ServerProcess | undefined;
afterEach(async () => {
  await studio?.kill();
  for (const each of started.splice(0).toReversed()) await each.close();
});

it.each(['file', 'sqld'])('opens a database: %s', async (kind) => {
  const sqld = kind === 'sqld' ? await startSqld() : undefined;
  if (sqld) started.push(sqld);
  const server = await startServer(sqld && { env: { DATABASE_URL: sqld.url } });
  started.push(server);
  await request(`${server.url}/conversations`, { json: { user_id: 'ada', message: 'hello' } });
  const port = await freePort();
  studio = startProcess({
    command: localCommand('drizzle-kit'),
    args: ['studio', '--port', String(port)],
    cwd: repository,
    env: cleanEnvironment({ DATABASE_URL: server.databaseUrl }),
  });
  await studio.waitForOutput(/up and running/u, 40_000);
  const sql = 'SELECT user_id FROM conversations';
  const json = { type: 'proxy', data: { sql, method: 'all', typings: [], params: [] } };
  const answer = await request(`http://127.0.0.1:${port}/`, { json });
  expect([answer.status, answer.text]).toEqual([200, expect.stringContaining('ada')]);
});
