/** Steering: a message that comes while a turn runs joins it, or is answered right after it. */
import { validateUIMessages, type UIMessage } from 'ai';
import { describe, expect, it } from 'vitest';
import { asRecord, parseJson } from '../support/json.ts';
import type { SentScript } from '../support/upstream/control.ts';
import { post } from './documents-client.ts';
import { png, sent } from './files-client.ts';
import { suiteTarget, unique } from './target.ts';
import {
  conversation,
  hear,
  hearText,
  scripted,
  sentMessages,
  storedMessages,
  type ProblemJson,
} from './turns.ts';

const target = suiteTarget();

/** Long enough for a message to come before the first step of a turn is over. */
const pause = { headersDelayMs: 3_000 };
const search = { name: 'search_documents', input: { query: 'valve oil' }, id: 'call_1' };

interface Answered extends ProblemJson {
  assistant_reply: string;
  turn_id: string;
  message: { id: string; content: string; status: string };
}

/** The steps are told apart by requests, since a message that joins looks like a new question. */
const twoSteps: SentScript = [{ ...pause, toolCalls: [[search]] }, { text: 'Done.' }];

/** A turn of two steps, with a search between them, that has just begun. */
async function stepping(script = twoSteps, kind = 'model') {
  const userId = unique('owner');
  await post({ user_id: userId, title: 'Manual', text: 'The blue valve needs oil every month.' });
  return begun(userId, script, kind);
}

/** A turn of one step that has just begun. */
function saying(words = 30) {
  const tokens = Array.from({ length: words }, () => 'word ');
  return begun(unique('user'), [{ tokens, delayMs: { between: 100 } }, {}]);
}

async function begun(userId: string, script: SentScript, kind = 'model') {
  const name = unique(kind);
  await target.upstream.script(name, script);
  const model = `openai/${name}`;
  const id = await conversation(target, { user_id: userId, model });
  const path = `/conversations/${id}/messages`;
  const stream = await target.stream(path, { json: { message: 'How often?' } });
  await stream.next('turn.started');
  const requests = () => target.upstream.requests(name);
  return { id, path, stream, requests, userId };
}

const steer = (message: string, more = {}) => ({ json: { message, on_busy: 'steer', ...more } });

function rolesAndTexts(messages: { role: string; content: string }[]) {
  return messages.map(({ role, content }) => `${role}: ${content}`);
}

describe.concurrent('a message that comes before the next step', () => {
  it('may have files, which the model is sent with it', async () => {
    const { id, path, stream, requests, userId } = await stepping(twoSteps, 'gpt-4o-');
    const image = png();
    const { file_id } = await sent({ content: image }, userId);
    const json = { message: 'And this?', on_busy: 'steer', attachments: [{ file_id }] };
    await target.call<Answered>(path, { json });
    expect((await hear(stream)).types).toContain('steered');
    const [, second] = await requests();
    expect(JSON.stringify(second?.body)).toContain(image.toString('base64'));
    expect((await target.call(`/files/${file_id}`)).status).toBe(200);
    await target.call(`/conversations/${id}`, { method: 'DELETE' });
    expect((await target.call(`/files/${file_id}`)).status).toBe(404);
  });

  it('joins there, and everybody is told', async () => {
    const { id, path, stream, requests } = await stepping();
    const { json } = await target.call<Answered>(path, steer('In German, please'));
    const heard = await hear(stream);
    expect(heard.types.filter((type) => type !== 'message.delta')).toEqual([
      'turn.started',
      'tool.call',
      'tool.result',
      'steered',
      'turn.completed',
      'done',
    ]);
    const told = stream.events.find(({ type }) => type === 'steered');
    const said = { role: 'user', content: 'In German, please' };
    expect(asRecord(parseJson(told?.data ?? ''))['message']).toMatchObject(said);
    // The answer to the request is the turn that it has joined.
    expect(json).toMatchObject({ turn_id: heard.started.turn_id, assistant_reply: 'Done.' });
    const [, second] = await requests();
    expect(rolesAndTexts(sentMessages(second?.body).slice(-2))).toEqual([
      expect.stringMatching(/^tool: .*blue valve/u),
      'user: In German, please',
    ]);
    const stored = await storedMessages(target, id);
    expect(rolesAndTexts(stored)).toEqual(['user: How often?', 'assistant: Done.']);
    expect(stored[1]?.parts).toMatchObject([
      { type: 'tool_call' },
      { type: 'tool_result' },
      { type: 'steered', message: said },
      { type: 'text', text: 'Done.' },
    ]);
    const replayed = await target.stream(`/turns/${heard.started.turn_id}/events`);
    expect((await hear(replayed)).types).toContain('steered');
  });

  it('stays in the context of later turns where it was said', async () => {
    const { path, stream, requests } = await stepping();
    await target.call(path, steer('In German, please'));
    await stream.collect();
    await target.call(path, { json: { message: 'Thanks' } });
    const last = (await requests()).at(-1);
    expect(rolesAndTexts(sentMessages(last?.body))).toEqual([
      'user: How often?',
      'assistant: ',
      expect.stringMatching(/^tool: /u),
      'user: In German, please',
      'assistant: Done.',
      'user: Thanks',
    ]);
  });

  it('is a part of the message that clients of the AI SDK read', async () => {
    const { id, path, stream } = await stepping();
    await target.call(path, steer('In German, please'));
    await stream.collect();
    const { json } = await target.call<{ messages: UIMessage[] }>(`/conversations/${id}?format=ui`);
    const messages = await validateUIMessages({ messages: json.messages });
    const parts = messages.at(-1)?.parts ?? [];
    const types = parts.map(({ type }) => type);
    expect(types.filter((type) => type !== 'step-start')).toEqual([
      'tool-search_documents',
      'steering-message',
      'text',
    ]);
    expect(parts.find(({ type }) => type === 'steering-message')).toMatchObject({
      parts: [{ type: 'text', text: 'In German, please' }],
    });
  });

  it('joins with others in the order of their coming', async () => {
    const { path, stream, requests } = await stepping();
    const first = await target.stream(path, steer('One'));
    const second = await target.stream(path, steer('Two'));
    const heard = await hear(stream);
    expect(heard.types.filter((type) => type === 'steered')).toHaveLength(2);
    for (const steering of [first, second]) {
      expect(steering.headers['x-turn-id']).toBe(heard.started.turn_id);
      expect(await hear(steering)).toMatchObject({ end: heard.end, text: 'Done.' });
    }
    const [, asked] = await requests();
    expect(rolesAndTexts(sentMessages(asked?.body).slice(-2))).toEqual(['user: One', 'user: Two']);
  });

  it('is told on a WebSocket, which is not sent the turn twice', async () => {
    const userId = unique('owner');
    await post({ user_id: userId, title: 'Manual', text: 'The blue valve needs oil.' });
    const { model } = await scripted(target, twoSteps);
    const id = await conversation(target, { user_id: userId, model });
    const socket = await target.socket(`/ws/${userId}`);
    socket.send({ message: 'How often?', conversation_id: id });
    await socket.next('typing');
    socket.send({ message: 'In German', conversation_id: id, on_busy: 'steer' });
    expect(await socket.next('steered')).toMatchObject({
      conversation_id: id,
      message: { content: 'In German' },
    });
    await socket.next('message_complete');
    // Whatever is sent after it comes after it.
    socket.send({ message: 'Thanks', conversation_id: id, model: 'offline' });
    await socket.next('message_complete');
    const kinds = socket.frames.map(({ type }) => type).filter((type) => type === 'typing');
    expect(kinds).toHaveLength(2);
    socket.close();
  });

  it('is told to an EventSource, also to one that reads text alone', async () => {
    const { id, stream } = await stepping();
    const query = new URLSearchParams({ message: 'In German', on_busy: 'steer' });
    const text = await target.stream(`/chat/conversations/${id}/stream?${query}`);
    expect(text.events[0]?.type).not.toBe('turn.failed');
    const heard = await hearText(text);
    expect(heard).toMatchObject({ text: 'Done.', named: [{ type: 'steered' }] });
    await stream.collect();
  });
});

describe.concurrent('a message that comes when no step is left', () => {
  it('is answered by a turn right after', async () => {
    const { id, path, stream } = await saying();
    const steering = await target.stream(path, steer('And now?'));
    const first = await hear(stream);
    expect(first).toMatchObject({ terminal: 'turn.completed' });
    const heard = await hear(steering);
    expect(heard).toMatchObject({ text: 'You said: And now?', terminal: 'turn.completed' });
    expect(heard.started.turn_id).not.toBe(first.started.turn_id);
    expect(rolesAndTexts(await storedMessages(target, id))).toEqual([
      'user: How often?',
      `assistant: ${'word '.repeat(30)}`,
      'user: And now?',
      'assistant: You said: And now?',
    ]);
  });

  it('is followed by the others, which join that turn', async () => {
    const { id, path, stream, requests } = await saying();
    const first = await target.stream(path, steer('One'));
    const second = await target.stream(path, steer('Two'));
    await stream.collect();
    const [one, two] = await Promise.all([hear(first), hear(second)]);
    expect(two.end).toEqual(one.end);
    for (const { types } of [one, two]) expect(types).toContain('steered');
    const asked = sentMessages((await requests()).at(-1)?.body);
    expect(rolesAndTexts(asked.slice(-2))).toEqual(['user: One', 'user: Two']);
    const stored = await storedMessages(target, id);
    expect(stored.at(-1)?.parts).toMatchObject([
      { type: 'steered', message: { content: 'Two' } },
      { type: 'text' },
    ]);
  });

  it('is answered by the model and with the parameters that its own request names', async () => {
    const { path, stream } = await saying();
    const { model, name } = await scripted(target, { text: 'Cold.' });
    const more = { model, temperature: 0 };
    const { json } = await target.call<Answered>(path, steer('And now?', more));
    expect(json.assistant_reply).toBe('Cold.');
    expect(asRecord((await target.upstream.requests(name))[0]?.body)['temperature']).toBe(0);
    await stream.collect();
  });

  it('is answered after the running turn was cancelled', async () => {
    const { id, path, stream } = await saying(60);
    const steering = await target.stream(path, steer('Rather this'));
    const turnId = String(steering.headers['x-turn-id']);
    await target.call(`/turns/${turnId}/cancel`, { method: 'POST' });
    expect(await hear(stream)).toMatchObject({ terminal: 'turn.cancelled' });
    expect(await hear(steering)).toMatchObject({ text: 'You said: Rather this' });
    expect((await storedMessages(target, id)).map(({ status }) => status)).toEqual([
      'complete',
      'cancelled',
      'complete',
      'complete',
    ]);
  });

  it('is answered though its client has left', async ({ expect }) => {
    const { id, path, stream } = await saying();
    (await target.stream(path, steer('And now?'))).close();
    await stream.collect();
    await expect
      .poll(async () => (await storedMessages(target, id)).at(-1)?.content, { timeout: 15_000 })
      .toBe('You said: And now?');
  });

  it('is gone when its conversation is deleted meanwhile', async () => {
    const { id, path, stream } = await saying(60);
    const steering = await target.stream(path, steer('And now?'));
    await target.call(`/conversations/${id}`, { method: 'DELETE' });
    const { events } = await steering.collect();
    expect(events.map(({ type }) => type)).toEqual(['turn.failed', 'done']);
    expect((await hear(stream)).terminal).toBe('turn.cancelled');
  });
});

describe.concurrent('a message that steers', () => {
  it('begins a turn where none runs', async () => {
    const id = await conversation(target);
    const { json } = await target.call<Answered>(`/conversations/${id}/messages`, steer('Hi'));
    expect(json.assistant_reply).toBe('You said: Hi');
  });

  it('comes once with an idempotency key, however often it is sent', async () => {
    const { id, path, stream } = await saying();
    const init = { ...steer('And now?'), headers: { 'idempotency-key': unique('key') } };
    const sent = await Promise.all([1, 2, 3].map(() => target.call<Answered>(path, init)));
    await stream.collect();
    sent.push(await target.call<Answered>(path, init));
    expect(new Set(sent.map(({ json }) => json.turn_id)).size).toBe(1);
    expect(sent[0]?.json.assistant_reply).toBe('You said: And now?');
    expect(await storedMessages(target, id)).toHaveLength(4);
    const other = { ...init, json: { ...init.json, message: 'Another' } };
    expect((await target.call<Answered>(path, other)).json.code).toBe('idempotency_key_reused');
  });

  it('comes once from an EventSource that is cut off before it has an id', async () => {
    const { id, stream } = await saying();
    const query = new URLSearchParams({ message: 'And now?', on_busy: 'steer' });
    const path = `/conversations/${id}/stream?${query}`;
    const first = await target.stream(path);
    const again = await target.stream(path);
    first.close();
    await stream.collect();
    expect(await hear(again)).toMatchObject({ text: 'You said: And now?' });
    expect(await storedMessages(target, id)).toHaveLength(4);
  });

  it('is refused where twenty wait', async () => {
    const { path, stream } = await saying(60);
    const texts = Array.from({ length: 20 }, (_, at) => `Message ${at}`);
    const waiting = await Promise.all(texts.map((text) => target.stream(path, steer(text))));
    const { status, json } = await target.call<Answered>(path, steer('One more'));
    expect({ status, code: json.code }).toEqual({ status: 429, code: 'queue_full' });
    const turnId = String(waiting[0]?.headers['x-turn-id']);
    await target.call(`/turns/${turnId}/cancel`, { method: 'POST' });
    await stream.collect();
    const heard = await Promise.all(waiting.map(hear));
    expect(new Set(heard.map(({ started }) => started.turn_id)).size).toBe(1);
  });

  it('cannot be of another user, nor name another place in the tree', async () => {
    const { path, stream } = await saying();
    const theirs = await target.call<Answered>(path, steer('Hi', { user_id: unique('user') }));
    expect(theirs.status).toBe(404);
    const beginning = steer('Hi', { parent_message_id: null });
    expect((await target.call<Answered>(path, beginning)).json.code).toBe('turn_in_progress');
    expect((await hear(stream)).terminal).toBe('turn.completed');
  });
});
