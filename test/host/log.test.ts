/** The log of `npm start`: a line a turn, readable by machines, without a word of what was said. */
import { afterEach, describe, expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';

let upstream: Upstream;
let server: TestServer;
afterEach(async () => {
  await server.close();
  await upstream.close();
});

async function start(env: Record<string, string> = {}): Promise<void> {
  upstream = await startUpstream();
  server = await startServer({ env: { ...upstream.env, DEFAULT_MODEL: 'offline', ...env } });
}

const json = { user_id: 'ada', message: 'The secret is xyzzy', model: 'openai/short' };

interface Line {
  message: string;
  level: string;
  status: string;
}

/** The lines of the log of this kind, once there are so many. */
async function linesOf(message: string, count = 1): Promise<Line[]> {
  const lines = () =>
    server
      .logs()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      // Looked at by the tests.
      .map((line) => JSON.parse(line) as Line)
      .filter((line) => line.message === message);
  await expect.poll(() => lines().length, { timeout: 5_000 }).toBe(count);
  return lines();
}

it('has a line for each turn, with ids, status, times and tokens', async () => {
  await start();
  upstream.script('short', { text: 'plugh and plover' });
  const { json: answer } = await request<{ conversation_id: string }>(
    `${server.url}/conversations`,
    { json },
  );
  const [line] = await linesOf('turn');
  expect(line).toEqual({
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/u),
    level: 'info',
    message: 'turn',
    status: 'complete',
    turn_id: expect.any(String),
    conversation_id: answer.conversation_id,
    user_id: json.user_id,
    model: 'openai/short',
    first_token_ms: expect.any(Number),
    duration_ms: expect.any(Number),
    input_tokens: expect.any(Number),
    output_tokens: expect.any(Number),
    tokens_estimated: false,
    model_calls: 1,
  });
  for (const secret of ['xyzzy', 'plugh', 'plover', upstream.key])
    expect(server.logs()).not.toContain(secret);
});

it('has a line for each request, without its query, and none for probes', async () => {
  await start();
  const { json: made } = await request<{ conversation_id: string }>(`${server.url}/conversations`, {
    json: { user_id: 'ada' },
  });
  const headers = { 'x-request-id': 'my-request' };
  const id = made.conversation_id;
  const path = `/conversations/${id}/stream`;
  await request(`${server.url}${path}?message=xyzzy`, { headers });
  await request(`${server.url}/health`);
  await request(`${server.url}/conversations/unknown`);
  const lines = await linesOf('request', 3);
  expect(lines).toEqual([
    expect.objectContaining({ method: 'POST', path: '/conversations', status: 200 }),
    {
      time: expect.any(String),
      level: 'info',
      message: 'request',
      method: 'GET',
      path,
      status: 200,
      ms: expect.any(Number),
      request_id: 'my-request',
      turn_id: expect.any(String),
      conversation_id: id,
    },
    expect.objectContaining({ path: '/conversations/unknown', status: 404 }),
  ]);
  expect(server.logs()).not.toContain('xyzzy');
});

it('says once which origin was refused, and what would let it call', async () => {
  await start({ CORS_ORIGINS: 'https://app.example' });
  const headers = { origin: 'https://other.example' };
  for (let time = 0; time < 3; time++)
    await request(`${server.url}/conversations`, { json: { user_id: 'u' }, headers });
  await request(`${server.url}/conversations`, { method: 'OPTIONS', headers: { origin: 'null' } });
  await expect
    .poll(() => server.logs(), { timeout: 5_000 })
    .toContain('CORS_ORIGINS=https://app.example,null');
  const line = 'CORS_ORIGINS=https://app.example,https://other.example';
  expect(server.logs().split(line)).toHaveLength(2);
});

it('pages opened as files may call where null is allowed', async () => {
  await start({ CORS_ORIGINS: 'null' });
  const call = (origin: string) =>
    request(`${server.url}/conversations`, { json: { user_id: 'u' }, headers: { origin } });
  const { status, headers } = await call('null');
  expect([status, headers['access-control-allow-origin']]).toEqual([200, 'null']);
  expect((await call('https://other.example')).status).toBe(403);
});

describe('a name that is not loopback', () => {
  const headers = { host: 'chat.example:8080' };

  it('is refused, which is told with what would allow it', async () => {
    await start();
    const refused = await request(`${server.url}/models`, { headers });
    expect(refused).toMatchObject({ status: 403, json: { code: 'forbidden_host' } });
    expect(refused.text).toContain('TRUSTED_HOSTS');
    await expect
      .poll(() => server.logs(), { timeout: 5_000 })
      .toContain('TRUSTED_HOSTS=chat.example');
  });

  it('is served where TRUSTED_HOSTS names it, its own pages too', async () => {
    await start({ TRUSTED_HOSTS: 'Chat.example, other.example' });
    const json = { user_id: 'u' };
    const own = { ...headers, origin: 'https://chat.example:8080' };
    expect((await request(`${server.url}/conversations`, { json, headers: own })).status).toBe(200);
    const other = await request(`${server.url}/models`, { headers: { host: 'evil.example' } });
    expect(other.status).toBe(403);
  });
});

it('warns of a turn that failed, with its code', async () => {
  await start();
  upstream.script('short', { status: { code: 500 } });
  await request(`${server.url}/conversations`, { json });
  const [line] = await linesOf('turn');
  expect(line).toMatchObject({ level: 'warn', status: 'failed', code: 'model_unavailable' });
});

it('says nothing of turns at a higher level', async () => {
  await start({ LOG_LEVEL: 'warn' });
  upstream.script('short', { text: 'Hello' });
  await request(`${server.url}/conversations`, { json });
  await server.stop();
  expect(server.logs()).not.toContain('"message":"turn"');
});

it('is complete when the server has stopped', async () => {
  await start();
  upstream.script('short', { text: 'Hello' });
  for (let turn = 0; turn < 5; turn++) await request(`${server.url}/conversations`, { json });
  await server.stop();
  await linesOf('turn', 5);
});
