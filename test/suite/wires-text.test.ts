/** The text-only stream, with texts that would break one that is written carelessly. */
import { describe, expect, it } from 'vitest';
import type { Behaviour } from '../support/upstream/behaviour.ts';
import { suiteTarget } from './target.ts';
import { conversation, endOf, hear, hearText, scripted, storedMessages } from './turns.ts';

const target = suiteTarget();

/** Line breaks of any kind arrive as `\n`: that is all that server-sent events can carry. */
function normalised(text: string): string {
  return text.replace(/\r\n?/gu, '\n');
}

const one = 30;
const slowly: Partial<Behaviour> = { delayMs: { between: one } };

const texts: [name: string, script: Omit<Behaviour, 'vector'> & { tokens: string[] }][] = [
  ['line breaks', { tokens: ['a\n', '\nb', '\n\n', 'c\n'] }],
  ['line breaks, one token at a time', { tokens: ['a\n', '\nb', '\n\n', 'c\n'], ...slowly }],
  ['carriage returns', { tokens: ['a\r', 'b\rc', '\r', '\r'], ...slowly }],
  ['CR LF split over tokens', { tokens: ['a\r', '\nb\r\n', '\r', '\n', '\r\n'], ...slowly }],
  ['CR LF in one write', { tokens: ['a\r', '\nb\r\n', '\r', '\n'], burst: true }],
  ['U+2028 and its like', { tokens: ['a\u2028b', '\u2029', '\u0085', '\u000B\u000C'], ...slowly }],
  ['emoji cut between tokens', { tokens: ['a\uD83D', '\uDE00b👩', '\u200D', '🚀'], ...slowly }],
  ['emoji cut between network writes', { tokens: ['😀👩‍🚀', 'é漢'], pieceBytes: 1 }],
  ['half an emoji', { tokens: ['a\uD83D', 'b\uDE00', 'c\uD83D'], ...slowly }],
  ['leading and trailing spaces', { tokens: [' a', '  b ', ' ', '   '], ...slowly }],
  [
    'text that looks like SSE',
    {
      tokens: [
        'event: turn.failed\ndata: {}\n\n',
        'data: [DONE]\n\n',
        'id: 7',
        '\nid: 8\nretry: 1',
        ': x',
      ],
      ...slowly,
    },
  ],
  ['exactly the end marker', { tokens: ['[DONE]'] }],
  ['the end marker again and again', { tokens: ['[DONE]', '[DO', 'NE]', '[DONE]'], ...slowly }],
  ['the end marker after half a CR LF', { tokens: ['a\r', '\n[DONE]', '\n'], ...slowly }],
  ['JSON', { tokens: ['{"text":', '"\\n\\u0000"', '}'], ...slowly }],
];

/**
 * What of a model's text can be stored: half a surrogate pair becomes U+FFFD, a whole one stays.
 */
function safe(tokens: string[]): string {
  return tokens.join('').toWellFormed();
}

describe.concurrent.each(texts)('%s', (_name, script) => {
  it('arrives whole, is stored as it was said, and reads on after any event', async () => {
    const { model } = await scripted(target, script);
    const id = await conversation(target);
    const path = `/chat/conversations/${id}/stream`;
    const query = new URLSearchParams({ message: 'Say it', model });
    const stream = await target.stream(`${path}?${query}`);
    const heard = await hearText(stream);
    const said = safe(script.tokens);
    expect(heard).toMatchObject({ text: normalised(said), named: [] });
    expect(heard.events.every((event) => event.id !== '')).toBe(true);
    const [, answer] = await storedMessages(target, id);
    expect(answer).toMatchObject({ content: said, status: 'complete' });

    for (const [index, event] of heard.events.slice(0, -1).entries()) {
      const lastEventId = event.id;
      const rest = await hearText(await target.stream(`${path}?${query}`, { lastEventId }));
      const before = heard.events.slice(0, index + 1).map((earlier) => earlier.data);
      expect(before.join('') + rest.text, `after ${lastEventId}`).toBe(normalised(said));
    }
    const last = { lastEventId: heard.events.at(-1)?.id };
    expect((await target.stream(`${path}?${query}`, last)).status).toBe(204);
    // All of these were one turn.
    expect(await storedMessages(target, id)).toHaveLength(2);
  });

  it('is the same on every other wire', async () => {
    const { model } = await scripted(target, script);
    const json = { user_id: 'u', message: 'Say it', model };
    const said = safe(script.tokens);
    const heard = await hear(await target.stream('/conversations', { json }));
    expect(heard.text).toBe(said);
    expect(heard.end.message.content).toBe(said);
    const whole = await target.call<{ assistant_reply: string }>('/conversations', { json });
    expect(whole.json.assistant_reply).toBe(said);
    const socket = await target.socket('/ws/u');
    socket.send(json);
    const done = await socket.next('message_complete');
    socket.close();
    expect(done['full_response']).toBe(said);
    const chunks = socket.frames.filter((frame) => frame.type === 'chunk');
    expect(chunks.map((chunk) => chunk['content']).join('')).toBe(said);
  });
});

it('leaves NUL out, which the database could not give back', async () => {
  const { model } = await scripted(target, { tokens: ['a\0', '\0b', '\0'] });
  const json = { user_id: 'u', message: 'Say it', model };
  const heard = await hear(await target.stream('/conversations', { json }));
  expect(heard.text).toBe('ab');
  const [, answer] = await storedMessages(target, heard.started.conversation_id);
  expect(answer).toMatchObject({ content: 'ab', status: 'complete' });
});

it('a failed stream ends with turn.failed and the end marker', async () => {
  const { model } = await scripted(target, {
    tokens: ['some ', 'text', ' more'],
    fault: { how: 'eof', afterTokens: 2 },
  });
  const id = await conversation(target);
  const query = new URLSearchParams({ message: 'Say it', model });
  const heard = await hearText(await target.stream(`/chat/conversations/${id}/stream?${query}`));
  expect(heard.text).toBe('some text');
  expect(heard.events.map((event) => event.type).slice(-2)).toEqual(['turn.failed', 'message']);
  expect(heard.named).toHaveLength(1);
  const end = endOf(heard.named[0]);
  const [, answer] = await storedMessages(target, id);
  expect(answer).toMatchObject({ content: 'some text', status: 'interrupted' });
  expect(end.message).toEqual(answer);
  expect(end.error?.detail).toBe('AI service temporarily unavailable');
});

it('leaves reasoning out of the text', async () => {
  const { model } = await scripted(target, { reasoning: ['Hm', 'm'], tokens: ['Yes'] }, 'groq');
  const id = await conversation(target);
  const query = new URLSearchParams({ message: 'Say it', model });
  const heard = await hearText(await target.stream(`/chat/conversations/${id}/stream?${query}`));
  expect(heard).toMatchObject({ text: 'Yes', named: [] });
});

it('a message of thirty thousand characters may be asked in the address', async () => {
  const id = await conversation(target);
  const { model } = await scripted(target, { text: 'So much.' });
  const query = new URLSearchParams({ message: 'long '.repeat(6_000), model });
  const heard = await hearText(await target.stream(`/chat/conversations/${id}/stream?${query}`));
  expect(heard.text).toBe('So much.');
});
