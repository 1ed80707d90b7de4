/** What a model is sent of a conversation. The evidence is what the model's service received. */
import { describe, expect, it } from 'vitest';
import type { Behaviour } from '../support/upstream/behaviour.ts';
import { suiteTarget, unique } from './target.ts';
import { conversation, scripted, sentMessages, storedMessages } from './turns.ts';

const target = suiteTarget();

/** Says things in a conversation, one after another; answers what each turn's model received. */
async function talk(
  messages: string[],
  scripts: Omit<Behaviour, 'vector'>[] = [{ text: 'Yes.' }],
  fields: Record<string, unknown> = {},
) {
  const { model, name } = await scripted(target, scripts);
  const id = await conversation(target, { model, ...fields });
  for (const message of messages) {
    await target.call(`/conversations/${id}/messages`, { json: { message } });
  }
  const requests = await target.upstream.requests(name);
  return { id, sent: requests.map((request) => sentMessages(request.body)) };
}

const count = (length: number, text = (index: number) => `m${index}`) =>
  Array.from({ length }, (_message, index) => text(index));

/** User messages and the answer `Yes.` in turn, the last without an answer. */
function alternating(messages: string[]) {
  return messages.flatMap((content, index) => [
    { role: 'user', content },
    ...(index === messages.length - 1 ? [] : [{ role: 'assistant', content: 'Yes.' }]),
  ]);
}

describe.concurrent('the window', () => {
  it('holds the newest twenty messages; the answer that leads them is left out', async () => {
    const messages = count(13);
    const { id, sent } = await talk(messages);
    for (const [turn, received] of sent.entries()) {
      const soFar = messages.slice(0, turn + 1);
      expect(received, `turn ${turn}`).toEqual(alternating(soFar).slice(-19));
      expect(received[0]?.role).toBe('user');
    }
    expect(sent.at(-1)).toHaveLength(19);
    // What is not sent is kept.
    const stored = await storedMessages(target, id);
    expect(stored).toHaveLength(26);
    expect(stored.map(({ sequence_number }) => sequence_number)).toEqual(
      count(26).map((_message, index) => index + 1),
    );
  });

  it('always holds the instructions, which come first', async () => {
    const { sent } = await talk(count(12), undefined, { instructions: 'Be brief.' });
    for (const received of sent) {
      expect(received[0]).toEqual({ role: 'system', content: 'Be brief.' });
      expect(received[1]?.role).toBe('user');
    }
    expect(sent.at(-1)).toHaveLength(20);
  });
});

describe.concurrent('the budget (an unknown model has 28,672 tokens)', () => {
  it('sends as many of the newest as fit, whole', async () => {
    // About eight of them, whoever estimates; a service that counts would have its say.
    const long = (index: number) => `${index} ${'lantern '.repeat(3_500)}end`;
    const messages = count(13, long);
    const { sent } = await talk(messages, [{ text: 'Yes.', usage: 'missing' }]);
    const received = sent.at(-1) ?? [];
    expect(received).toEqual(alternating(messages).slice(-received.length));
    expect(received[0]?.role).toBe('user');
    expect(received.length).toBeGreaterThanOrEqual(11);
    expect(received.length).toBeLessThanOrEqual(17);
  });

  it('never sends fewer than the newest ten, a leading answer left out', async () => {
    const long = (index: number) => `${index} ${'lantern '.repeat(9_000)}end`;
    const messages = count(7, long);
    const { sent } = await talk(messages, [{ text: 'Yes.' }]);
    expect(sent.at(-1)).toEqual(alternating(messages).slice(-9));
  });
});

describe.concurrent('an answer', () => {
  const failing = { status: { code: 500 } };
  const fine = { text: 'Yes.' };

  it('an answer that failed is left out, and the user’s neighbouring messages are one', async () => {
    const { sent } = await talk(['one', 'two', 'three'], [fine, failing, fine]);
    expect(sent.at(-1)).toEqual([
      { role: 'user', content: 'one' },
      { role: 'assistant', content: 'Yes.' },
      { role: 'user', content: 'two\n\nthree' },
    ]);
  });

  it('an answer that failed does not count', async () => {
    const messages = count(14);
    const scripts = messages.map((_message, index) =>
      index === 5 || index === 6 ? failing : fine,
    );
    const { sent } = await talk(messages, scripts);
    // Twenty that count: eleven of the user and nine answers; those of turns 5 and 6 are missing.
    const kept = alternating(messages).filter((_message, index) => index !== 11 && index !== 13);
    const newest = kept.slice(-20);
    const text = (sent.at(-1) ?? []).map(({ content }) => content).join('|');
    const first = newest[0]?.role === 'user' ? 0 : 1;
    expect(text.replaceAll('\n\n', '|')).toBe(
      newest
        .slice(first)
        .map(({ content }) => content)
        .join('|'),
    );
    for (const [index, { role }] of (sent.at(-1) ?? []).entries()) {
      expect(role).toBe(index % 2 === 0 ? 'user' : 'assistant');
    }
  });

  it.each<[string, Omit<Behaviour, 'vector'>, string]>([
    ['cut off', { tokens: ['Part ', 'two'], fault: { how: 'eof', afterTokens: 1 } }, 'Part '],
    ['too long', { text: 'Part', finishReason: 'length' }, 'Part'],
    ['filtered after some text', { text: 'Part', finishReason: 'content_filter' }, 'Part'],
  ])('an answer that was %s is sent as far as it came', async (_name, script, part) => {
    const { sent } = await talk(['one', 'two'], [script, fine]);
    expect(sent.at(-1)).toEqual([
      { role: 'user', content: 'one' },
      { role: 'assistant', content: part },
      { role: 'user', content: 'two' },
    ]);
  });

  it('an answer that the service called an error is left out, though it has text', async () => {
    const error = { tokens: ['Part ', 'two'], fault: { how: 'error' as const, afterTokens: 1 } };
    const { id, sent } = await talk(['one', 'two'], [error, fine]);
    expect(sent.at(-1)).toEqual([{ role: 'user', content: 'one\n\ntwo' }]);
    expect((await storedMessages(target, id))[1]).toMatchObject({
      content: 'Part ',
      status: 'failed',
    });
  });

  it('an answer that was filtered before any text is left out', async () => {
    const filtered = { tokens: [], finishReason: 'content_filter' as const };
    const { sent } = await talk(['one', 'two'], [filtered, fine]);
    expect(sent.at(-1)).toEqual([{ role: 'user', content: 'one\n\ntwo' }]);
  });
});

it('texts reach the model as they were written', async () => {
  const message = ' \u2028“x”\r\n\t\\n 😀\u0007 </s> \uD83D end ';
  const { sent } = await talk([message]);
  expect(sent[0]?.[0]?.content).toBe(message.toWellFormed());
});

describe.concurrent('the title', () => {
  it('is the first eight words of the first message, and stays', async () => {
    const first = '  what is the\nbest way to learn a language quickly ';
    const { id } = await talk([first, 'another thing entirely']);
    const { json } = await target.call(`/conversations/${id}`);
    expect(json).toMatchObject({ title: 'What is the best way to learn a' });
  });

  it('has at most eighty characters', async () => {
    const { id } = await talk(['pneumonoultramicroscopicsilicovolcanoconiosis '.repeat(8)]);
    const { json } = await target.call<{ title: string }>(`/conversations/${id}`);
    expect(json.title.length).toBeGreaterThan(60);
    expect(json.title.length).toBeLessThanOrEqual(80);
  });

  it('is null before the first message, unless the user gave a title', async () => {
    const { model } = await scripted(target, {});
    const id = await conversation(target);
    const read = async (of: string) =>
      (await target.call<{ title: string | null }>(`/conversations/${of}`)).json.title;
    expect(await read(id)).toBeNull();
    await target.call(`/conversations/${id}/messages`, { json: { message: 'hello', model } });
    expect(await read(id)).toBe('Hello');
    const titled = await conversation(target, { title: 'my own' });
    await target.call(`/conversations/${titled}/messages`, { json: { message: 'hello', model } });
    expect(await read(titled)).toBe('my own');
  });

  it('is set even by a turn that fails', async () => {
    const { id } = await talk(['hello there'], [{ status: { code: 500 } }]);
    expect((await target.call(`/conversations/${id}`)).json).toMatchObject({
      title: 'Hello there',
    });
  });
});

it('sequence numbers have no gaps, however the turns end', async () => {
  const { id } = await talk(count(5), [
    { text: 'Yes.' },
    { status: { code: 500 } },
    { tokens: ['a', 'b'], fault: { how: 'reset', afterTokens: 1 } },
    { instead: 'empty' },
    { text: 'Yes.' },
  ]);
  const refused = await target.call(`/conversations/${id}/messages`, {
    json: { message: 'x', model: unique('unknown') },
  });
  expect(refused.status).toBe(400);
  const stored = await storedMessages(target, id);
  expect(stored.map((message) => [message.sequence_number, message.role, message.status])).toEqual([
    [1, 'user', 'complete'],
    [2, 'assistant', 'complete'],
    [3, 'user', 'complete'],
    [4, 'assistant', 'failed'],
    [5, 'user', 'complete'],
    [6, 'assistant', 'interrupted'],
    [7, 'user', 'complete'],
    [8, 'assistant', 'failed'],
    [9, 'user', 'complete'],
    [10, 'assistant', 'complete'],
  ]);
});

describe('what the provider counted', () => {
  const long = (index: number) => `${index} ${'word '.repeat(2_600)}`;

  it.each([
    ['as we estimate, sends all that fits', undefined, 13],
    ['three times as much, sends a third', { input: 60_000, output: 1 }, 9],
  ])('the provider’s count of the last turn, %s', async (_, usage, sent) => {
    const plain = { text: 'Yes.' };
    const answers = [...count(5).map(() => plain), { ...plain, usage }, plain];
    const { sent: received } = await talk(count(7, long), answers);
    expect(received.at(-1)).toHaveLength(sent);
  });
});

describe('a message that the model’s service refuses for good', () => {
  const refusals: [name: string, status: { code: number; body?: string }][] = [
    ['as too long', { code: 413 }],
    ['by a code', { code: 400, body: '{"error":{"code":"context_length_exceeded"}}' }],
    ['by a filter', { code: 400, body: '{"error":{"code":"content_filter"}}' }],
    ['as unprocessable', { code: 422 }],
  ];

  it.each(refusals)('%s is told as such, shown, and not sent again', async (_, status) => {
    const { model, name } = await scripted(target, { text: 'Yes.' });
    const refusing = await scripted(target, { status });
    const id = await conversation(target);
    const path = `/conversations/${id}/messages`;
    await target.call(path, { json: { message: 'before', model } });
    const refused = await target.call(path, {
      json: { message: 'REFUSED', model: refusing.model },
    });
    expect(refused.status).toBe(400);
    expect(refused.json).toMatchObject({
      code: expect.stringMatching(/^(context_too_long|model_refused)$/u),
    });
    await target.call(path, { json: { message: 'after', model } });
    const requests = await target.upstream.requests(name);
    expect(sentMessages(requests.at(-1)?.body)).toEqual([
      { role: 'user', content: 'before' },
      { role: 'assistant', content: 'Yes.' },
      { role: 'user', content: 'after' },
    ]);
    const stored = await storedMessages(target, id);
    expect(stored.map(({ content }) => content)).toEqual([
      'before',
      'Yes.',
      'REFUSED',
      '',
      'after',
      'Yes.',
    ]);
    expect(stored[2]).toMatchObject({ role: 'user', status: 'complete', refused: true });
    expect(stored[3]).toMatchObject({ status: 'failed' });
  });

  it('is sent when it is answered again, and belongs to the context once it is answered', async () => {
    const { model, name } = await scripted(target, { text: 'Yes.' });
    const refusing = await scripted(target, { status: { code: 422 } });
    const id = await conversation(target);
    const path = `/conversations/${id}/messages`;
    await target.call(path, { json: { message: 'REFUSED', model: refusing.model } });
    const [question] = await storedMessages(target, id);
    const again = `/messages/${question?.id}/regenerate`;
    expect((await target.call(again, { json: { model } })).status).toBe(200);
    expect((await storedMessages(target, id))[0]).not.toHaveProperty('refused');
    await target.call(path, { json: { message: 'after', model } });
    const requests = await target.upstream.requests(name);
    expect(sentMessages(requests.at(-1)?.body)[0]).toEqual({ role: 'user', content: 'REFUSED' });
  });

  it('a message that the model’s service refuses for a while (429, 500) is sent again', async () => {
    const { model, name } = await scripted(target, { text: 'Yes.' });
    const failing = await scripted(target, { status: { code: 500 } });
    const id = await conversation(target);
    const path = `/conversations/${id}/messages`;
    await target.call(path, { json: { message: 'first', model: failing.model } });
    await target.call(path, { json: { message: 'second', model } });
    const requests = await target.upstream.requests(name);
    expect(sentMessages(requests.at(-1)?.body)).toEqual([
      { role: 'user', content: 'first\n\nsecond' },
    ]);
  });
});
