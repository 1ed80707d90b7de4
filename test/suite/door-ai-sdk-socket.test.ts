/** Chats of the AI SDK over a socket: its own transport against the server. */
import { WebSocketChatTransport } from 'ai';
import { describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { Chat, textOfUi, type ChatMessage } from './ai-sdk-client.ts';
import { suiteTarget, unique } from './target.ts';
import { scripted, storedMessages } from './turns.ts';

const target = suiteTarget();
const tokens = ['Once ', 'upon ', 'a ', 'time 😀'];

const until = (condition: () => void | Promise<void>) =>
  vi.waitFor(condition, { timeout: 20_000, interval: 50 });

function chatOf(user: string, id: string, model: string, messages: ChatMessage[] = []) {
  const sockets: WebSocket[] = [];
  class Counted extends WebSocket {
    constructor(...given: ConstructorParameters<typeof WebSocket>) {
      super(...given);
      sockets.push(this);
    }
  }
  const transport = new WebSocketChatTransport<ChatMessage>({
    url: `${target.url.replace('http', 'ws')}/ws/${user}`,
    protocols: 'ai-sdk-chat',
    body: { model },
    // The package's type of sockets is that of browsers.
    webSocket: Counted as never,
  });
  return { chat: new Chat({ id, transport, messages }), transport, sockets };
}

const lastText = (chat: Chat) => textOfUi(chat.messages.at(-1) ?? { parts: [] });

describe.concurrent('a chat over a socket', () => {
  it('says, answers again and edits over one connection, in the chat that HTTP knows', async () => {
    const { model } = await scripted(target, { tokens });
    const [user, id] = [unique('user'), unique('chat')];
    const { chat, transport, sockets } = chatOf(user, id, model);
    await chat.sendMessage({ text: 'first' });
    expect([chat.error, chat.status, lastText(chat)]).toEqual([
      undefined,
      'ready',
      tokens.join(''),
    ]);
    await chat.regenerate();
    await chat.sendMessage({ text: 'said differently', messageId: chat.messages[0]?.id ?? '' });
    expect([chat.error, lastText(chat)]).toEqual([undefined, tokens.join('')]);
    expect(sockets).toHaveLength(1);
    const { conversation_id = '' } = chat.messages.at(-1)?.metadata ?? {};
    const stored = await storedMessages(target, conversation_id);
    expect(stored.map(({ content, siblings }) => [content, siblings.count])).toEqual([
      ['said differently', 2],
      [tokens.join(''), 1],
    ]);
    const read = await target.call(`/conversations/${id}?format=ui&user_id=${user}`);
    expect(read.status).toBe(200);
    transport.close();
  });

  it('comes back to a running answer and has the whole; there is nothing after it', async () => {
    const { model, name } = await scripted(target, { tokens, holdAt: 2 });
    const [user, id] = [unique('user'), unique('chat')];
    const leaving = chatOf(user, id, model);
    const sending = leaving.chat.sendMessage({ text: 'Tell me a tale' });
    await target.upstream.waitForRequest(name);
    await leaving.chat.stop();
    await sending;
    const returning = chatOf(user, id, model, leaving.chat.messages.slice(0, 1));
    const resuming = returning.chat.resumeStream();
    await until(() => expect(lastText(returning.chat)).toBe('Once upon '));
    await target.upstream.release(name);
    await resuming;
    expect([returning.chat.error, lastText(returning.chat)]).toEqual([undefined, tokens.join('')]);
    await until(async () => {
      expect(await returning.transport.reconnectToStream({ chatId: id })).toBeNull();
    });
    expect(await target.upstream.requests(name)).toHaveLength(1);
    for (const { transport } of [leaving, returning]) transport.close();
  });

  it('is told of a failure and of a refusal, and goes on', async () => {
    const { model } = await scripted(target, { status: { code: 401, body: 'sk-secret' } });
    const { chat, transport, sockets } = chatOf(unique('user'), unique('chat'), model);
    await chat.sendMessage({ text: 'Hello' });
    expect(chat.error?.message).toMatch(/^AI service/u);
    await chat.sendMessage({ text: ' ' });
    expect(chat.error?.message).toContain('empty');
    await chat.sendMessage({ text: 'Hello' }, { body: { user_id: unique('user') } });
    expect(chat.error?.message).toBe('User not found');
    await chat.sendMessage({ text: 'Hello' }, { body: { model: 'offline' } });
    expect([chat.error, chat.status]).toEqual([undefined, 'ready']);
    expect(sockets).toHaveLength(1);
    transport.close();
  });

  it('closes a socket whose frames it cannot read', async () => {
    const socket = new WebSocket(
      `${target.url.replace('http', 'ws')}/ws/${unique('user')}`,
      'ai-sdk-chat',
    );
    const closed = new Promise<number>((resolve) => socket.on('close', resolve));
    socket.on('open', () => socket.send('{"type":"send"}'));
    expect(await closed).toBe(1011);
  });
});
