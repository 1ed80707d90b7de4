import { describe, expect, it } from 'vitest';
import { aMessage, anId, aNumber, aTime, ways } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';

const target = suiteTarget();

interface Made {
  id: string;
}

const path = '/chat/conversations';

describe.each(ways)('chat/conversations, with $name', ({ slash, newUser, says }) => {
  it('makes, lists, reads, answers and deletes', async () => {
    const user_id = newUser();
    const made = await target.call<Made>(`${path}${slash}`, { json: { user_id } });
    expect(made.status).toBe(200);
    const { id } = made.json;
    expect(made.json).toMatchObject({
      id: anId,
      user_id: String(user_id),
      title: null,
      created_at: aTime,
    });
    expect(made.headers.location).toBe(`${path}/${id}`);

    const answer = await target.call<Made>(`${path}/${id}/messages${slash}`, {
      json: says('a question'),
    });
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({
      id: anId,
      conversation_id: id,
      role: 'assistant',
      content: 'You said: a question',
      tokens_used: aNumber,
      created_at: aTime,
    });

    const list = await target.call(`${path}${slash}?user_id=${user_id}`);
    expect(list.status).toBe(200);
    expect(list.json).toEqual([
      expect.objectContaining({ id, title: 'A question', created_at: aTime, message_count: 2 }),
    ]);

    const both = [
      aMessage({ role: 'user', content: 'a question' }),
      { ...aMessage({ role: 'assistant', content: 'You said: a question' }), id: answer.json.id },
    ];
    const messages = await target.call(`${path}/${id}/messages${slash}`);
    expect(messages).toMatchObject({ status: 200, json: both });
    const read = await target.call(`${path}/${id}${slash}`);
    expect(read).toMatchObject({ status: 200, json: { id, title: 'A question', messages: both } });

    const deleted = await target.call(`${path}/${id}${slash}`, { method: 'DELETE' });
    expect(deleted).toMatchObject({ status: 200, json: { detail: expect.any(String) as unknown } });
    expect((await target.call(`${path}/${id}${slash}`)).status).toBe(404);
  });

  it('streams the bare text', async () => {
    const { json } = await target.call<Made>(`${path}${slash}`, { json: { user_id: newUser() } });
    const stream = await target.stream(
      `${path}/${json.id}/stream${slash}?${new URLSearchParams(says('bare text'))}`,
    );
    const { events, ended, text } = await stream.collect();
    expect(ended).toBe('end');
    expect(text).not.toMatch(/^event:/mu);
    expect(events.at(-1)?.data).toBe('[DONE]');
    expect(
      events
        .slice(0, -1)
        .map(({ data }) => data)
        .join(''),
    ).toBe('You said: bare text');
  });
});

describe('the text-only stream', () => {
  async function answered(tokens: string[]) {
    const model = unique('model');
    await target.upstream.script(model, { tokens, delayMs: { between: 15 } });
    const { json } = await target.call<Made>(path, { json: { user_id: unique() } });
    const query = new URLSearchParams({ message: 'speak', model: `openai/${model}` });
    const stream = await target.stream(`${path}/${json.id}/stream?${query}`);
    const { events } = await stream.collect();
    const messages = await target.call<{ content: string }[]>(`${path}/${json.id}/messages`);
    return { events, stored: messages.json.at(-1)?.content };
  }

  it.each([
    ['line breaks', ['one\ntwo', '\n', '\nthree\n']],
    ['carriage returns', ['one\r', '\ntwo\r', 'three\r\n', '\r\n']],
    ['separators that are no line breaks', ['a\u2028b', '\u2029c', '\u0085d', '\fe\v']],
    ['emoji', ['👩‍👩‍', '👧', ' 🇩', '🇪']],
    ['half an emoji in each token', ['smile \uD83D', '\uDE00 done']],
    [
      'what looks like events',
      ['data: x\n\n', 'event: done\ndata: [DONE]\n\n', 'id: 7\nretry: 1\n: c'],
    ],
    ['leading spaces', [' two', '  three', '\t tab', ' ']],
    ['the end marker in a line of its own', ['a', '[DONE]', 'b\n[DONE]\nc']],
  ])('carries %s', async (_, tokens) => {
    const { events, stored } = await answered(tokens);
    const whole = tokens.join('');
    expect(stored).toBe(whole);
    expect(events.at(-1)?.data).toBe('[DONE]');
    expect(events.filter(({ data }) => data === '[DONE]')).toHaveLength(1);
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(['message']));
    const heard = events
      .slice(0, -1)
      .map(({ data }) => data)
      .join('');
    expect(heard).toBe(whole.replaceAll(/\r\n?/gu, '\n'));
  });

  it('splits an answer that is the end marker', async () => {
    const { events, stored } = await answered(['[DONE]']);
    expect(stored).toBe('[DONE]');
    expect(events.filter(({ data }) => data === '[DONE]')).toHaveLength(1);
    expect(events.map(({ data }) => data).join('')).toBe('[DONE][DONE]');
  });
});
