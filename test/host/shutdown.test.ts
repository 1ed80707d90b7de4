/**
 * SIGTERM on Node: no new turns, running ones get a grace, everything is stored, and readers are
 * told the end.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { openStream, type OpenStream } from '../support/sse.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { openWebSocket } from '../support/websocket.ts';

let upstream: Upstream;
let server: TestServer;

beforeEach(async () => {
  upstream = await startUpstream();
  upstream.script('short', { text: 'a short answer', delayMs: { between: 150 } });
  upstream.script('endless', { tokens: ['on ', 'and '], infinite: true, delayMs: { between: 30 } });
});
afterEach(async () => {
  await server.close();
  await upstream.close();
});

async function start(
  graceMs?: number,
  delayMs?: number,
  more: Record<string, string> = {},
): Promise<void> {
  const env: Record<string, string> = { ...upstream.env, DEFAULT_MODEL: 'offline', ...more };
  if (graceMs !== undefined) env['SHUTDOWN_GRACE_MS'] = String(graceMs);
  if (delayMs !== undefined) env['SHUTDOWN_DELAY_MS'] = String(delayMs);
  server = await startServer({ env });
}

async function ask(model: string): Promise<OpenStream> {
  const stream = await openStream(`${server.url}/conversations`, {
    json: { user_id: 'u', message: 'go', model: `openai/${model}` },
  });
  await stream.next('message.delta');
  return stream;
}

/** What a reader had heard, and the terminal event. */
async function end(stream: OpenStream) {
  const { events, ended } = await stream.collect();
  const text = events
    .filter(({ type }) => type === 'message.delta')
    .map(({ data }) => (JSON.parse(data) as { text: string }).text)
    .join('');
  const terminal = events.filter(({ type }) => type.startsWith('turn.') && type !== 'turn.started');
  expect(ended).toBe('end');
  expect(events.at(-1)?.data).toBe('[DONE]');
  expect(terminal).toHaveLength(1);
  // Asserted on by the tests.
  const data = JSON.parse(terminal[0]?.data ?? '{}') as {
    turn_id: string;
    message: { content: string; status: string };
    error?: { code: string };
  };
  return { text, type: terminal[0]?.type, ...data };
}

async function storedTurn(turnId: string) {
  await server.restart();
  return (await request(`${server.url}/turns/${turnId}`)).json;
}

it('lets a running turn end within its grace', async () => {
  await start(10_000);
  const stream = await ask('short');
  const stopped = server.stop();
  const { type, text, turn_id } = await end(stream);
  expect({ type, text }).toEqual({ type: 'turn.completed', text: 'a short answer' });
  expect(await stopped).toBe(0);
  expect(await storedTurn(turn_id)).toMatchObject({
    status: 'complete',
    message: { content: 'a short answer' },
  });
});

it('interrupts what goes on after the grace, with all that was said', async () => {
  await start(400);
  const streams = await Promise.all([ask('endless'), ask('endless'), ask('endless')]);
  const began = performance.now();
  const stopped = server.stop();
  const ends = await Promise.all(streams.map(end));
  expect(performance.now() - began).toBeGreaterThan(350);
  expect(await stopped).toBe(0);
  expect(performance.now() - began).toBeLessThan(5000);
  await server.restart();
  for (const { type, text, message, error, turn_id } of ends) {
    expect(type).toBe('turn.failed');
    expect(message).toMatchObject({ status: 'interrupted', content: text });
    expect(error).toMatchObject({ code: 'shutting_down' });
    const stored = await request(`${server.url}/turns/${turn_id}`);
    expect(stored.json).toMatchObject({ status: 'interrupted', message: { content: text } });
  }
});

it('stores what a whole answer has so far, and answers it', async () => {
  await start(300);
  const model = 'openai/endless';
  const answer = request(`${server.url}/conversations`, {
    json: { user_id: 'u', message: 'go', model },
  });
  await upstream.waitForRequest((asked) => asked.tokensWritten > 3);
  const stopped = server.stop();
  expect(await answer).toMatchObject({ status: 200, json: { status: 'interrupted' } });
  expect(await stopped).toBe(0);
});

it('lets a turn end that goes on for longer than ten seconds, without any setting', async () => {
  upstream.script('long', { tokens: Array(120).fill('on '), delayMs: { between: 100 } });
  await start();
  const stream = await ask('long');
  const stopped = server.stop(60_000);
  expect(await end(stream)).toMatchObject({ type: 'turn.completed', text: 'on '.repeat(120) });
  expect(await stopped).toBe(0);
});

describe('while a proxy notices that it stops', () => {
  async function newTurn() {
    const json = { user_id: 'v', message: 'new' };
    return request(`${server.url}/conversations`, { json });
  }

  it.each([
    ['as long as it is set', 2_000, false],
    ['if something asks /ready', undefined, true],
  ])('takes new turns, %s', async (_, delayMs, asksReady) => {
    await start(10_000, delayMs);
    const stream = await ask('endless');
    if (asksReady) expect((await request(`${server.url}/ready`)).status).toBe(200);
    const stopped = server.stop();
    await expect.poll(async () => (await request(`${server.url}/ready`)).status).toBe(503);
    expect((await request(`${server.url}/health`)).status).toBe(200);
    const taken = await newTurn();
    expect(taken).toMatchObject({ status: 200, json: { status: 'complete' } });
    // Whoever keeps its connection would not notice.
    expect(taken.headers['connection']).toBe('close');
    await expect.poll(async () => (await newTurn()).status, { timeout: 10_000 }).toBe(503);
    const { headers } = await newTurn();
    expect(headers['retry-after']).toBe('1');
    await request(`${server.url}/turns/${String(stream.headers['x-turn-id'])}/cancel`, {
      method: 'POST',
    });
    expect(await stopped).toBe(0);
  });
});

describe('while it drains', () => {
  it('takes no new turn but serves readers', async () => {
    await start(3000);
    const stream = await ask('endless');
    const turnId = String(stream.headers['x-turn-id']);
    const conversationId = String(stream.headers['x-conversation-id']);
    const idle = await request<{ id: string }>(`${server.url}/chats`, { json: { user_id: 'u' } });
    const stopped = server.stop();
    const refused = await until503(`${server.url}/conversations`);
    expect(refused.headers['retry-after']).toMatch(/^\d+$/u);
    expect(refused.json).toMatchObject({
      type: 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity',
      ...{ code: 'shutting_down', status: 503 },
    });

    const posted = await request(`${server.url}/conversations/${idle.json.id}/messages`, {
      json: { message: 'one more' },
    });
    expect(posted).toMatchObject({ status: 503, json: { code: 'shutting_down' } });
    const read = await request(`${server.url}/conversations/${conversationId}`);
    expect(read.status).toBe(200);
    const other = await openStream(`${server.url}/turns/${turnId}/events`);
    const [first, second] = await Promise.all([end(stream), end(other)]);
    expect(second.text).toBe(first.text);
    expect(await stopped).toBe(0);
    await server.restart();
    const after = await request(`${server.url}/conversations/${idle.json.id}/messages`);
    expect(after.json).toEqual([]);
  });

  it('tells a socket the end of its turn, then closes it', async () => {
    await start(300);
    const socket = await openWebSocket(`${server.url}/ws/u`);
    socket.send({ message: 'go', model: 'openai/endless' });
    await socket.next('chunk');
    const stopped = server.stop();
    expect(await socket.next('error')).toMatchObject({ problem: { code: 'shutting_down' } });
    expect(await socket.closed).toMatchObject({ code: 1001 });
    expect(await stopped).toBe(0);
    await server.restart();
    const { json } = await request(`${server.url}/ws/users/u/status`);
    expect(json).toMatchObject({ active_connections: 0, is_online: false });
  });
});

it('ends at once when nothing runs, for SIGINT too, whoever holds a connection', async () => {
  await start(10_000);
  const holders = [await hold('GET /health'), await hold('GET /ws/u', UPGRADE)];
  const began = performance.now();
  process.kill(server.pid, 'SIGINT');
  await expect.poll(() => server.isRunning(), { timeout: 5000 }).toBe(false);
  expect(performance.now() - began).toBeLessThan(3000);
  expect(server.leftBehind()).toBe(false);
  for (const holder of holders) holder.destroy();
});

it('tells those who watch what was not told yet', async () => {
  const collector = await startOtlpReceiver();
  const hour = String(3_600_000);
  await start(undefined, undefined, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_BSP_SCHEDULE_DELAY: hour,
    OTEL_METRIC_EXPORT_INTERVAL: hour,
  });
  await end(await ask('short'));
  // Nothing is sent before, within the hour.
  expect(collector.text()).toBe('');
  expect(await server.stop()).toBe(0);
  const names = collector.spans().map(({ name }) => name);
  expect(names.toSorted()).toEqual(
    ['POST /conversations', 'accept', 'chat short', 'invoke_agent parley', 'store'].toSorted(),
  );
  const metrics = collector.points().map(({ metric }) => metric);
  for (const each of ['http.server.request.duration', 'gen_ai.invoke_agent.duration'])
    expect(metrics).toContain(each);
  await collector.close();
});

const UPGRADE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

/**
 * Makes a request and keeps its connection, on which nothing is said any more, not even that it
 * closes.
 */
async function hold(what: string, headers: string[] = []): Promise<Socket> {
  const { hostname, port, host } = new URL(server.url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  socket.on('error', () => undefined);
  socket.write([`${what} HTTP/1.1`, `Host: ${host}`, ...headers, '', ''].join('\r\n'));
  await once(socket, 'data');
  return socket;
}

/** Asks until the signal has arrived; turns that start before it are short. */
async function until503(url: string) {
  for (let tries = 0; tries < 100; tries += 1) {
    const answer = await request(url, { json: { user_id: 'v', message: 'new' } });
    if (answer.status !== 200) return answer;
  }
  throw new Error('new turns were taken all the time');
}
