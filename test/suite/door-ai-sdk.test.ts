/** The API for `useChat`: the AI SDK's own chat and transport against the server. */
import { describe, expect, it, vi } from 'vitest';
import { chatOf, chunksOf, said, textOfUi } from './ai-sdk-client.ts';
import { suiteTarget, unique } from './target.ts';
import { scripted, storedMessages, type MessageJson } from './turns.ts';

const target = suiteTarget();

interface UiTranscript {
  conversation_id: string;
  messages: {
    id: string;
    role: string;
    metadata: { message_id: string };
    parts: { type: string }[];
  }[];
}

async function transcript(id: string, user_id: string) {
  const path = `/conversations/${encodeURIComponent(id)}?format=ui&user_id=${user_id}`;
  return target.call<UiTranscript>(path);
}

async function tree(id: string): Promise<MessageJson[]> {
  return (await target.call<MessageJson[]>(`/conversations/${id}/messages?tree=true`)).json;
}

const WAIT = { timeout: 20_000, interval: 50 };
const NOTHING = { parts: [] };
const tokens = ['Once ', 'upon ', 'a ', 'time 😀'];

describe.concurrent('a chat of the AI SDK', () => {
  it('gets an answer that is stored, and finds both under its own names', async () => {
    const { model } = await scripted(target, { tokens, reasoning: ['Hm.'] });
    const user_id = unique('user');
    const id = `chat ${unique()}/x`;
    const chat = chatOf(target, { id, body: { model, user_id } });
    await chat.sendMessage({ text: 'Tell me a tale' });

    expect({ status: chat.status, error: chat.error }).toEqual({ status: 'ready' });
    const [question, answer] = chat.messages;
    if (!question || !answer) throw new Error('the chat has no answer');
    expect(textOfUi(answer)).toBe(tokens.join(''));
    expect(answer.metadata).toMatchObject({ status: 'complete', model });

    const { json } = await transcript(id, user_id);
    expect(json.messages.map((message) => message.id)).toEqual([question.id, answer.id]);
    expect(answer.parts).toMatchObject(json.messages[1]?.parts ?? []);
    const stored = await storedMessages(target, json.conversation_id);
    expect(stored.map(({ content }) => content)).toEqual(['Tell me a tale', tokens.join('')]);
  });

  it('tells the model what its system messages say, besides the instructions of the chat', async () => {
    const { model, name } = await scripted(target, { tokens });
    const body = { model, user_id: unique('user'), instructions: 'Be brief' };
    const system = { id: unique('m'), role: 'system' as const };
    const messages = [{ ...system, parts: [{ type: 'text' as const, text: 'Answer in rhymes' }] }];
    const chat = chatOf(target, { id: unique('chat'), body, messages });
    await chat.sendMessage({ text: 'Tell me a tale' });
    expect(chat.error).toBeUndefined();
    const [sent] = await target.upstream.requests(name);
    const said = 'Be brief\n\nAnswer in rhymes';
    expect(sent?.body).toMatchObject({ messages: [{ role: 'system', content: said }, {}] });
  });

  it('goes on with what was said, whatever it says of old messages', async () => {
    const { model, name } = await scripted(target, { tokens });
    const user_id = unique('user');
    const id = unique('chat');
    const chat = chatOf(target, { id, body: { model, user_id } });
    await chat.sendMessage({ text: 'My name is Ann' });
    const forged = chat.messages.map((message) => ({
      ...message,
      parts: [{ type: 'text' as const, text: 'forged' }],
    }));
    const again = chatOf(target, { id, body: { model, user_id }, messages: forged });
    await again.sendMessage({ text: 'Who am I?' });

    expect(again.error).toBeUndefined();
    const sent = JSON.stringify((await target.upstream.requests(name)).at(-1)?.body);
    expect(sent).toContain('My name is Ann');
    expect(sent).not.toContain('forged');
  });

  it('keeps the old branch when a message is edited or answered again', async () => {
    const { model } = await scripted(target, { tokens });
    const user_id = unique('user');
    const chat = chatOf(target, { id: unique('chat'), body: { model, user_id } });
    await chat.sendMessage({ text: 'first' });
    await chat.regenerate();
    expect(chat.error).toBeUndefined();
    await chat.sendMessage({ text: 'second' });
    const second = chat.messages.at(-2)?.id;
    await chat.sendMessage({ text: 'second, said differently', messageId: second });
    expect(chat.error).toBeUndefined();

    const { conversation_id: id = '' } = chat.messages.at(-1)?.metadata ?? {};
    const all = await tree(id);
    const answers = all.filter(({ role }) => role === 'assistant');
    expect(answers.map(({ siblings }) => siblings)).toEqual([
      { index: 1, count: 2 },
      { index: 2, count: 2 },
      { index: 1, count: 1 },
      { index: 1, count: 1 },
    ]);
    const said = all.filter(({ role }) => role === 'user');
    expect(said.map(({ content }) => content)).toEqual([
      'first',
      'second',
      'second, said differently',
    ]);
    expect(said[2]?.siblings).toEqual({ index: 2, count: 2 });
    expect(said[2]?.parent_id).toBe(answers[1]?.id);
    expect((await storedMessages(target, id)).map(({ content }) => content)).toEqual([
      'first',
      tokens.join(''),
      'second, said differently',
      tokens.join(''),
    ]);
  });

  it('comes back in mid-answer and has the whole, then there is nothing to come back to', async () => {
    const { model, name } = await scripted(target, { tokens, holdAt: 2 });
    const user_id = unique('user');
    const id = unique('chat');
    const leaving = chatOf(target, { id, body: { model, user_id } });
    const sending = leaving.sendMessage({ text: 'Tell me a tale' });
    await target.upstream.waitForRequest(name);
    await leaving.stop();
    await sending;

    const messages = leaving.messages.slice(0, 1);
    const returning = chatOf(target, { id, body: { model, user_id }, messages });
    const resuming = returning.resumeStream();
    await vi.waitFor(
      () => expect(textOfUi(returning.messages[1] ?? NOTHING)).toBe('Once upon '),
      WAIT,
    );
    await target.upstream.release(name);
    await resuming;
    expect(returning.error).toBeUndefined();
    expect(textOfUi(returning.messages.at(-1) ?? NOTHING)).toBe(tokens.join(''));

    const path = `/api/chat/${id}/stream?user_id=${user_id}`;
    await vi.waitFor(async () => expect((await target.call(path)).status).toBe(204), WAIT);
    expect((await target.call(`/api/chat/unknown/stream?user_id=${user_id}`)).status).toBe(204);
  });

  it('is stopped by its own call, and shows that it was', async () => {
    const { model, name } = await scripted(target, {
      tokens,
      infinite: true,
      delayMs: { between: 50 },
    });
    const user_id = unique('user');
    const id = unique('chat');
    const chat = chatOf(target, { id, body: { model, user_id } });
    const sending = chat.sendMessage({ text: 'Never stop' });
    await target.upstream.waitForRequest(name);
    await vi.waitFor(() => expect(chat.messages).toHaveLength(2), WAIT);
    const stop = () =>
      target.call<{ stopped: boolean }>(`/api/chat/${id}/stop`, { json: { user_id } });
    expect((await stop()).json).toMatchObject({ stopped: true });
    await sending;

    const answer = chat.messages.at(-1);
    expect(answer?.metadata).toMatchObject({ status: 'cancelled' });
    expect(answer?.parts.filter((part) => 'state' in part && part.state !== 'done')).toEqual([]);
    expect((await stop()).json).toEqual({ stopped: false });
  });

  it('is told of a failure, of a cut and of a limit', async () => {
    const user_id = unique('user');
    const ask = async (script: Parameters<typeof scripted>[1]) => {
      const { model } = await scripted(target, script);
      const finished: (string | undefined)[] = [];
      const chat = chatOf(target, {
        id: unique('chat'),
        body: { model, user_id },
        onFinish: ({ finishReason }) => void finished.push(finishReason),
      });
      await chat.sendMessage({ text: 'Hello' });
      const { status, error } = chat;
      const metadata = chat.messages.at(-1)?.metadata;
      return { status, error: error?.message, stored: metadata?.status, finished };
    };
    expect(await ask({ tokens, finishReason: 'length' })).toEqual({
      status: 'ready',
      error: undefined,
      stored: 'truncated',
      finished: ['length'],
    });
    expect(await ask({ tokens, finishReason: 'none', doneMarker: false })).toEqual({
      status: 'ready',
      error: undefined,
      stored: 'interrupted',
      finished: ['interrupted'],
    });
    expect(await ask({ status: { code: 401, body: 'sk-secret' } })).toMatchObject({
      status: 'error',
      error: expect.stringMatching(/^AI service/u),
      stored: 'failed',
    });
  });
});

describe.concurrent('POST /api/chat', () => {
  const post = (json: object) => target.call('/api/chat', { json });

  it('joins the answer when the same message comes again', async () => {
    const { model, name } = await scripted(target, { tokens, holdAt: 1 });
    const body = {
      id: unique('chat'),
      user_id: unique('user'),
      model,
      trigger: 'submit-message',
      messages: [said('m1', 'Hello')],
    };
    const open = () => target.stream('/api/chat', { json: body });
    const running = await Promise.all([open(), open()]);
    await target.upstream.release(name);
    await Promise.all(running.map((stream) => stream.collect()));
    const turns = [...running, await post(body)].map(({ status, headers }) => [
      status,
      headers['x-turn-id'],
    ]);
    expect(new Set(turns.map(String)).size).toBe(1);
    expect(await target.upstream.requests(name)).toHaveLength(1);
  });

  it('closes every part before the end, in chunks that the package accepts', async () => {
    const { model } = await scripted(target, {
      tokens,
      reasoning: ['Let me ', 'look.'],
      toolCalls: [[{ name: 'search_conversations', input: { query: 'blue' } }]],
    });
    const user_id = unique('user');
    await post({ id: unique('chat'), user_id, model: 'offline', messages: [said('a', 'Blue?')] });
    const answer = await post({ id: unique('chat'), user_id, model, messages: [said('m', 'Hi')] });
    expect(answer.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'x-vercel-ai-ui-message-stream': 'v1',
    });
    const { chunks, isDone } = await chunksOf(answer.text);
    expect(isDone).toBe(true);
    const types = chunks.map(({ type }) => type);
    expect(types.slice(0, 2)).toEqual(['start', 'start-step']);
    expect(types.slice(-2)).toEqual(['finish-step', 'finish']);
    for (const kind of ['text', 'reasoning', 'step']) {
      const [begins, ends] =
        kind === 'step' ? ['start-step', 'finish-step'] : [`${kind}-start`, `${kind}-end`];
      const count = (type: string) => types.filter((candidate) => candidate === type).length;
      expect(count(ends), kind).toBe(count(begins));
    }
    expect(types).toContain('tool-input-available');
    expect(types.indexOf('tool-output-available')).toBeGreaterThan(
      types.indexOf('tool-input-available'),
    );
  });

  it.each([
    ['nothing', {}, /id/u],
    ['no message', { id: 'c' }, /messages/u],
    [
      'an answer as the last message',
      { id: 'c', messages: [{ ...said('a', 'x'), role: 'assistant' }] },
      /last message/u,
    ],
    ['an empty text', { id: 'c', messages: [said('m', '  ')] }, /empty/u],
    [
      'a file without an address',
      {
        id: 'c',
        messages: [
          {
            id: 'm',
            role: 'user',
            parts: [{ type: 'file', url: 'x', mediaType: 'image/png' }],
          },
        ],
      },
      /file/u,
    ],
    ['an unknown model', { id: 'c', model: 'nowhere/none', messages: [said('m', 'Hi')] }, /model/u],
    [
      'an answer again in a chat that is not there',
      { id: 'c', trigger: 'regenerate-message', messages: [said('m', 'Hi')] },
      /not stored/u,
    ],
  ])('refuses %s in one sentence', async (_, body, sentence) => {
    const answer = await post({ user_id: unique('user'), ...body });
    expect(answer.status).toBe(400);
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(answer.text).toMatch(sentence);
    expect(answer.text).not.toMatch(/[{}\n]/u);
  });

  it('refuses a history that does not fit what is stored', async () => {
    const body = { id: unique('chat'), user_id: unique('user'), model: 'offline' };
    await post({ ...body, messages: [said('m1', 'Hello')] });
    const { json } = await transcript(body.id, body.user_id);
    const [first, second] = json.messages;
    const unknown = { id: 'lost', role: 'assistant', parts: [{ type: 'text', text: 'x' }] };
    const history = [first, second, said('m2', 'More'), unknown, said('m3', 'And more')];
    const refused = await post({ ...body, messages: history });
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining('lost')]);
    expect(await tree(json.conversation_id)).toHaveLength(2);
  });

  it('takes a greeting that the client wrote for what it is', async () => {
    const body = { id: unique('chat'), user_id: unique('user'), model: 'offline' };
    const greeting = { id: 'hi', role: 'assistant', parts: [{ type: 'text', text: 'Welcome' }] };
    const answer = await post({ ...body, messages: [greeting, said('m1', 'Hello')] });
    expect(answer.status).toBe(200);
    const { json } = await transcript(body.id, body.user_id);
    expect(json.messages.map(({ id }) => id)).toEqual(['m1', expect.any(String)]);
  });

  it('keeps the chats of two users with the same name apart', async () => {
    const id = unique('chat');
    const users = [unique('user'), unique('user')];
    for (const user_id of users)
      await post({ id, user_id, model: 'offline', messages: [said('m1', `I am ${user_id}`)] });
    const found = await Promise.all(users.map((user_id) => transcript(id, user_id)));
    expect(found.map(({ status }) => status)).toEqual([200, 200]);
    expect(new Set(found.map(({ json }) => json.conversation_id)).size).toBe(2);
    expect((await transcript(id, unique('user'))).status).toBe(404);
  });
});
