/**
 * Tools that a chat of the AI SDK runs itself, and other tries: its own chat against the server.
 */
import {
  lastAssistantMessageIsCompleteWithToolCalls,
  validateUIMessages,
  type ToolUIPart,
  type UIMessage,
} from 'ai';
import { describe, expect, it, vi } from 'vitest';
import { asArray, asRecord } from '../support/json.ts';
import type { SentScript } from '../support/upstream/control.ts';
import { chatOf, chunksOf, said, textOfUi, type ChatMessage } from './ai-sdk-client.ts';
import { suiteTarget, unique } from './target.ts';
import { scripted, type MessageJson } from './turns.ts';

const target = suiteTarget();

const tools = [{ name: 'get_weather', description: 'The sky', input_schema: { type: 'object' } }];
const rome = { name: 'get_weather', input: { city: 'Rome' }, id: 'call_rome' };
const paris = { name: 'get_weather', input: { city: 'Paris' }, id: 'call_paris' };

async function transcript(id: string, user_id: string): Promise<UIMessage[]> {
  const path = `/conversations/${id}?format=ui&user_id=${user_id}`;
  const { json } = await target.call<{ messages: UIMessage[] }>(path);
  return json.messages;
}

async function tree(id: string): Promise<MessageJson[]> {
  return (await target.call<MessageJson[]>(`/conversations/${id}/messages?tree=true`)).json;
}

/** The parts of a message, without what only the package keeps of them. */
function partsOf(message: UIMessage | undefined) {
  return asArray(JSON.parse(JSON.stringify(message?.parts ?? [])));
}

function toolStates({ parts }: UIMessage) {
  return parts.flatMap((part) =>
    'toolCallId' in part ? [`${part.toolCallId} ${part.state}`] : [],
  );
}

/** A chat whose model follows a script, and that goes on when all of its calls are answered. */
async function chatting(script: SentScript, body: object = { tools }) {
  const { model, name } = await scripted(target, script);
  const user_id = unique('user');
  const id = unique('chat');
  const made = (messages: ChatMessage[] = []) =>
    chatOf(target, {
      id,
      body: { model, user_id, ...body },
      messages,
      sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls,
    });
  const sent = async () => asRecord((await target.upstream.requests(name)).at(-1)?.body);
  return { chat: made(), made, user_id, id, model, name, sent };
}

/** Waits for a condition, however busy the machine is. */
const until = (condition: () => void | Promise<void>) =>
  vi.waitFor(condition, { timeout: 20_000, interval: 50 });

type Chat = ReturnType<typeof chatOf>;

/** Answers a call as a page would, and waits until the chat has gone on. */
async function answer(chat: Chat, toolCallId: string, output: unknown) {
  await chat.addToolOutput({ tool: 'get_weather', toolCallId, output });
}

async function isReady(chat: Chat, text: string) {
  await until(() => {
    expect(chat.error).toBeUndefined();
    expect(textOfUi(chat.messages.at(-1) ?? { parts: [] })).toBe(text);
    expect(chat.status).toBe('ready');
  });
}

describe.concurrent('a tool of the page', () => {
  it('is called, answered, and the answer goes on in the same message', async () => {
    const script = [{ text: 'Let me look. ', toolCalls: [[rome, paris]] }, { text: 'It rains.' }];
    const { chat, sent, id, user_id } = await chatting(script);
    await chat.sendMessage({ text: 'Does it rain?' });
    const asked = chat.messages.at(-1);
    expect(toolStates(asked ?? (said('', '') as never))).toEqual([
      'call_rome input-available',
      'call_paris input-available',
    ]);
    expect(asked?.metadata).toMatchObject({ finish_reason: 'tool_calls' });

    await answer(chat, 'call_rome', { sky: 'rain' });
    await answer(chat, 'call_paris', 'sun');
    await isReady(chat, 'It rains.');
    expect(asArray((await sent())['messages']).slice(-2)).toMatchObject([
      { role: 'tool', tool_call_id: 'call_rome', content: '{"sky":"rain"}' },
      { role: 'tool', tool_call_id: 'call_paris', content: 'sun' },
    ]);

    expect(chat.messages).toHaveLength(2);
    const stored = await transcript(id, user_id);
    await validateUIMessages({ messages: stored });
    expect(stored.map((message) => message.id)).toEqual(chat.messages.map((message) => message.id));
    expect(partsOf(chat.messages[1])).toMatchObject(partsOf(stored[1]));
    expect(partsOf(chat.messages[1])).toHaveLength(partsOf(stored[1]).length);

    await chat.sendMessage({ text: 'Thank you' });
    expect(chat.error).toBeUndefined();
    const { conversation_id = '' } = chat.messages.at(-1)?.metadata ?? {};
    const all = await tree(conversation_id);
    expect(all.map(({ siblings }) => siblings.count)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(all[4]?.parent_id).toBe(all[3]?.id);
  });

  it('may fail, and be one that the page knows only now', async () => {
    const script = [{ toolCalls: [[rome]] }, { text: 'Sorry.' }];
    const { chat, sent } = await chatting(script, {
      tools: { get_weather: { description: 'The sky', parameters: { type: 'object' } } },
      system: 'Be brief',
    });
    await chat.sendMessage({ text: 'Does it rain?' });
    const failed = { tool: 'get_weather', toolCallId: 'call_rome', state: 'output-error' };
    await chat.addToolOutput({ ...failed, errorText: 'no network' } as never);
    await isReady(chat, 'Sorry.');
    expect(asArray((await sent())['messages'])).toMatchObject([
      { role: 'system', content: 'Be brief' },
      { role: 'user' },
      { role: 'assistant' },
      { role: 'tool', content: expect.stringContaining('no network') },
    ]);
  });

  it('is called again by the same answer, which is whole after a reload too', async () => {
    const held = { text: 'It rains in both.', holdAt: 1 };
    const script = [{ toolCalls: [[rome]] }, { toolCalls: [[], [paris]] }, held];
    const { chat, made, id, user_id, name } = await chatting(script);
    await chat.sendMessage({ text: 'Does it rain?' });
    await answer(chat, 'call_rome', 'rain');
    await until(() => expect(toolStates(chat.messages[1] as ChatMessage)).toHaveLength(2));
    await until(() => expect(chat.status).toBe('ready'));
    void answer(chat, 'call_paris', 'rain');
    await until(async () => expect(await target.upstream.requests(name)).toHaveLength(3));

    const reloaded = made((await transcript(id, user_id)) as ChatMessage[]);
    expect(reloaded.messages).toHaveLength(2);
    const resuming = reloaded.resumeStream();
    await until(() => expect(reloaded.status).toBe('streaming'));
    await target.upstream.release(name);
    await resuming;
    await isReady(reloaded, 'It rains in both.');
    await isReady(chat, 'It rains in both.');
    expect(reloaded.messages).toHaveLength(2);
    expect(toolStates(reloaded.messages[1] as ChatMessage)).toEqual([
      'call_rome output-available',
      'call_paris output-available',
    ]);
    const stored = await transcript(id, user_id);
    expect(partsOf(reloaded.messages[1])).toMatchObject(partsOf(stored[1]));
  });

  it('is answered once, whoever asks again, and only where it was called', async () => {
    const { chat, id, user_id, model, name } = await chatting([
      { toolCalls: [[rome]] },
      { text: 'It rains.' },
    ]);
    await chat.sendMessage({ text: 'Does it rain?' });
    const [question, called] = chat.messages;
    if (!question || !called) throw new Error('no call');
    const part = called.parts.find((each): each is ToolUIPart => 'toolCallId' in each);
    const post = (fields: object, message: Partial<ChatMessage> = {}) => {
      const parts = [{ ...part, state: 'output-available', output: 'rain', ...fields }];
      const messages = [question, { ...called, parts, ...message }];
      return target.call('/api/chat', {
        json: { id, user_id, model, messages, trigger: 'submit-message', messageId: called.id },
      });
    };
    const other = { type: 'dynamic-tool', toolName: 'get_weather' };
    expect((await post({ toolCallId: 'call_other' })).status).toBe(400);
    expect((await post({}, { id: 'never' })).status).toBe(400);
    expect((await post({ state: 'input-available' })).status).toBe(400);
    const both = await Promise.all([post(other), post(other)]);
    expect(both.map(({ status }) => status)).toEqual([200, 200]);
    expect(both[1].headers['x-turn-id']).toBe(both[0].headers['x-turn-id']);
    const late = await post({ output: 'sun' });
    expect([late.status, late.text]).toEqual([400, expect.stringContaining('once')]);
    expect(await target.upstream.requests(name)).toHaveLength(2);
    const { chunks } = await chunksOf(both[0].text);
    expect(chunks[0]).toMatchObject({ type: 'start', messageId: called.id });
  });
});

describe.concurrent('a message that comes again', () => {
  it('is edited back and forth, each time with an answer of its own', async () => {
    const { chat, name } = await chatting({ text: 'Yes.' }, {});
    await chat.sendMessage({ text: 'one' });
    const { id: messageId = '' } = chat.messages[0] ?? {};
    for (const text of ['two', 'one', 'two']) await chat.sendMessage({ text, messageId });
    expect(chat.error).toBeUndefined();
    expect(await target.upstream.requests(name)).toHaveLength(4);
    const { conversation_id = '' } = chat.messages.at(-1)?.metadata ?? {};
    const asked = (await tree(conversation_id)).filter(({ role }) => role === 'user');
    expect(asked.map(({ content, siblings }) => [content, siblings])).toEqual(
      ['one', 'two', 'one', 'two'].map((text, at) => [text, { index: at + 1, count: 4 }]),
    );
  });

  it('joins the answer that it has, and gets another one where that failed', async () => {
    const { chat, name, user_id, id, model } = await chatting([{ text: 'Yes.' }], {});
    await chat.sendMessage({ text: 'one' });
    const messageId = chat.messages[0]?.id ?? '';
    await chat.sendMessage({ text: 'one', messageId });
    expect(textOfUi(chat.messages.at(-1) ?? { parts: [] })).toBe('Yes.');
    expect(await target.upstream.requests(name)).toHaveLength(1);

    const { model: failing } = await scripted(target, { status: { code: 401 } });
    const send = (of: string, fields: object = {}) =>
      target.call('/api/chat', {
        json: { id, user_id, model: of, message: said('m2', 'two'), ...fields },
      });
    await send(failing);
    await send(model, { messageId: 'm2' });
    const { conversation_id = '' } = chat.messages.at(-1)?.metadata ?? {};
    const all = await tree(conversation_id);
    expect(all.map(({ content, status }) => [content, status])).toEqual([
      ['one', 'complete'],
      ['Yes.', 'complete'],
      ['two', 'complete'],
      ['', 'failed'],
      ['Yes.', 'complete'],
    ]);
  });

  it('alone is an edit of the stored message that it names', async () => {
    const body = { id: unique('chat'), user_id: unique('user'), model: 'offline' };
    const post = (message: object, fields: object = {}) =>
      target.call('/api/chat', { json: { ...body, message, ...fields } });
    await post(said('m1', 'first'));
    await post(said('m2', 'second'));
    await post(said('m1', 'first, corrected'), { messageId: 'm1' });
    const answered = await post(said('m3', 'third'));
    const all = await tree(String(answered.headers['x-conversation-id']));
    const asked = all.filter(({ role }) => role === 'user');
    expect(
      asked.map(({ content, siblings }) => `${content} ${siblings.index}/${siblings.count}`),
    ).toEqual(['first 1/2', 'second 1/1', 'first, corrected 2/2', 'third 1/1']);
    expect((await transcript(body.id, body.user_id)).map(({ id }) => id)).toEqual([
      'm1',
      expect.any(String),
      'm3',
      expect.any(String),
    ]);
  });
});

it('parameters that a page cannot have are refused by their names', async () => {
  const post = (fields: object) =>
    target.call('/api/chat', {
      json: { id: unique('chat'), user_id: unique('user'), message: said('m', 'Hi'), ...fields },
    });
  for (const [name, fields] of [
    ['temperature', { temperature: 7 }],
    ['tools', { tools: { 'a b': {} } }],
    ['tools', { tool_choice: 'required' }],
  ] as const) {
    const { status, text } = await post(fields);
    expect([status, text]).toEqual([400, expect.stringContaining(name)]);
  }
});
