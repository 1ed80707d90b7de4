/** A conversation made at one door is whole at every other. */
import { describe, expect, it } from 'vitest';
import { suiteTarget, unique } from './target.ts';

const target = suiteTarget();

interface Made {
  id: string;
  conversation_id: string;
}

/** How each door makes a conversation and says the first word, and how it says another. */
const doors = {
  async conversations(user_id: string) {
    const { json } = await target.call<Made>('/conversations', {
      json: { user_id, message: 'made at conversations' },
    });
    return json.conversation_id;
  },
  async 'conversations, second dialect'(user_id: string) {
    const { json } = await target.call<Made>('/conversations/start', {
      json: { user_id, message: 'made at the second dialect' },
    });
    return json.conversation_id;
  },
  async chats(user_id: string) {
    const { json } = await target.call<Made>('/chats', { json: { user_id } });
    await target.call('/chat', { json: { chat_id: json.id, user_id, message: 'made at chats' } });
    return json.id;
  },
  async 'chat/conversations'(user_id: string) {
    const { json } = await target.call<Made>('/chat/conversations', { json: { user_id } });
    await target.call(`/chat/conversations/${json.id}/messages`, {
      json: { content: 'made at chat conversations' },
    });
    return json.id;
  },
  async websocket(user_id: string) {
    const socket = await target.socket(`/ws/${user_id}`);
    socket.send({ message: 'made at the socket' });
    const { conversation_id } = await socket.next('message_complete');
    socket.close();
    return String(conversation_id);
  },
};

const sayings: [string, (id: string, user_id: string, text: string) => Promise<unknown>][] = [
  [
    'conversations',
    (id, _, message) => target.call(`/conversations/${id}/messages`, { json: { message } }),
  ],
  [
    'second dialect',
    (id, _, message) => target.call(`/conversations/${id}/message`, { json: { message } }),
  ],
  [
    'chats',
    (id, user_id, message) => target.call('/chat', { json: { chat_id: id, user_id, message } }),
  ],
  [
    'chat/conversations',
    (id, _, content) => target.call(`/chat/conversations/${id}/messages`, { json: { content } }),
  ],
  [
    'native stream',
    async (id, _, message) => {
      const query = new URLSearchParams({ message });
      await (await target.stream(`/conversations/${id}/stream?${query}`)).collect();
    },
  ],
  [
    'text stream',
    async (id, _, message) => {
      const query = new URLSearchParams({ message });
      await (await target.stream(`/chat/conversations/${id}/stream?${query}`)).collect();
    },
  ],
  [
    'websocket',
    async (id, user_id, message) => {
      const socket = await target.socket(`/ws/${user_id}`);
      socket.send({ message, conversation_id: id });
      await socket.next('message_complete');
      socket.close();
    },
  ],
];

interface Listed {
  id: string;
  content: string;
  role: string;
}

describe.each(Object.entries(doors))('made at %s', (_, make) => {
  it('is whole at every other, goes on at every other, and is gone from all', async () => {
    const user_id = unique('user');
    const id = await make(user_id);
    for (const [name, say] of sayings) await say(id, user_id, `said at ${name}`);

    const [whole, viaDoor, byMessages, byChat, byChatConversation] = await Promise.all([
      target.call<{ title: string; messages: Listed[] }>(`/conversations/${id}`),
      target.call<{ title: string; messages: Listed[] }>(`/chat/conversations/${id}`),
      target.call<Listed[]>(`/conversations/${id}/messages`),
      target.call<Listed[]>(`/chats/${id}/messages`),
      target.call<Listed[]>(`/chat/conversations/${id}/messages`),
    ]);
    const told = whole.json.messages;
    expect(told).toHaveLength(2 + 2 * sayings.length);
    for (const [index, [name]] of sayings.entries()) {
      expect(told[2 + 2 * index]).toMatchObject({ role: 'user', content: `said at ${name}` });
      expect(told[3 + 2 * index]).toMatchObject({
        role: 'assistant',
        content: `You said: said at ${name}`,
      });
    }
    const ids = told.map((message) => message.id);
    expect(new Set(ids).size).toBe(ids.length);
    const contents = told.map(({ content }) => content);
    for (const list of [
      viaDoor.json.messages,
      byMessages.json,
      byChat.json,
      byChatConversation.json,
    ]) {
      expect(list.map((message) => message.id)).toEqual(ids);
      expect(list.map(({ content }) => content)).toEqual(contents);
    }

    const { title } = whole.json;
    for (const path of ['/conversations', '/chats', '/chat/conversations']) {
      const list = await target.call<{ title: string; message_count: number }[]>(
        `${path}?user_id=${user_id}`,
      );
      expect(list.json).toEqual([expect.objectContaining({ title, message_count: ids.length })]);
      expect((await target.call(`${path}/${id}`)).json).toMatchObject({ title });
    }

    await target.call(`/chats/${id}`, { method: 'DELETE' });
    for (const path of ['/conversations', '/chats', '/chat/conversations']) {
      expect((await target.call(`${path}/${id}`)).status).toBe(404);
      expect((await target.call(`${path}?user_id=${user_id}`)).json).toEqual([]);
    }
  });
});
