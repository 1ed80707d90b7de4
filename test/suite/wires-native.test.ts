/** Every call that streams: when its bytes leave, what they say, and that the same is stored. */
import { describe, expect, it } from 'vitest';
import { suiteTarget } from './target.ts';
import {
  conversation,
  conversationOf,
  hear,
  hearText,
  scripted,
  storedMessages,
  streamingCalls,
  type StreamingCall,
} from './turns.ts';

const target = suiteTarget();

async function open(
  { begins, call }: StreamingCall,
  model: string,
  headers: Record<string, string> = {},
) {
  const conversationId = begins ? '' : await conversation(target);
  const { path, init } = call({ conversationId, model, message: 'Tell me a tale' });
  return target.stream(path, { ...init, headers });
}

const tokens = ['Once ', 'upon ', 'a ', 'time 😀', '\nthere', ' was…'];

describe.concurrent.each(streamingCalls)('$name', (streaming) => {
  it('streams in order what is then stored', async () => {
    const { model } = await scripted(target, { tokens });
    const stream = await open(streaming, model, { 'accept-encoding': 'gzip, deflate, br' });

    expect(stream.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      'x-request-id': expect.stringMatching(/./u),
      'x-turn-id': expect.stringMatching(/./u),
    });
    expect(stream.headers['content-encoding']).toBeUndefined();

    const [user, answer] = await (async () => {
      if (streaming.textOnly) {
        expect(await hearText(stream)).toMatchObject({ text: tokens.join(''), named: [] });
        return storedMessages(target, conversationOf(stream));
      }
      const heard = await hear(stream);
      expect(heard).toMatchObject({ text: tokens.join(''), terminal: 'turn.completed' });
      expect(new Set(heard.types.slice(1, -2))).toEqual(new Set(['message.delta']));
      const stored = await storedMessages(target, heard.started.conversation_id);
      const { user_message, assistant_message, ...started } = heard.started;
      expect(started).toEqual({
        turn_id: stream.headers['x-turn-id'],
        conversation_id: conversationOf(stream),
        title: 'Tell me a tale',
        model,
      });
      expect(user_message).toEqual({ id: stored[0]?.id, sequence_number: 1 });
      expect(assistant_message).toEqual({ id: stored[1]?.id, sequence_number: 2 });
      expect(heard.end).toMatchObject({
        turn_id: started.turn_id,
        message: stored[1],
        finish_reason: 'stop',
        usage: { estimated: false, output_tokens: tokens.length },
      });
      expect(heard.end.error).toBeUndefined();
      return stored;
    })();
    expect(user).toMatchObject({ role: 'user', content: 'Tell me a tale', status: 'complete' });
    expect(answer).toMatchObject({
      role: 'assistant',
      content: tokens.join(''),
      status: 'complete',
      model,
    });
  });

  // A machine that stands still for a second would hide what these two look for.
  it(
    'sends its first byte before the model answers, and comments while it waits',
    { retry: 2 },
    async () => {
      const waitMs = 1_400;
      const { model } = await scripted(target, { tokens, headersDelayMs: waitMs });
      const stream = await open(streaming, model);
      await stream.collect();
      const token = stream.events.find((event) => /message/u.test(event.type));
      const [first] = stream.pieces;
      // However busy the machine: the first byte is ahead of the first token by about the model's
      // wait.
      expect((token?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(waitMs / 2);
      // And it is no mere comment: a reconnecting browser needs an id, a native client the turn's.
      expect(stream.bytes().toString()).toMatch(/^id: \S/u);
      if (!streaming.textOnly) {
        const started = stream.events.find((event) => event.type === 'turn.started');
        expect((token?.at ?? 0) - (started?.at ?? 0)).toBeGreaterThan(waitMs / 2);
      }
      const comments = stream.comments.filter((comment) => comment.at < (token?.at ?? 0));
      // The suite's servers comment every 500 ms.
      expect(comments.length).toBeGreaterThanOrEqual(1);
      expect(comments.length).toBeLessThanOrEqual(4);
    },
  );

  it('passes each token on when it comes', { retry: 2 }, async () => {
    const betweenMs = 250;
    const { model } = await scripted(target, { tokens, delayMs: { between: betweenMs } });
    const stream = await open(streaming, model, { 'accept-encoding': 'gzip' });
    await stream.collect();
    const deltas = stream.events.filter(
      ({ type, data }) => /message/u.test(type) && data !== '[DONE]',
    );
    // On a busy machine some of them may come together; held back, they would be one.
    expect(deltas.length).toBeGreaterThanOrEqual(tokens.length / 2);
    const spread = (deltas.at(-1)?.at ?? 0) - (deltas[0]?.at ?? 0);
    expect(spread).toBeGreaterThan(betweenMs * (tokens.length - 1) * 0.5);
  });
});

it('streams on Accept, on "stream": true, and otherwise answers whole', async () => {
  const { model } = await scripted(target, { tokens });
  const json = { user_id: 'u', message: 'Hi', model };
  const flagged = await target.call('/conversations', { json: { ...json, stream: true } });
  expect(flagged.headers['content-type']).toMatch(/^text\/event-stream/u);
  const whole = await target.call('/conversations', { json });
  expect(whole.headers['content-type']).toMatch(/^application\/json/u);
  expect(whole.headers['x-turn-id']).toMatch(/./u);
  expect(whole.json).toMatchObject({ assistant_reply: tokens.join(''), status: 'complete' });
  const headers = { accept: 'text/event-stream;q=0.9, application/json;q=0.1' };
  const accepted = await target.call('/conversations', { json, headers });
  expect(accepted.headers['content-type']).toMatch(/^text\/event-stream/u);
});

it('replays a turn with the ids it had, event for event', async () => {
  const { model } = await scripted(target, { tokens, reasoning: ['Let me ', 'see'] }, 'groq');
  const json = { user_id: 'u', message: 'Hi', model };
  const first = await target.stream('/conversations', { json });
  const heard = await hear(first);
  const replay = await target.stream(`/turns/${heard.started.turn_id}/events`);
  const again = await hear(replay);
  expect(again).toMatchObject({ ...heard, types: expect.any(Array) });

  for (const [index, { id }] of first.events.slice(0, -2).entries()) {
    const rest = await target.stream(`/turns/${heard.started.turn_id}/events`, { lastEventId: id });
    await rest.collect();
    const seen = [...first.events.slice(0, index + 1), ...rest.events];
    expect(
      seen
        .filter(({ type }) => type === 'message.delta')
        .map(({ data }) => (JSON.parse(data) as { text: string }).text)
        .join(''),
      `after ${id}`,
    ).toBe(tokens.join(''));
    expect(rest.events.at(-1)?.data).toBe('[DONE]');
  }
  const { id } = first.events.at(-2) ?? { id: '' };
  const nothing = await target.stream(`/turns/${heard.started.turn_id}/events`, {
    lastEventId: id,
  });
  expect(nothing.status).toBe(204);
});

it('gives a socket the same text, frame by frame', async () => {
  const { model } = await scripted(target, { tokens, delayMs: { between: 30 } });
  const socket = await target.socket('/ws/frames-user');
  socket.send({ message: 'Tell me a tale', model });
  const done = await socket.next('message_complete');
  socket.close();
  const chunks = socket.frames.filter((frame) => frame.type === 'chunk');
  expect(socket.frames.map((frame) => frame.type).filter((type) => type !== 'chunk')).toEqual([
    'connection',
    'conversation_created',
    'user_message',
    'typing',
    'message_complete',
  ]);
  expect(chunks.map((frame) => frame['content']).join('')).toBe(tokens.join(''));
  const conversationId = String(done['conversation_id']);
  expect(new Set(chunks.map((frame) => frame['conversation_id']))).toEqual(
    new Set([conversationId]),
  );
  const [, answer] = await storedMessages(target, conversationId);
  expect(done).toMatchObject({ full_response: answer?.content, message_id: answer?.id });
  expect(answer?.content).toBe(tokens.join(''));
});
