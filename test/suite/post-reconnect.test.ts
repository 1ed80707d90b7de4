/**
 * A POST that comes back with Last-Event-ID is a reconnect: it goes on after the cursor and starts
 * nothing.
 */
import { describe, expect, it } from 'vitest';
import type { OpenStream } from '../support/sse.ts';
import { aProblem } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';
import { conversationOf, scripted, storedMessages, textOf } from './turns.ts';

const target = suiteTarget();

interface Fixture {
  user_id: string;
  /** A conversation with one turn that has ended. */
  id: string;
  questionId: string;
  answerId: string;
  /** The cursor of the end of that turn. */
  cursor: string;
}

async function fixture(): Promise<Fixture> {
  const user_id = unique('user');
  const json = { user_id, message: 'first', model: 'offline' };
  const stream = await target.stream('/conversations', { json });
  const { events } = await stream.collect();
  const id = conversationOf(stream);
  const [question, answer] = await storedMessages(target, id);
  const cursor = events.findLast((event) => event.hasOwnId)?.id ?? '';
  return { user_id, id, questionId: question?.id ?? '', answerId: answer?.id ?? '', cursor };
}

interface Post {
  name: string;
  /** It names no conversation: without a key a cursor says nothing. */
  begins?: boolean;
  ask(found: Fixture): { path: string; json: Record<string, unknown> };
}

const posts: Post[] = [
  {
    name: 'POST /conversations',
    begins: true,
    ask: ({ user_id }) => ({ path: '/conversations', json: { user_id, message: 'Hi' } }),
  },
  {
    name: 'POST /conversations/start',
    begins: true,
    ask: ({ user_id }) => ({ path: '/conversations/start', json: { user_id, message: 'Hi' } }),
  },
  {
    name: 'POST /conversations/{id}/messages',
    ask: ({ id }) => ({ path: `/conversations/${id}/messages`, json: { message: 'Hi' } }),
  },
  {
    name: 'POST /conversations/{id}/message',
    ask: ({ id }) => ({ path: `/conversations/${id}/message`, json: { message: 'Hi' } }),
  },
  {
    name: 'POST /chat',
    ask: ({ id }) => ({ path: '/chat', json: { chat_id: id, message: 'Hi' } }),
  },
  {
    name: 'POST /chat/conversations/{id}/messages',
    ask: ({ id }) => ({ path: `/chat/conversations/${id}/messages`, json: { content: 'Hi' } }),
  },
  {
    name: 'POST /messages/{id}/regenerate',
    ask: ({ answerId }) => ({ path: `/messages/${answerId}/regenerate`, json: {} }),
  },
  {
    name: 'POST /messages/{id}/edit',
    ask: ({ questionId }) => ({ path: `/messages/${questionId}/edit`, json: { message: 'Hi' } }),
  },
];
const continuing = posts.filter(({ begins }) => !begins);

const TEXT = 'One two three four five six seven eight nine ten ';

/** Makes a call whose turn runs until `goOn`, and repeats it with a cursor. */
async function slowCall(post: Post, found: Fixture, key = '') {
  const { model, name } = await scripted(target, { text: TEXT, holdAt: 3 });
  const { path, json } = post.ask(found);
  const headers: Record<string, string> = key === '' ? {} : { 'idempotency-key': key };
  const call = (lastEventId = '') =>
    target.stream(path, { json: { ...json, model }, headers, lastEventId });
  const calls = async () => (await target.upstream.requests(name)).length;
  const goOn = () => target.upstream.release(name);
  return { call, calls, goOn };
}

/** Drops a stream when it has told a little. @returns the last cursor, and the text up to it */
async function leave(stream: OpenStream) {
  await stream.next('message.delta');
  stream.close();
  const { events } = stream;
  return {
    cursor: events.findLast((event) => event.hasOwnId)?.id ?? '',
    text: textOf(events, 'message.delta'),
    turnId: stream.headers['x-turn-id'],
    id: conversationOf(stream),
  };
}

/** Every message of a conversation, of all branches. */
async function count(id: string): Promise<number> {
  const path = `/conversations/${id}/messages?tree=true`;
  return (await target.call<object[]>(path)).json.length;
}

// They wait most of the time, and each has a model and a conversation of its own.
describe.each(posts)('$name with an Idempotency-Key', { concurrent: true }, (post) => {
  it('goes on after the cursor while the turn runs, and is told 204 when it has all', async () => {
    const { call, calls, goOn } = await slowCall(post, await fixture(), unique('key'));
    const left = await leave(await call());
    const rest = await call(left.cursor);
    await goOn();
    const { events } = await rest.collect();
    expect(rest.headers['x-turn-id']).toBe(left.turnId);
    expect(left.text + textOf(events, 'message.delta')).toBe(TEXT);
    expect(events.map(({ type }) => type)).not.toContain('turn.started');
    const end = events.findLast((event) => event.hasOwnId)?.id;
    expect((await call(end)).status).toBe(204);
    expect(await calls()).toBe(1);
  });

  it('refuses a cursor that is none, or of another turn, and starts nothing', async () => {
    const found = await fixture();
    const { call, calls, goOn } = await slowCall(post, found, unique('key'));
    const left = await leave(await call());
    const before = await count(left.id);
    const other = (await fixture()).cursor;
    for (const cursor of ['x', '%', '-1', 'null', `${left.cursor}.1.1`, other])
      expect((await call(cursor)).status, cursor).toBe(400);
    expect(await count(left.id)).toBe(before);
    expect(await calls()).toBe(1);
    await goOn();
  });
});

describe.each(continuing)('$name without a key', { concurrent: true }, (post) => {
  it('goes on after the cursor while the turn runs, and is told 204 when it has all', async () => {
    const found = await fixture();
    const { call, calls, goOn } = await slowCall(post, found);
    const left = await leave(await call());
    const rest = await call(left.cursor);
    await goOn();
    const { events } = await rest.collect();
    expect(left.text + textOf(events, 'message.delta')).toBe(TEXT);
    const end = events.findLast((event) => event.hasOwnId)?.id;
    expect((await call(end)).status).toBe(204);
    expect(await calls()).toBe(1);
  });

  it('refuses a cursor that is none, or of no turn there, and starts nothing', async () => {
    const found = await fixture();
    const { call, calls } = await slowCall(post, found);
    const before = await count(found.id);
    const other = (await fixture()).cursor;
    for (const cursor of ['x', '%', '-1', 'null', 'AAAA9.1', other]) {
      const answer = await call(cursor);
      await answer.collect();
      const problem: unknown = JSON.parse(answer.bytes().toString());
      expect(problem, cursor).toMatchObject(aProblem(400, 'invalid_cursor'));
    }
    expect(await count(found.id)).toBe(before);
    expect(await calls()).toBe(0);
  });

  it('is a turn like any other where the cursor is empty', async () => {
    const { call, calls, goOn } = await slowCall(post, await fixture());
    const stream = await call('');
    await goOn();
    const { events } = await stream.collect();
    expect(textOf(events, 'message.delta')).toBe(TEXT);
    expect(await calls()).toBe(1);
  });
});

describe.each(posts.filter(({ begins }) => begins))('$name without a key', (post) => {
  it('cannot go on, and makes no second conversation', async () => {
    const found = await fixture();
    const { call, calls, goOn } = await slowCall(post, found);
    const left = await leave(await call());
    for (const cursor of [left.cursor, found.cursor, 'x'])
      expect((await call(cursor)).status).toBe(400);
    const { json } = await target.call<object[]>(`/conversations?user_id=${found.user_id}`);
    expect(json).toHaveLength(2);
    expect(await calls()).toBe(1);
    await goOn();
  });
});

describe("somebody else's conversation", () => {
  it.each(continuing)('is not there for $name', async (post) => {
    const found = await fixture();
    const { path, json } = post.ask(found);
    const answer = await target.call(path, {
      json: { ...json, user_id: unique('user') },
      headers: { 'last-event-id': found.cursor },
    });
    expect(answer.json).toMatchObject(aProblem(404, 'not_found'));
  });
});

describe('the cursor in the address', () => {
  it.each(['last_event_id', 'lastEventId'])('is understood as %s', async (name) => {
    const { id, cursor } = await fixture();
    const turn = await target.call<{ turn_id: string }[]>(`/conversations/${id}/messages`);
    const turnId = turn.json[1]?.turn_id ?? '';
    const early = cursor.replace(/\..*/u, '.1');
    const paths = [
      `/turns/${turnId}/events?`,
      `/conversations/${id}/stream?message=x&`,
      `/chat/conversations/${id}/stream?message=x&`,
    ];
    for (const path of paths) {
      const rest = await target.stream(`${path}${name}=${early}`);
      expect(rest.status, path).toBe(200);
      expect((await rest.collect()).events.map(({ type }) => type)).not.toContain('turn.started');
      expect((await target.stream(`${path}${name}=${cursor}`)).status, path).toBe(204);
      expect((await target.stream(`${path}${name}=x`)).status, path).toBe(400);
    }
    expect(await count(id)).toBe(2);
  });
});
