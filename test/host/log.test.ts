/** The log of `npm start`: a line a turn, readable by machines, without a word of what was said. */
import { afterEach, expect, it } from 'vitest';
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
    model: 'openai/short',
    first_token_ms: expect.any(Number),
    duration_ms: expect.any(Number),
    input_tokens: expect.any(Number),
    output_tokens: expect.any(Number),
    tokens_estimated: false,
  });
  for (const secret of ['xyzzy', 'plugh', 'plover', upstream.key])
    expect(server.logs()).not.toContain(secret);
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
