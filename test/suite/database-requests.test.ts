/**
 * Requests to the database of one streamed turn, counted in front of a real libSQL server: one
 * before the model is called, one when the turn ends.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { startServer } from '../support/server.ts';
import { openStream } from '../support/sse.ts';
import type { Behaviour } from '../support/upstream.ts';
import { openWebSocket } from '../support/websocket.ts';
import { isCheckpoint, slow, startCountedServer, type CountedServer } from './counted-server.ts';
import { suiteTarget, unique } from './target.ts';
import { conversation, streamingCalls } from './turns.ts';

const { runtime } = suiteTarget();
let counting: CountedServer;
let upstream: CountedServer['upstream'];
let database: CountedServer['database'];
let server: CountedServer['server'];

beforeAll(async () => {
  counting = await startCountedServer(runtime);
  ({ upstream, database, server } = counting);
}, 150_000);

afterAll(() => counting.close());

beforeEach(() => database.reset());

const script: CountedServer['script'] = (behaviour) => counting.script(behaviour);
const turn: CountedServer['turn'] = (...asked) => counting.turn(...asked);
const counted: CountedServer['counted'] = (model) => counting.counted(model);

const target = {
  call: <Body>(path: string, init?: Parameters<typeof request>[1]) =>
    request<Body>(server.url + path, init),
};

describe.each(streamingCalls)('$name', (streaming) => {
  async function count(conversationId: string) {
    const model = script(slow);
    database.reset();
    const { path, init } = streaming.call({ conversationId, model, message: 'Hi' });
    const stream = await openStream(server.url + path, init);
    expect(stream.status).toBe(200);
    await stream.collect();
    // Nothing may follow either.
    await sleep(100);
    const { before, after } = counted(model);
    return { before, after };
  }

  it('one before the model is called, one when the turn ends', async () => {
    const id = streaming.begins ? '' : await conversation(target);
    expect(await count(id), 'a new conversation').toEqual({ before: 1, after: 1 });
    if (streaming.begins) return;
    expect(await count(id), 'an old conversation').toEqual({ before: 1, after: 1 });
  });
});

it('the same for a socket', async () => {
  const socket = await openWebSocket(`${server.url}/ws/${unique('user')}`);
  await socket.next('connection');
  database.reset();
  const first = script(slow);
  socket.send({ message: 'Hi', model: first });
  const { conversation_id } = await socket.next('message_complete');
  expect(counted(first)).toMatchObject({ before: 1, after: 1 });
  database.reset();
  const second = script(slow);
  socket.send({ message: 'Hi', conversation_id, model: second });
  await socket.next('message_complete');
  expect(counted(second)).toMatchObject({ before: 1, after: 1 });
  socket.close();
});

it('the same for a turn that fails, and for a long history', async () => {
  const id = await conversation(target);
  const filler = script({});
  for (let index = 0; index < 12; index += 1) {
    await target.call(`/conversations/${id}/message`, { json: { message: 'Hi', model: filler } });
  }
  for (const behaviour of [slow, { ...slow, status: { code: 500 } }]) {
    database.reset();
    const model = script(behaviour);
    const json = { message: 'Hi', model, stream: true };
    await request(`${server.url}/conversations/${id}/messages`, { json });
    expect(counted(model)).toMatchObject({ before: 1, after: 1 });
  }
});

it('a call that waits for the whole answer makes one more request only when it shows all messages', async () => {
  const id = await conversation(target);
  for (const [path, after] of [
    [`/conversations/${id}/message`, 1],
    [`/chat/conversations/${id}/messages`, 1],
    [`/conversations/${id}/messages`, 2],
  ] as const) {
    database.reset();
    const model = script(slow);
    await target.call(path, { json: { message: 'Hi', model } });
    expect(counted(model), path).toMatchObject({ before: 1, after });
  }
});

describe('checkpoints', () => {
  /** The number of checkpoints of a turn, and how long the turn took, in seconds. */
  async function checkpointsOf(behaviour: Behaviour) {
    const model = script(behaviour);
    await turn(model);
    const { before, after, checkpoints, posts } = counted(model);
    expect({ before, after }).toEqual({ before: 1, after: 1 });
    const seconds = ((posts.at(-1)?.at ?? 0) - (posts[0]?.at ?? 0)) / 1_000;
    return { count: checkpoints.length, seconds };
  }

  // A busy machine makes a turn longer and its checkpoints late, but none comes early.
  it.each<[string, Behaviour]>([
    [
      'in a turn that is longer than that',
      { tokens: Array.from({ length: 33 }, () => 'word '), delayMs: { between: 100 } },
    ],
    ['for a model that is silent for as long, as its heartbeat', { headersDelayMs: 2_400 }],
    ['not in a turn that is shorter', { tokens: ['a', 'b', 'c'], delayMs: { between: 200 } }],
  ])('come about once a second: %s', async (_, behaviour) => {
    const { count, seconds } = await checkpointsOf(behaviour);
    expect(count).toBeLessThanOrEqual(Math.floor(seconds));
    expect(count).toBeGreaterThanOrEqual(Math.floor(seconds / 2));
  });
});

it('limits cost no further request', async () => {
  const limits = {
    ...{ LIMIT_REQUESTS_PER_MINUTE: '1000', LIMIT_TURNS_AT_ONCE: '100' },
    ...{ LIMIT_TOKENS_PER_DAY: '10000000', LIMIT_TOKENS_PER_MONTH: '10000000' },
    ...{ LIMIT_COST_PER_MONTH: '1000' },
    MODEL_PRICES: '[{"model":"openai/*","from":"2025-01-01","input":1,"output":1}]',
  };
  const env = { ...counting.env, ...limits };
  const limited = await startServer({ runtime, env, startLimitMs: 120_000 });
  const ask = (model: string, path = '/conversations') =>
    request<{ conversation_id: string }>(limited.url + path, {
      json: { user_id: 'limited', message: 'Hi', model, stream: path !== '/conversations' },
    });
  const { json } = await ask(script({}));
  database.reset();
  const model = script(slow);
  const { headers } = await ask(model, `/conversations/${json.conversation_id}/message`);
  expect(headers['ratelimit']).toContain('"cost_per_month";r=');
  expect(counted(model)).toMatchObject({ before: 1, after: 1 });
  await limited.close();
});

it('a reader of a running turn costs nothing while it follows', async () => {
  const count = () => database.count((asked) => !isCheckpoint(asked));
  const model = script({ tokens: ['a', 'b', 'c', 'd'], holdAt: 1 });
  const json = { user_id: unique('user'), message: 'Hi', model };
  const stream = await openStream(`${server.url}/conversations`, { json });
  await stream.next('message.delta');
  const turnId = String(stream.headers['x-turn-id']);
  const readers = await Promise.all(
    Array.from({ length: 3 }, () => openStream(`${server.url}/turns/${turnId}/events`)),
  );
  await Promise.all(readers.map((reader) => reader.next('message.delta')));
  const opened = count();
  upstream.release(model.replace('openai/', ''));
  await Promise.all([stream, ...readers].map((reader) => reader.collect()));
  // Each reader looked the turn up once; while all follow, only the end is stored.
  expect(opened).toBeLessThanOrEqual(1 + readers.length);
  expect(count()).toBe(opened + 1);
});

// The last: a failure leaves a stream to be closed, which is a request, too.
it('an answer is sent when the earlier messages can no longer be read', async () => {
  const id = await conversation(target);
  const model = script({});
  database.reset();
  database.fail(
    ({ statements }) =>
      statements.length > 0 &&
      !statements.some(({ sql }) => /^(INSERT|UPDATE)/u.test(sql)) &&
      upstream.requests.some((asked) => `openai/${asked.model}` === model),
    '500',
  );
  const answer = await target.call<{ assistant_reply: string; messages: object[] }>(
    `/conversations/${id}/messages`,
    { json: { message: 'Hi', model } },
  );
  expect(answer.status, answer.text).toBe(200);
  expect(answer.headers['x-turn-id']).toBeDefined();
  expect(answer.json).toMatchObject({
    assistant_reply: 'One two',
    messages: [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'One two', status: 'complete' },
    ],
  });
});
