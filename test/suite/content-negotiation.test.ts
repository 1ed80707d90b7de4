/**
 * Every call that makes the assistant answer, answers whole or as a stream, as the client wants it.
 */
import { describe, expect, it } from 'vitest';
import { anId, aProblem } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';

const target = suiteTarget();

interface Made {
  id: string;
}

async function newChat(user_id: string): Promise<string> {
  const { json } = await target.call<Made>('/chats', { json: { user_id } });
  return json.id;
}

/**
 * Each call as path and body, for a message to a model; where one is needed, in a new conversation.
 */
const answering: [
  string,
  (asked: { message: string; model: string }) => Promise<[string, object]>,
][] = [
  [
    'POST /conversations',
    (asked) => Promise.resolve(['/conversations', { user_id: unique('user'), ...asked }]),
  ],
  [
    'POST /conversations/{id}/messages',
    async (asked) => [`/conversations/${await newChat(unique('user'))}/messages`, asked],
  ],
  [
    'POST /conversations/start',
    (asked) => Promise.resolve(['/conversations/start', { user_id: unique('user'), ...asked }]),
  ],
  [
    'POST /conversations/{id}/message',
    async (asked) => [`/conversations/${await newChat(unique('user'))}/message`, asked],
  ],
  [
    'POST /chat',
    async (asked) => {
      const user_id = unique('user');
      return ['/chat', { user_id, chat_id: await newChat(user_id), ...asked }];
    },
  ],
  [
    'POST /chat/conversations/{id}/messages',
    async (asked) => [`/chat/conversations/${await newChat(unique('user'))}/messages`, asked],
  ],
];

const tricky = [
  'line\nbreak\r\n\r',
  ' \u2028\u2029\u0085',
  '👩‍👩‍👧 🇩',
  '🇪 smile \uD83D',
  '\uDE00',
  'data: x\n\nevent: done\ndata: [DONE]\n\n',
  '[DONE]',
];

describe.each(answering)('%s', (_, make) => {
  it.each([
    ['Accept: text/event-stream', { accept: 'text/event-stream' }, {}],
    ['Accept with other types', { accept: 'application/json;q=0.5, text/event-stream' }, {}],
    ['"stream": true', { accept: '*/*' }, { stream: true }],
  ])('streams for %s', async (_name, headers, extra) => {
    const model = unique('model');
    await target.upstream.script(model, { tokens: tricky, delayMs: { between: 15 } });
    const [path, body] = await make({ message: 'stream it', model: `openai/${model}` });
    const stream = await target.stream(path, { headers, json: { ...body, ...extra } });
    expect(stream.status).toBe(200);
    expect(stream.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      'x-turn-id': anId,
      'x-request-id': anId,
    });
    expect(stream.headers).not.toHaveProperty('content-encoding');
    const { events, ended } = await stream.collect();
    expect(ended).toBe('end');
    const types = events.map(({ type }) => type);
    expect(types[0]).toBe('turn.started');
    expect(types.slice(1, -2).every((type) => type === 'message.delta')).toBe(true);
    expect(types.slice(-2)).toEqual(['turn.completed', 'done']);
    expect(events.at(-1)?.data).toBe('[DONE]');
    const text = events
      .slice(1, -2)
      .map(({ data }) => (JSON.parse(data) as { text: string }).text)
      .join('');
    expect(text).toBe(tricky.join(''));
    expect(JSON.parse(events.at(-2)?.data ?? '')).toMatchObject({
      turn_id: stream.headers['x-turn-id'],
      message: { content: text, status: 'complete' },
      finish_reason: 'stop',
      usage: { estimated: false },
    });
    const turn = await target.call(`/turns/${String(stream.headers['x-turn-id'])}/`);
    expect(turn.json).toMatchObject({ status: 'complete', message: { content: text } });
  });

  it.each([
    ['Accept: application/json', { accept: 'application/json' }, {}],
    ['any Accept', { accept: '*/*' }, {}],
    ['no Accept', {}, {}],
    ['"stream": false', {}, { stream: false }],
  ])('answers whole for %s', async (_name, headers, extra) => {
    const model = unique('model');
    await target.upstream.script(model, { tokens: tricky });
    const [path, body] = await make({ message: 'all at once', model: `openai/${model}` });
    const answer = await target.call(path, { headers, json: { ...body, ...extra } });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^application\/json/u);
    expect(answer.headers).toMatchObject({ 'x-turn-id': anId, 'x-request-id': anId });
    expect(answer.text).toContain(JSON.stringify(tricky.join('')));
  });

  it('answers 200 with what was said when the answer was cut', async () => {
    const model = unique('model');
    await target.upstream.script(model, {
      tokens: ['half ', 'an answer'],
      fault: { how: 'eof', afterTokens: 2 },
    });
    const [path, body] = await make({ message: 'cut', model: `openai/${model}` });
    const { status, text } = await target.call(path, { json: body });
    expect(status).toBe(200);
    expect(text).toContain('half an answer');
    expect(text).toContain('"status":"interrupted"');
  });

  it.each([
    [429, { status: { code: 429, retryAfter: 7 } }, 429, 'model_rate_limited'],
    [500, { status: { code: 500 } }, 503, 'model_unavailable'],
    [401, { status: { code: 401 } }, 502, 'model_unauthorized'],
    ['an answer without text', { tokens: [] }, 502, 'model_empty'],
  ] as const)('answers the problem for %s of the model service', async (_n, script, code, word) => {
    const model = unique('model');
    await target.upstream.script(model, { ...script, tokens: [] });
    const [path, body] = await make({ message: 'fail', model: `openai/${model}` });
    const answer = await target.call<{ detail: string }>(path, { json: body });
    expect(answer.status).toBe(code);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.headers).toMatchObject({ 'x-turn-id': anId, 'x-request-id': anId });
    expect(answer.json).toMatchObject(aProblem(code, word));
    if (code !== 429) expect(answer.json.detail).toBe('AI service temporarily unavailable');
    else expect(answer.headers['retry-after']).toBe('7');
  });

  it('ends a stream that fails with turn.failed and [DONE]', async () => {
    const model = unique('model');
    await target.upstream.script(model, { status: { code: 500 } });
    const [path, body] = await make({ message: 'fail', model: `openai/${model}` });
    const { events } = await (await target.stream(path, { json: body })).collect();
    expect(events.map(({ type }) => type)).toEqual(['turn.started', 'turn.failed', 'done']);
    expect(JSON.parse(events[1]?.data ?? '')).toMatchObject({
      message: { status: 'failed', content: '' },
      error: { status: 503, detail: 'AI service temporarily unavailable' },
    });
  });
});

it('sends the first byte before the model answers, and comments while it waits', async ({
  expect,
}) => {
  const model = unique('model');
  await target.upstream.script(model, { text: 'at last', holdAt: 'head' });
  const stream = await target.stream('/conversations', {
    json: { user_id: unique(), message: 'wait', model: `openai/${model}` },
  });
  await stream.next('turn.started');
  await expect.poll(() => stream.comments.length).toBeGreaterThanOrEqual(1);
  await target.upstream.release(model);
  const { events } = await stream.collect();
  expect(events.at(-1)?.type).toBe('done');
});

it.each(['/conversations', '/chat/conversations'])(
  'lets %s/{id}/stream fail with one terminal event',
  async (path) => {
    const model = unique('model');
    await target.upstream.script(model, { status: { code: 500 } });
    const id = await newChat(unique('user'));
    const query = new URLSearchParams({ message: 'fail', model: `openai/${model}` });
    const { events } = await (await target.stream(`${path}/${id}/stream?${query}`)).collect();
    expect(events.filter(({ type }) => type.startsWith('turn.')).at(-1)?.type).toBe('turn.failed');
    expect(events.at(-1)?.data).toBe('[DONE]');
    expect(events.filter(({ data }) => data === '[DONE]')).toHaveLength(1);
  },
);

describe.concurrent('what Accept says', () => {
  it.each([
    ['TEXT/Event-Stream', true],
    ['application/json, text/event-stream; q=0.5', true],
    ['application/json, text/event-stream;q=0', false],
    ['text/event-streams', false],
    ['*/*', false],
  ])('%s', async (accept, streams) => {
    const { headers } = await target.call('/conversations', {
      json: { user_id: unique('user'), message: 'hello' },
      headers: { accept },
    });
    expect(headers['content-type']).toMatch(
      streams ? /^text\/event-stream/u : /^application\/json/u,
    );
  });
});

describe.concurrent('HEAD of a stream', () => {
  it.each(['/conversations', '/chat/conversations'])('starts no turn at %s', async (path) => {
    const id = await newChat(unique('user'));
    const { status, headers } = await target.call(`${path}/${id}/stream?message=hello`, {
      method: 'HEAD',
    });
    expect(status).toBe(200);
    expect(headers['content-type']).toMatch(/^text\/event-stream/u);
    const { json: messages } = await target.call(`${path}/${id}/messages`);
    expect(messages).toEqual([]);
  });

  it('tells whether there is a turn to follow', async () => {
    const { headers } = await target.call('/conversations', {
      json: { user_id: unique('user'), message: 'hello' },
    });
    const turn = String(headers['x-turn-id']);
    const statuses = [turn, unique('turn')].map(async (id) => {
      const { status } = await target.call(`/turns/${id}/events`, { method: 'HEAD' });
      return status;
    });
    expect(await Promise.all(statuses)).toEqual([200, 404]);
  });
});
