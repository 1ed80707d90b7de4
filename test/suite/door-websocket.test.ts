import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { HANDSHAKE } from '../support/websocket.ts';
import { anId, aNumber, aProblem, aText } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';
import { hear } from './turns.ts';

const target = suiteTarget();

interface Status {
  user_id: string;
  active_connections: number;
  is_online: boolean;
}

interface Transcript {
  user_id: string;
  messages: { id: string; role: string; content: string; status: string }[];
}

const statusOf = async (user: string) =>
  (await target.call<Status>(`/ws/users/${user}/status`)).json;

/** Waits until a user has so many sockets open: a close travels. */
async function untilConnections(user: string, count: number): Promise<void> {
  await expect
    .poll(() => statusOf(user), { timeout: 5000, interval: 20 })
    .toEqual({
      user_id: user,
      active_connections: count,
      is_online: count > 0,
    });
}

describe('a socket', () => {
  it('a socket that sends too large a frame gets an error and stays open', async () => {
    const socket = await target.socket(`/ws/${unique('user')}`);
    socket.send({ message: 'x'.repeat(1_600_000) });
    const { problem } = await socket.next('error');
    expect(problem).toEqual(aProblem(413, 'payload_too_large'));
    socket.send({ message: 'shorter' });
    expect((await socket.next('message_complete'))['full_response']).toBe('You said: shorter');
    socket.close();
  });

  it.each([
    ['', 'string', 'message'],
    ['/', 'integer', 'content'],
  ])(
    'starts a conversation and goes on with it (%s %s user_id, %s)',
    async (slash, kind, field) => {
      const user = kind === 'string' ? unique('user') : String(Math.trunc(Math.random() * 2 ** 40));
      const socket = await target.socket(`/ws/${user}${slash}`);
      expect(await socket.next()).toMatchObject({ type: 'connection', user_id: user });

      socket.send({ [field]: 'hello there' });
      const created = await socket.next();
      expect(created).toMatchObject({ type: 'conversation_created', conversation_id: anId });
      const { conversation_id } = created;
      expect(await socket.next()).toMatchObject({
        type: 'user_message',
        conversation_id,
        message: 'hello there',
      });
      expect(await socket.next()).toMatchObject({ type: 'typing', conversation_id });
      const complete = await socket.next('message_complete');
      expect(complete).toMatchObject({
        conversation_id,
        full_response: 'You said: hello there',
        message_id: anId,
        usage: {
          input_tokens: aNumber,
          output_tokens: aNumber,
          total_tokens: aNumber,
          estimated: false,
        },
      });
      const chunks = socket.frames.filter(({ type }) => type === 'chunk');
      expect(chunks.every((frame) => frame['conversation_id'] === conversation_id)).toBe(true);
      expect(chunks.map((frame) => frame['content']).join('')).toBe('You said: hello there');

      socket.send({ message: 'and more', conversation_id });
      expect(await socket.next()).toMatchObject({ type: 'user_message', conversation_id });
      expect(await socket.next('message_complete')).toMatchObject({
        conversation_id,
        full_response: 'You said: and more',
      });
      const { json } = await target.call<Transcript>(`/conversations/${String(conversation_id)}`);
      expect(json.user_id).toBe(user);
      expect(json.messages.map(({ content }) => content)).toEqual([
        'hello there',
        'You said: hello there',
        'and more',
        'You said: and more',
      ]);
      expect(json.messages[1]?.id).toBe(complete['message_id']);
      socket.close();
      await socket.closed;
    },
  );

  it.each([
    ['no JSON', 'hello'],
    ['no object', '[1]'],
    ['null', 'null'],
    ['no message', '{}'],
    ['an empty message', '{"message":""}'],
    ['a number for a message', '{"message":7}'],
    ['a NUL', '{"message":"a\\u0000b"}'],
    ['a field that the server sets', '{"message":"x","role":"system"}'],
    ['an unknown model', '{"message":"x","model":"nobody/knows"}'],
    ['an unknown conversation', '{"message":"x","conversation_id":"does-not-exist"}'],
    ['bytes', new Uint8Array([1, 2, 3])],
  ])('answers %s with an error and stays open', async (_, frame) => {
    const user = unique('user');
    const socket = await target.socket(`/ws/${user}`);
    await socket.next('connection');
    socket.sendRaw(frame);
    expect(await socket.next()).toMatchObject({ type: 'error', message: aText });
    expect((await target.call(`/conversations?user_id=${user}`)).json).toEqual([]);
    socket.send({ message: 'still here' });
    expect(await socket.next('message_complete')).toMatchObject({
      full_response: 'You said: still here',
    });
    socket.close();
  });

  it("does not let anybody into another's conversation", async () => {
    const owner = unique('owner');
    const { json } = await target.call<{ conversation_id: string }>('/conversations', {
      json: { user_id: owner, message: 'mine' },
    });
    const socket = await target.socket(`/ws/${unique('stranger')}`);
    await socket.next('connection');
    socket.send({ message: 'let me in', conversation_id: json.conversation_id });
    expect(await socket.next()).toMatchObject({ type: 'error', problem: { code: 'not_found' } });
    const after = await target.call<Transcript>(`/conversations/${json.conversation_id}`);
    expect(after.json.messages).toHaveLength(2);
    socket.close();
  });

  it('makes lone surrogates well-formed', async () => {
    const socket = await target.socket(`/ws/${unique('user')}`);
    socket.sendRaw('{"message":"a\\ud800b"}');
    expect(await socket.next('user_message')).toMatchObject({ message: 'a\uFFFDb' });
    expect(await socket.next('message_complete')).toMatchObject({
      full_response: 'You said: a\uFFFDb',
    });
    socket.close();
  });

  it('tells a failure of the model and stays open', async () => {
    const model = unique('model');
    await target.upstream.script(model, [{ status: { code: 500 } }, { text: 'well again' }]);
    const socket = await target.socket(`/ws/${unique('user')}`);
    socket.send({ message: 'try', model: `openai/${model}` });
    const { conversation_id } = await socket.next('conversation_created');
    const error = await socket.next('error');
    expect(error).toMatchObject({ message: 'AI service temporarily unavailable' });
    socket.send({ message: 'try again', conversation_id, model: `openai/${model}` });
    expect(await socket.next('message_complete')).toMatchObject({ full_response: 'well again' });
    socket.close();
  });

  it('answers two conversations at the same time', async () => {
    const slow = unique('slow');
    await target.upstream.script(slow, { text: 'slow but sure', delayMs: { between: 150 } });
    const socket = await target.socket(`/ws/${unique('user')}`);
    socket.send({ message: 'take your time', model: `openai/${slow}` });
    const { conversation_id: slowId } = await socket.next('typing');
    socket.send({ message: 'quick' });
    const first = await socket.next('message_complete');
    expect(first).toMatchObject({ full_response: 'You said: quick' });
    const second = await socket.next('message_complete');
    expect(second).toMatchObject({ conversation_id: slowId, full_response: 'slow but sure' });
    socket.close();
  });

  it('refuses a second turn in the same conversation with an error', async () => {
    const slow = unique('slow');
    await target.upstream.script(slow, { text: 'one two three', delayMs: { between: 150 } });
    const socket = await target.socket(`/ws/${unique('user')}`);
    socket.send({ message: 'first', model: `openai/${slow}` });
    const { conversation_id } = await socket.next('typing');
    socket.send({ message: 'second', conversation_id });
    expect(await socket.next('error')).toMatchObject({ problem: { code: 'turn_in_progress' } });
    expect(await socket.next('message_complete')).toMatchObject({ full_response: 'one two three' });
    socket.close();
  });

  it('may go away: the turn is stored all the same', async () => {
    const model = unique('model');
    await target.upstream.script(model, { text: 'goes on without you', delayMs: { between: 60 } });
    const socket = await target.socket(`/ws/${unique('user')}`);
    socket.send({ message: 'bye', model: `openai/${model}` });
    const { conversation_id } = await socket.next('chunk');
    socket.terminate();
    await expect
      .poll(
        async () => {
          const path = `/conversations/${String(conversation_id)}`;
          return (await target.call<Transcript>(path)).json.messages.at(-1);
        },
        { timeout: 5000, interval: 50 },
      )
      .toMatchObject({ content: 'goes on without you', status: 'complete' });
  });
});

describe('presence', () => {
  it('counts the sockets of a user', async () => {
    const user = unique('user');
    await untilConnections(user, 0);
    const first = await target.socket(`/ws/${user}`);
    const second = await target.socket(`/ws/${user}`);
    const other = await target.socket(`/ws/${unique('other')}`);
    await untilConnections(user, 2);
    first.close();
    await first.closed;
    await untilConnections(user, 1);
    second.terminate();
    await untilConnections(user, 0);
    other.close();
  });

  it('is right when many sockets open and close at once', async () => {
    const user = unique('user');
    const sockets = await Promise.all(
      Array.from({ length: 12 }, () => target.socket(`/ws/${user}`)),
    );
    await untilConnections(user, 12);
    for (const socket of sockets.slice(0, 8)) socket.terminate();
    await untilConnections(user, 4);
    await sleep(200);
    expect(await statusOf(user)).toMatchObject({ active_connections: 4 });
    for (const socket of sockets.slice(8)) socket.close();
    await untilConnections(user, 0);
  });

  it('is asked with a trailing slash, too, and for names that need escaping', async () => {
    const user = `ä/${unique('user')} %`;
    const socket = await target.socket(`/ws/${encodeURIComponent(user)}`);
    expect(await socket.next()).toMatchObject({ type: 'connection', user_id: user });
    const { json } = await target.call(`/ws/users/${encodeURIComponent(user)}/status/`);
    expect(json).toMatchObject({ user_id: user, active_connections: 1, is_online: true });
    socket.close();
  });
});

describe('a user named in the query', () => {
  it('may be the one of the address', async () => {
    const user = unique('user');
    const socket = await target.socket(`/ws/${user}?user_id=${user}`);
    expect(await socket.next()).toMatchObject({ type: 'connection', user_id: user });
    const { json } = await target.call(`/ws/users/${user}/status?user_id=${user}`);
    expect(json).toMatchObject({ user_id: user, active_connections: 1 });
    socket.close();
  });

  it('may be no other: there is nothing for them', async () => {
    const user = unique('user');
    const query = `?user_id=${unique('other')}`;
    await expect(target.socket(`/ws/${user}${query}`)).rejects.toThrow('unexpected status 404');
    expect(await statusOf(user)).toMatchObject({ active_connections: 0 });
    const { json } = await target.call(`/ws/users/${user}/status${query}`);
    expect(json).toMatchObject(aProblem(404, 'not_found'));
  });
});

it('tells a client without WebSocket that this address speaks it', async () => {
  const { status, json } = await target.call(`/ws/${unique('user')}`);
  expect({ status, json }).toMatchObject({ status: 400, json: { code: 'invalid_request' } });
});

describe('a request elsewhere that offers WebSocket, as some proxies and clients do', () => {
  const offer = HANDSHAKE;

  it('is answered as it stands', async () => {
    const health = await target.call('/health', { headers: offer });
    expect(health.json).toMatchObject({ status: 'ok' });
    const none = await target.call('/nothing', { headers: offer });
    expect(none.json).toMatchObject(aProblem(404, 'not_found'));
    const made = await target.call<{ id: string }>('/chats', { json: { user_id: unique('user') } });
    const query = new URLSearchParams({ message: 'Hello', model: 'offline' });
    const path = `/conversations/${made.json.id}/stream?${query}`;
    expect((await hear(await target.stream(path, { headers: offer }))).terminal).toBe(
      'turn.completed',
    );
  });
});
