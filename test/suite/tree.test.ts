/** The tree of messages: branches, the active path, and what every reading shows of them. */
import { beforeEach, describe, expect, it } from 'vitest';
import { aProblem } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';
import { shapeOf } from './tree-model.ts';
import { conversation, hear, scripted, sentMessages, type MessageJson } from './turns.ts';

const target = suiteTarget();

interface ConversationJson {
  id: string;
  title: string | null;
  message_count: number;
  head_message_id: string | null;
  messages: MessageJson[];
}

interface AnsweredJson {
  message: MessageJson;
  messages: MessageJson[];
  turn_id: string;
}

let user_id: string;
let id: string;
beforeEach(async () => {
  user_id = unique('user');
  id = await conversation(target, { user_id });
});

async function say(message: string, fields: Record<string, unknown> = {}) {
  const path = `/conversations/${id}/messages`;
  const { status, json } = await target.call<AnsweredJson>(path, { json: { message, ...fields } });
  expect(status).toBe(200);
  return json;
}

async function regenerate(messageId: string) {
  const path = `/messages/${messageId}/regenerate`;
  const { status, json } = await target.call<AnsweredJson>(path, { method: 'POST' });
  expect(status).toBe(200);
  return json;
}

async function edit(messageId: string, message: string) {
  const path = `/messages/${messageId}/edit`;
  const { status, json } = await target.call<AnsweredJson>(path, { json: { message } });
  expect(status).toBe(200);
  return json;
}

async function path(of = id) {
  return (await target.call<MessageJson[]>(`/conversations/${of}/messages?limit=200`)).json;
}

async function tree(of = id) {
  const { json } = await target.call<MessageJson[]>(
    `/conversations/${of}/messages?tree=true&limit=200`,
  );
  return json;
}

/** A model that speaks for a while: so many tokens, ten a second. */
const slowly = (count: number) => ({
  tokens: Array.from({ length: count }, () => 'word '),
  delayMs: { between: 100 },
});

const said = (messages: MessageJson[]) =>
  messages.filter(({ role }) => role === 'user').map(({ content }) => content);
const numbers = (messages: MessageJson[]) => messages.map((message) => message.sequence_number);

function switchTo(head_message_id: unknown, fields: Record<string, unknown> = {}) {
  const json = { head_message_id, ...fields };
  return target.call<ConversationJson>(`/conversations/${id}`, { method: 'PATCH', json });
}

describe('a line', () => {
  it('has each message after the one before it, and nobody with siblings', async () => {
    await say('one');
    const { messages } = await say('two');
    expect(numbers(messages)).toEqual([1, 2, 3, 4]);
    expect(messages.map((message) => message.parent_id)).toEqual([
      null,
      ...messages.slice(0, -1).map((message) => message.id),
    ]);
    expect(messages.every(({ siblings }) => siblings.index === 1 && siblings.count === 1)).toBe(
      true,
    );
    const { json } = await target.call<ConversationJson>(`/conversations/${id}`);
    expect(json).toMatchObject({ message_count: 4, head_message_id: messages.at(-1)?.id });
  });
});

describe('regenerating', () => {
  it('adds a sibling of the named answer and makes it active', async () => {
    const first = await say('one');
    const again = await regenerate(first.message.id);
    expect(again.message).toMatchObject({
      role: 'assistant',
      sequence_number: 3,
      parent_id: first.message.parent_id,
      siblings: { index: 2, count: 2 },
      status: 'complete',
    });
    expect(numbers(again.messages)).toEqual([1, 3]);
    const all = await tree();
    expect(numbers(all)).toEqual([1, 2, 3]);
    expect(all.map(({ siblings }) => [siblings.index, siblings.count])).toEqual([
      [1, 1],
      [1, 2],
      [2, 2],
    ]);
  });

  it('takes the user’s message as well, and a model of its own', async () => {
    const { model, name } = await scripted(target, { text: 'By another.' });
    const { messages } = await say('one');
    const answer = await target.call<AnsweredJson>(`/messages/${messages[0]?.id}/regenerate`, {
      json: { model },
    });
    expect(answer.json.message).toMatchObject({ content: 'By another.', model });
    const [request] = await target.upstream.requests(name);
    expect(sentMessages(request?.body)).toEqual([{ role: 'user', content: 'one' }]);
  });

  it('streams, and the stream names the message that is answered', async () => {
    const { messages, message } = await say('one');
    const heard = await hear(
      await target.stream(`/messages/${message.id}/regenerate`, { method: 'POST' }),
    );
    expect(heard.started.user_message).toEqual({ id: messages[0]?.id, sequence_number: 1 });
    expect(heard.started.assistant_message.sequence_number).toBe(3);
    expect(heard.end.message.siblings).toEqual({ index: 2, count: 2 });
    const replay = await target.call<{ message: MessageJson }>(`/turns/${heard.started.turn_id}`);
    expect(replay.json.message).toEqual(heard.end.message);
  });

  it('happens once for an Idempotency-Key', async () => {
    const { message } = await say('one');
    const headers = { 'idempotency-key': unique('key') };
    const init = { method: 'POST', headers };
    const first = await target.call<AnsweredJson>(`/messages/${message.id}/regenerate`, init);
    const again = await target.call<AnsweredJson>(`/messages/${message.id}/regenerate`, init);
    expect(again.json.message).toEqual(first.json.message);
    expect(await tree()).toHaveLength(3);
  });
});

describe('editing', () => {
  it('adds a sibling of the old message, which keeps its answers', async () => {
    const first = await say('one');
    await say('two');
    const question = first.messages[0]?.id ?? '';
    const edited = await edit(question, 'ONE');
    expect(said(edited.messages)).toEqual(['ONE']);
    expect(edited.messages[0]).toMatchObject({
      parent_id: null,
      siblings: { index: 2, count: 2 },
      sequence_number: 5,
    });
    expect(said(await tree())).toEqual(['one', 'two', 'ONE']);
    await say('three');
    expect(said(await path())).toEqual(['ONE', 'three']);
  });

  it('editing an answer is refused', async () => {
    const { message } = await say('one');
    const { status, json } = await target.call(`/messages/${message.id}/edit`, {
      json: { message: 'no' },
    });
    expect(status).toBe(400);
    expect(json).toMatchObject({ code: 'invalid_request', errors: [{ path: 'id' }] });
    expect(await tree()).toHaveLength(2);
  });
});

describe('a message after another answer', () => {
  it('begins a branch, and the model is sent only its path', async () => {
    const { model, name } = await scripted(target, { text: 'Yes.' });
    const first = await say('one', { model });
    await say('two', { model });
    await say('three', { model, parent_message_id: first.message.id });
    expect(said(await path())).toEqual(['one', 'three']);
    const requests = await target.upstream.requests(name);
    expect(sentMessages(requests.at(-1)?.body)).toEqual([
      { role: 'user', content: 'one' },
      { role: 'assistant', content: 'Yes.' },
      { role: 'user', content: 'three' },
    ]);
  });

  it('may be a new beginning', async () => {
    await say('one');
    const { messages } = await say('afresh', { parent_message_id: null });
    expect(said(messages)).toEqual(['afresh']);
    expect(messages[0]).toMatchObject({ parent_id: null, siblings: { index: 2, count: 2 } });
  });

  it.each([
    ['/conversations/{id}/messages', 'message'],
    ['/conversations/{id}/message', 'message'],
    ['/chat/conversations/{id}/messages', 'content'],
    ['/chat', 'message'],
  ])('can be said at %s', async (door, field) => {
    const first = await say('one');
    await say('two');
    const chat = door === '/chat' ? { chat_id: id } : {};
    const json = { ...chat, [field]: 'three', parent_message_id: first.message.id };
    expect((await target.call(door.replace('{id}', id), { json })).status).toBe(200);
    expect(said(await path())).toEqual(['one', 'three']);
  });

  it('can be sent by EventSource and on a socket', async () => {
    const first = await say('one');
    const query = `message=two&parent_message_id=${first.message.id}`;
    await hear(await target.stream(`/conversations/${id}/stream?${query}`));
    const socket = await target.socket(`/ws/${user_id}`);
    const frame = {
      conversation_id: id,
      message: 'three',
      parent_message_id: first.message.id,
    };
    socket.send(frame);
    await socket.next('message_complete');
    socket.send({ type: 'regenerate', message_id: first.message.id });
    await socket.next('message_complete');
    socket.close();
    expect(said(await tree())).toEqual(['one', 'two', 'three']);
    expect(numbers(await path())).toEqual([1, 7]);
  });

  it.each(['of another conversation', 'of another user', 'of nobody'])(
    'an answer to follow that is %s is not found, and nothing is stored',
    async (whose) => {
      const elsewhere = await conversation(target, {
        user_id: whose === 'of another user' ? unique('user') : user_id,
      });
      const { json: other } = await target.call<AnsweredJson>(
        `/conversations/${elsewhere}/messages`,
        { json: { message: 'theirs' } },
      );
      await say('one');
      const parent_message_id = whose === 'of nobody' ? unique('message') : other.message.id;
      const { status, json } = await target.call(`/conversations/${id}/messages`, {
        json: { message: 'two', parent_message_id },
      });
      expect(status).toBe(404);
      expect(json).toEqual(aProblem(404, 'not_found'));
      expect(await tree()).toHaveLength(2);
      expect(numbers((await say('three')).messages)).toEqual([1, 2, 3, 4]);
    },
  );

  it('an answer to follow that is a user’s message is refused, and nothing is stored', async () => {
    const { messages } = await say('one');
    const { status, json } = await target.call(`/conversations/${id}/messages`, {
      json: { message: 'two', parent_message_id: messages[0]?.id },
    });
    expect(status).toBe(400);
    expect(json).toMatchObject({ errors: [{ path: 'parent_message_id' }] });
    expect(await tree()).toHaveLength(2);
  });
});

describe('switching', () => {
  it('makes the path to the newest leaf below a message the active one, at every reading', async () => {
    const first = await say('one');
    await say('two');
    await regenerate(first.message.id);
    const { status, json } = await switchTo(first.message.id);
    expect(status).toBe(200);
    expect(json).toMatchObject({ message_count: 4 });
    expect(said(await path())).toEqual(['one', 'two']);
    for (const door of ['/conversations', '/chat/conversations']) {
      const read = await target.call<ConversationJson>(`${door}/${id}`);
      expect(said(read.json.messages)).toEqual(['one', 'two']);
      expect(read.json.head_message_id).toBe(json.head_message_id);
    }
    const chat = await target.call<MessageJson[]>(`/chats/${id}/messages`);
    expect(said(chat.json)).toEqual(['one', 'two']);
    const list = await target.call<ConversationJson[]>(`/conversations?user_id=${user_id}`);
    expect(list.json[0]).toMatchObject({ message_count: 4 });
  });

  it.each([
    ['of another conversation', 404],
    ['of nobody', 404],
    ['that is no text', 400],
  ])('switching to a message %s is refused, and nothing changes', async (which, expected) => {
    const { message } = await say('one');
    const other = await conversation(target, { user_id });
    const { json: theirs } = await target.call<AnsweredJson>(`/conversations/${other}/messages`, {
      json: { message: 'theirs' },
    });
    const named = which === 'of nobody' ? unique() : theirs.message.id;
    const { status } = await switchTo(which === 'that is no text' ? 17 : named);
    expect(status).toBe(expected);
    const { json } = await target.call<ConversationJson>(`/conversations/${id}`);
    expect(json.head_message_id).toBe(message.id);
  });

  it('switching in somebody else’s conversation finds nothing', async () => {
    const { message } = await say('one');
    const { status } = await switchTo(message.id, { user_id: unique('user') });
    expect(status).toBe(404);
  });
});

describe('deleting a message', () => {
  const remove = (messageId: string | undefined, query = '') =>
    target.call(`/messages/${messageId}${query}`, { method: 'DELETE' });

  it('removes what follows it, and its question stays unanswered', async () => {
    const first = await say('one');
    await say('two');
    const { status, json } = await remove(first.message.id);
    expect(status).toBe(200);
    expect(json).toEqual({ detail: `Message ${first.message.id} deleted successfully` });
    expect(numbers(await tree())).toEqual([1]);
    expect(numbers(await path())).toEqual([1]);
    expect((await target.call(`/turns/${first.turn_id}`)).status).toBe(404);
    expect((await remove(first.message.id)).status).toBe(404);
  });

  it('makes the newest leaf beside it the active path', async () => {
    const first = await say('one');
    await say('two');
    const again = await regenerate(first.message.id);
    expect(numbers(await path())).toEqual([1, 5]);
    await remove(again.message.id);
    expect(numbers(await path())).toEqual([1, 2, 3, 4]);
    const { message } = await say('three');
    expect(message.sequence_number).toBe(7);
  });

  it('elsewhere leaves the active path alone', async () => {
    const first = await say('one');
    const again = await regenerate(first.message.id);
    await remove(first.message.id);
    expect(numbers(await path())).toEqual([1, 3]);
    expect((await path())[1]?.siblings).toEqual({ index: 1, count: 1 });
    expect((await path())[1]?.id).toBe(again.message.id);
  });

  it('deleting the only beginning empties the conversation, which goes on', async () => {
    const { messages } = await say('one');
    await remove(messages[0]?.id);
    expect(await tree()).toEqual([]);
    const { json } = await target.call<ConversationJson>(`/conversations/${id}`);
    expect(json).toMatchObject({ message_count: 0, head_message_id: null });
    expect(numbers((await say('two')).messages)).toEqual([3, 4]);
  });

  it('deleting a message of another user is not found', async () => {
    const { message } = await say('one');
    expect((await remove(message.id, `?user_id=${unique('user')}`)).status).toBe(404);
    expect(await tree()).toHaveLength(2);
  });

  it('deleting a message that a running turn answers cancels the turn, and its reader gets the end', async () => {
    const { model } = await scripted(target, slowly(50));
    const stream = await target.stream(`/conversations/${id}/messages`, {
      method: 'POST',
      json: { message: 'long', model, stream: true },
    });
    const heard = hear(stream);
    const [question] = await path();
    expect((await remove(question?.id)).status).toBe(200);
    expect((await heard).terminal).toBe('turn.cancelled');
    expect(await tree()).toEqual([]);
  });
});

describe('a fork', () => {
  it('is a conversation of its own with a copy of the path', async () => {
    const first = await say('one');
    await say('two');
    const { status, json, headers } = await target.call<ConversationJson>(
      `/conversations/${id}/fork`,
      { json: { message_id: first.message.id } },
    );
    expect(status).toBe(200);
    expect(headers['location']).toBe(`/conversations/${json.id}`);
    expect(json).toMatchObject({ title: 'One', message_count: 2 });
    const copy = await path(json.id);
    expect(copy.map(({ content }) => content)).toEqual(
      first.messages.map(({ content }) => content),
    );
    expect(copy[1]).toMatchObject({ parent_id: copy[0]?.id, sequence_number: 2 });
    expect(copy.map((message) => message.id)).not.toContain(first.message.id);
    await target.call(`/conversations/${id}`, { method: 'DELETE' });
    const { json: next } = await target.call<AnsweredJson>(`/conversations/${json.id}/messages`, {
      json: { message: 'three' },
    });
    expect(said(next.messages)).toEqual(['one', 'three']);
  });

  it('copies the active path where no message is named, once for an Idempotency-Key', async () => {
    await say('one');
    await say('afresh', { parent_message_id: null });
    const init = { method: 'POST', headers: { 'idempotency-key': unique('key') } };
    const first = await target.call<ConversationJson>(`/conversations/${id}/fork`, init);
    const again = await target.call<ConversationJson>(`/conversations/${id}/fork`, init);
    expect(again.json.id).toBe(first.json.id);
    expect(said(await path(first.json.id))).toEqual(['afresh']);
  });

  it('a fork of a message that is not there finds nothing', async () => {
    await say('one');
    const { status } = await target.call(`/conversations/${id}/fork`, {
      json: { message_id: unique() },
    });
    expect(status).toBe(404);
  });
});

describe('while a turn runs', () => {
  /** An answer beside the active path: nothing that runs is below it. */
  let sibling = '';
  beforeEach(async () => {
    const first = await say('zero');
    sibling = first.message.id;
    await regenerate(sibling);
  });

  async function running() {
    await say('one');
    const { model } = await scripted(target, slowly(10));
    const json = { message: 'long', model, stream: true };
    const stream = await target.stream(`/conversations/${id}/messages`, { method: 'POST', json });
    return { heard: hear(stream) };
  }

  async function standing() {
    const { json } = await target.call<ConversationJson>(`/conversations/${id}`);
    return { head: json.head_message_id, shapes: (await tree()).map(shapeOf) };
  }

  async function standingOfSibling() {
    const { head, shapes } = await standing();
    return { isThere: shapes.some(([of]) => of === sibling), isHead: head === sibling };
  }

  type Change = (messageId: string, on_busy?: string) => Promise<{ status: number }>;
  const again: Change = (messageId, on_busy) =>
    target.call(`/messages/${messageId}/regenerate`, { json: { on_busy } });
  const deleting: Change = (messageId, on_busy) => {
    const query = on_busy ? `?on_busy=${on_busy}` : '';
    return target.call(`/messages/${messageId}${query}`, { method: 'DELETE' });
  };
  const forking: Change = (message_id, on_busy) =>
    target.call(`/conversations/${id}/fork`, { json: { message_id, on_busy } });

  /** What is done to an answer, and what it is afterwards. */
  const changes: [name: string, change: Change, becomes: object][] = [
    ['regenerating', again, { isThere: true, isHead: false }],
    ['switching', (m, on_busy) => switchTo(m, { on_busy }), { isThere: true, isHead: true }],
    ['deleting', deleting, { isThere: false, isHead: false }],
    ['a fork', forking, { isThere: true, isHead: false }],
  ];

  it.each(changes)('%s is refused by 409, and changes nothing', async (_, change) => {
    const { heard } = await running();
    const before = await standing();
    expect((await change(sibling)).status).toBe(409);
    expect(await standing()).toEqual(before);
    expect((await heard).terminal).toBe('turn.completed');
  });

  it.each(changes)('%s waits, where that is asked for', async (_, change, becomes) => {
    const { heard } = await running();
    expect((await change(sibling, 'queue')).status).toBe(200);
    expect((await heard).terminal).toBe('turn.completed');
    expect(await standingOfSibling()).toEqual(becomes);
  });

  it.each(changes)('%s ends it, where that is asked for', async (_, change, becomes) => {
    const { heard } = await running();
    expect((await change(sibling, 'interrupt')).status).toBe(200);
    expect((await heard).terminal).toBe('turn.cancelled');
    expect(await standingOfSibling()).toEqual(becomes);
  });
});
