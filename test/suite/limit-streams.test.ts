/**
 * `LIMIT_STREAMS`: so many streams of a user are open at once in a process, and no more; and no API
 * lets a user through who has reached a limit.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { openStream } from '../support/sse.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { openWebSocket } from '../support/websocket.ts';
import { DOORS } from '../support/doors/speaking.ts';
import { aProblem } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';

const { runtime } = suiteTarget();
const A_MINUTE = 10;
let upstream: Upstream;
let server: TestServer;
beforeAll(async () => {
  upstream = await startUpstream();
  server = await startServer({
    runtime,
    env: {
      ...{ ...upstream.env, LIMIT_STREAMS: '2', KEEP_ALIVE_MS: '500' },
      LIMIT_REQUESTS_PER_MINUTE: String(A_MINUTE),
    },
  });
}, 150_000);
afterAll(async () => {
  await server.close();
  await upstream.close();
});

/** A model that says one word and then waits. */
function stallingModel(): string {
  const name = unique('model');
  upstream.script(name, { tokens: ['one ', 'two'], fault: { how: 'stall', afterTokens: 1 } });
  return `openai/${name}`;
}

async function begin(user_id: string, model: string) {
  const stream = await openStream(`${server.url}/conversations`, {
    json: { user_id, message: 'Hi', model },
  });
  await stream.next('message.delta');
  return stream;
}

async function streamsOf(user_id: string): Promise<unknown> {
  const answer = await request<{ limits: { name: string }[] }>(
    `${server.url}/limits?user_id=${user_id}`,
  );
  return answer.json.limits.find(({ name }) => name === 'streams');
}

it('refuses one stream too many, stores nothing of it, and frees a place with each end', async () => {
  const user_id = unique('user');
  const model = stallingModel();
  const [first, second] = [await begin(user_id, model), await begin(user_id, model)];
  const full = { name: 'streams', of: 'user', limit: 2, used: 2, reserved: 0, remaining: 0 };
  expect(await streamsOf(user_id)).toEqual(full);
  const json = { user_id, message: 'Hi', model: 'offline', stream: true };
  const refused = await request(`${server.url}/conversations`, { json });
  expect(refused.json).toMatchObject(aProblem(429, 'rate_limited'));
  expect(refused.headers['retry-after']).toBe('1');
  const turnId = String(first.headers['x-turn-id']);
  const events = `${server.url}/turns/${turnId}/events?user_id=${user_id}`;
  expect((await openStream(events)).status).not.toBe(200);
  const list = await request<object[]>(`${server.url}/conversations?user_id=${user_id}`);
  expect(list.json).toHaveLength(2);
  // Whole answers and other users are not meant.
  const whole = await request(`${server.url}/conversations`, { json: { ...json, stream: false } });
  expect(whole.status).toBe(200);
  const other = unique('user');
  (await begin(other, model)).close();
  // A client that leaves frees its place.
  first.close();
  await expect.poll(() => streamsOf(user_id), { timeout: 20_000 }).toMatchObject({ used: 1 });
  // So does a stream that comes to its end.
  const short = await openStream(`${server.url}/conversations`, { json });
  await short.collect();
  await expect.poll(() => streamsOf(user_id), { timeout: 20_000 }).toMatchObject({ used: 1 });
  second.close();
  await expect.poll(() => streamsOf(user_id), { timeout: 20_000 }).toMatchObject({ used: 0 });
}, 90_000);

it('is not lifted by a whole answer, where it is the only limit', async () => {
  const alone = await startServer({ runtime, env: { ...upstream.env, LIMIT_STREAMS: '1' } });
  const user_id = unique('user');
  const model = stallingModel();
  const ask = (stream: boolean) =>
    request(`${alone.url}/conversations`, {
      json: { user_id, message: 'Hi', model: 'offline', stream },
    });
  try {
    expect((await ask(false)).status).toBe(200);
    const json = { user_id, message: 'Hi', model };
    const open = await openStream(`${alone.url}/conversations`, { json });
    await open.next('message.delta');
    for (const _ of [1, 2]) expect((await ask(true)).status).toBe(429);
    open.close();
  } finally {
    await alone.close();
  }
}, 90_000);

it('counts the streams of sockets, and each until it ends or its client has left', async () => {
  const user = unique('user');
  const model = stallingModel();
  const short = { message: 'Hi', model: 'offline' };
  const socket = await openWebSocket(`${server.url}/ws/${user}`);
  socket.send({ message: 'Hi', model });
  await socket.next('chunk');
  for (const one of [short, short, short]) {
    socket.send(one);
    await socket.next('message_complete');
  }
  socket.send({ message: 'Hi', model });
  await socket.next('chunk');
  socket.send(short);
  const refused = await socket.next('error');
  expect(refused['problem']).toMatchObject({ status: 429, code: 'rate_limited' });
  socket.terminate();
  const next = await openWebSocket(`${server.url}/ws/${user}`);
  const answer = async () => {
    next.send(short);
    for (;;) {
      const { type } = await next.next();
      if (type === 'error' || type === 'message_complete') return type;
    }
  };
  await expect.poll(answer, { timeout: 20_000 }).toBe('message_complete');
  next.close();
}, 90_000);

it('no API lets a user through who has reached a limit', async () => {
  const user = unique('user');
  const turn = { user_id: user, message: 'Hi', model: 'offline' };
  const begin = () =>
    request<{ conversation_id: string }>(`${server.url}/conversations`, { json: turn });
  const begun = await Promise.all(Array.from({ length: A_MINUTE }, begin));
  expect(new Set(begun.map(({ status }) => status))).toEqual(new Set([200]));
  const conversationId = begun[0]?.json.conversation_id ?? '';
  const model = stallingModel();
  const chat = { user, model, name: unique('chat'), said: [] };
  for (const door of DOORS) {
    const { path, body, headers, socket } = door.call({ ...chat, conversationId }, 'Hi');
    if (socket) {
      const opened = await openWebSocket(server.url + path, socket);
      opened.send(body);
      const told = () => JSON.stringify(opened.frames);
      await expect.poll(told, { message: door.name }).toMatch(/requests_per_minute/u);
      opened.close();
    } else {
      const refused = await request(server.url + path, { json: body, headers });
      expect(refused.status, `${door.name}: ${refused.text}`).toBe(429);
      expect(refused.headers['retry-after'], door.name).toMatch(/^6[0-3]$/u);
    }
  }
  const asks = { name: 'ask', arguments: { message: 'Hi', model } };
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: asks };
  const ofMcp = await request(`${server.url}/mcp`, { json: call, headers: { 'x-user-id': user } });
  expect(ofMcp.text).toMatch(/requests_per_minute.*isError/u);
  expect(upstream.requests.filter((each) => model.endsWith(`/${each.model}`))).toEqual([]);
});
