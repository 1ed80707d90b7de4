/** Clients that wait, leave, or end only their sending side. */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { suiteTarget, unique } from './target.ts';
import {
  conversation,
  endOf,
  hear,
  hearText,
  scripted,
  storedMessages,
  type MessageJson,
} from './turns.ts';

const target = suiteTarget();

/** A model that says a word, and the rest when it is told to go on. */
async function halting() {
  const tokens = Array.from({ length: 5 }, () => 'word ');
  const { model, name } = await scripted(target, { tokens, holdAt: 1 });
  return { model, goOn: () => target.upstream.release(name) };
}

/** A conversation with a turn that runs until it is told to go on. */
async function busy() {
  const { model, goOn } = await halting();
  const id = await conversation(target, { user_id: unique('user') });
  const path = `/conversations/${id}/messages`;
  const json = { message: 'first', model, stream: true };
  const first = hear(await target.stream(path, { method: 'POST', json }));
  return { id, path, first, goOn };
}

/**
 * Waits until the server has certainly seen that a client left, or that a request waits, which
 * nothing tells from outside.
 */
const settle = () => sleep(700);

const questions = (messages: MessageJson[]) =>
  messages.filter(({ role }) => role === 'user').map(({ content }) => content);

describe.concurrent('a turn that waits behind another', () => {
  it('streams before it has begun, and whole when it has', async ({ expect }) => {
    const { id, path, first, goOn } = await busy();
    const json = { message: 'next', on_busy: 'queue', stream: true };
    const stream = await target.stream(path, { method: 'POST', json });
    expect(stream.headers['x-turn-id']).toMatch(/\S/u);
    expect(await storedMessages(target, id)).toHaveLength(2);
    await goOn();
    const heard = await hear(stream);
    expect(heard).toMatchObject({ terminal: 'turn.completed', text: 'You said: next' });
    expect(heard.started.turn_id).toBe(stream.headers['x-turn-id']);
    expect((await first).terminal).toBe('turn.completed');
  });

  it('streams before it has begun to an EventSource too', async ({ expect }) => {
    const { id, first, goOn } = await busy();
    const stream = await target.stream(`/conversations/${id}/stream?message=next&on_busy=queue`);
    await goOn();
    expect((await hear(stream)).text).toBe('You said: next');
    await first;
  });

  it('fails by an event when the conversation is deleted meanwhile', async ({ expect }) => {
    const { id, path, first } = await busy();
    const json = { message: 'next', on_busy: 'queue', stream: true };
    const stream = await target.stream(path, { method: 'POST', json });
    await target.call(`/conversations/${id}`, { method: 'DELETE' });
    const { events } = await stream.collect();
    expect(events.map(({ type }) => type)).toEqual(['turn.failed', 'done']);
    expect(endOf(events[0]).error).toMatchObject({ status: 404, code: 'not_found' });
    expect((await first).terminal).toBe('turn.cancelled');
  });

  it('is dropped when its client leaves, and nothing of it is stored', async ({ expect }) => {
    const { id, path, first, goOn } = await busy();
    const json = { message: 'next', on_busy: 'queue', stream: true };
    const stream = await target.stream(path, { method: 'POST', json });
    stream.close();
    await settle();
    const last = target.call(path, { json: { message: 'last', on_busy: 'queue' } });
    await goOn();
    await Promise.all([first, last]);
    expect(questions(await storedMessages(target, id))).toEqual(['first', 'last']);
  });
});

describe.concurrent('several turns that wait', () => {
  it('run in the order in which they came, though one of them leaves', async ({ expect }) => {
    const { id, path, first, goOn } = await busy();
    const wait = async (message: string) => {
      const json = { message, on_busy: 'queue', stream: true };
      return target.stream(path, { method: 'POST', json });
    };
    const second = await wait('second');
    const third = await wait('third');
    const fourth = await wait('fourth');
    third.close();
    await settle();
    await goOn();
    const heard = await Promise.all([first, hear(second), hear(fourth)]);
    expect(heard.map(({ terminal }) => terminal)).toEqual(
      Array.from({ length: 3 }, () => 'turn.completed'),
    );
    const asked = questions(await storedMessages(target, id));
    expect(asked).toEqual(['first', 'second', 'fourth']);
  });

  it('are one where they have one key', async ({ expect }) => {
    const { id, path, first, goOn } = await busy();
    const init = {
      method: 'POST',
      headers: { 'idempotency-key': unique('key') },
      json: { message: 'next', on_busy: 'queue', stream: true },
    };
    const streams = [await target.stream(path, init), await target.stream(path, init)];
    await goOn();
    const [one, other] = await Promise.all(streams.map(hear));
    expect(one?.text).toBe('You said: next');
    expect(other?.text).toBe('You said: next');
    expect(other?.started.turn_id).toBe(one?.started.turn_id);
    await first;
    expect(await storedMessages(target, id)).toHaveLength(4);
  });

  it('include an answer that is asked for again', async ({ expect }) => {
    const { id, path, first, goOn } = await busy();
    const { model: plain } = await scripted(target, { tokens: ['plain'] });
    const [question] = await storedMessages(target, id);
    const again = await target.stream(`/messages/${question?.id}/regenerate`, {
      method: 'POST',
      json: { on_busy: 'queue', stream: true, model: plain },
    });
    const next = await target.stream(path, {
      method: 'POST',
      json: { message: 'next', on_busy: 'queue', stream: true, model: plain },
    });
    await goOn();
    expect((await hear(again)).text).toBe('plain');
    expect((await hear(next)).text).toBe('plain');
    await first;
    expect(await storedMessages(target, id)).toHaveLength(4);
  });

  it('are told as text where text was asked for', async ({ expect }) => {
    const { id, first, goOn } = await busy();
    const stream = await target.stream(
      `/chat/conversations/${id}/stream?message=next&on_busy=queue`,
    );
    await goOn();
    expect((await hearText(stream)).text).toBe('You said: next');
    await first;
  });
});

describe.concurrent('on_disconnect: cancel', () => {
  it('does not cancel what another dialect still reads', async ({ expect }) => {
    const { model, goOn } = await halting();
    const id = await conversation(target, { user_id: unique('user') });
    const json = { message: 'hi', model, stream: true, on_disconnect: 'cancel' };
    const starter = await target.stream(`/chat/conversations/${id}/messages`, {
      method: 'POST',
      json: { content: 'hi', model, stream: true, on_disconnect: json.on_disconnect },
    });
    const turnId = String(starter.headers['x-turn-id']);
    const follower = hear(await target.stream(`/turns/${turnId}/events`));
    starter.close();
    await settle();
    await goOn();
    expect((await follower).terminal).toBe('turn.completed');
  });

  it('is not decided by the first of two callers of a whole answer', async ({ expect }) => {
    const { model, goOn } = await halting();
    const id = await conversation(target, { user_id: unique('user') });
    const json = { message: 'hi', model, stream: false, on_disconnect: 'cancel' };
    const init = {
      method: 'POST',
      headers: { 'idempotency-key': unique('key'), 'content-type': 'application/json' },
      body: JSON.stringify(json),
    };
    const url = `${target.url}/conversations/${id}/messages`;
    const leaving = new AbortController();
    const first = fetch(url, { ...init, signal: leaving.signal });
    await expect
      .poll(async () => (await storedMessages(target, id)).length, { timeout: 10_000 })
      .toBe(2);
    const second = fetch(url, init);
    await settle();
    leaving.abort();
    await expect(first).rejects.toThrow();
    await settle();
    await goOn();
    expect(await (await second).json()).toMatchObject({ message: { status: 'complete' } });
  });

  it('cancels only when the last reader has left', async ({ expect }) => {
    const { model, goOn } = await halting();
    const id = await conversation(target, { user_id: unique('user') });
    const json = { message: 'hi', model, stream: true, on_disconnect: 'cancel' };
    const path = `/conversations/${id}/messages`;
    const starter = await target.stream(path, { method: 'POST', json });
    const turnId = String(starter.headers['x-turn-id']);
    const follower = hear(await target.stream(`/turns/${turnId}/events`));
    starter.close();
    await settle();
    await goOn();
    expect((await follower).terminal).toBe('turn.completed');
  });

  it('is not decided by the first of two calls with one key', async ({ expect }) => {
    const { model, goOn } = await halting();
    const id = await conversation(target, { user_id: unique('user') });
    const init = {
      method: 'POST',
      headers: { 'idempotency-key': unique('key') },
      json: { message: 'hi', model, stream: true, on_disconnect: 'cancel' },
    };
    const path = `/conversations/${id}/messages`;
    const first = await target.stream(path, init);
    const second = hear(await target.stream(path, init));
    first.close();
    await settle();
    await goOn();
    expect((await second).terminal).toBe('turn.completed');
  });

  it('cancels the turn when all readers have left', async ({ expect }) => {
    const { model } = await halting();
    const id = await conversation(target, { user_id: unique('user') });
    const json = { message: 'hi', model, stream: true, on_disconnect: 'cancel' };
    const path = `/conversations/${id}/messages`;
    const starter = await target.stream(path, { method: 'POST', json });
    const turnId = String(starter.headers['x-turn-id']);
    const follower = await target.stream(`/turns/${turnId}/events`);
    starter.close();
    follower.close();
    await expect
      .poll(async () => (await storedMessages(target, id)).at(-1)?.status, { timeout: 15_000 })
      .toBe('cancelled');
  });
});

describe.runIf(target.runtime === 'node')('a client that leaves before its whole answer', () => {
  /** Asks for a whole answer, and leaves when `until` is over. */
  async function leave(path: string, json: object, until: () => PromiseLike<void>): Promise<void> {
    const leaving = new AbortController();
    const asking = fetch(`${target.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(json),
      signal: leaving.signal,
    });
    const isAnswered = asking.then(
      () => true,
      () => false,
    );
    await until();
    leaving.abort();
    expect(await isAnswered).toBe(false);
  }

  it('cancels its turn when it asked for on_disconnect cancel', async ({ expect }) => {
    const { model } = await halting();
    const id = await conversation(target, { user_id: unique('user') });
    const last = async () => (await storedMessages(target, id)).at(-1)?.status;
    const json = { message: 'hi', model, on_disconnect: 'cancel' };
    await leave(`/conversations/${id}/messages`, json, () => expect.poll(last).toBe('streaming'));
    await expect.poll(last, { timeout: 15_000 }).toBe('cancelled');
  });

  it('is out of the queue', async () => {
    const { id, path, first, goOn } = await busy();
    const json = { message: 'next', on_busy: 'queue' };
    await leave(path, json, settle);
    await settle();
    const last = target.call(path, { json: { message: 'last', on_busy: 'queue' } });
    await goOn();
    await Promise.all([first, last]);
    expect(questions(await storedMessages(target, id))).toEqual(['first', 'last']);
  });
});

describe.runIf(target.runtime === 'node')('a client that ends only its sending side', () => {
  it.each([
    ['a stream', true],
    ['a whole answer', false],
  ])('is told %s', async (_, stream) => {
    const { model, goOn } = await halting();
    const id = await conversation(target, { user_id: unique('user') });
    const body = JSON.stringify({ message: 'hi', model, stream });
    const { port, host } = new URL(target.url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.end(
      `POST /conversations/${id}/messages HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await settle();
    await goOn();
    let text = '';
    for await (const piece of socket) text += String(piece);
    expect(text).toContain('HTTP/1.1 200 OK');
    expect(text).toContain('word word word word word');
  });
});
