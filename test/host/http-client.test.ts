/** The setting that says how models are reached. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { startServer } from '../support/server.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';

let upstream: Upstream;
beforeAll(async () => {
  upstream = await startUpstream();
});
afterAll(() => upstream.close());

it.each([
  ['undici', 'identity'],
  ['fetch', 'gzip, deflate'],
])('HTTP_CLIENT=%s answers a turn, and asks for an answer in %s', async (HTTP_CLIENT, encoding) => {
  const model = `openai/by-${HTTP_CLIENT}`;
  upstream.script(`by-${HTTP_CLIENT}`, { text: 'Hello there.' });
  const server = await startServer({ env: { ...upstream.env, HTTP_CLIENT } });
  const { json } = await request(`${server.url}/conversations`, {
    json: { user_id: 'u', message: 'Hi', model },
    headers: { accept: 'application/json' },
  });
  expect(json).toMatchObject({ message: { content: 'Hello there.', status: 'complete' } });
  const asked = await upstream.waitForRequest(({ model: name }) => model === `openai/${name}`);
  expect(asked.headers['accept-encoding']).toBe(encoding);
  await server.close();
});
