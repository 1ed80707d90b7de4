/** Gemini as it really is: what it sends is told as if it had kept to its documentation. */
import { describe, expect, it } from 'vitest';
import type { Behaviour, RawAnswer } from '../support/upstream/behaviour.ts';
import { suiteTarget, unique } from './target.ts';
import { hear, scripted, storedMessages } from './turns.ts';

const target = suiteTarget();

async function ask(behaviour: Omit<Behaviour, 'vector'>) {
  const { model } = await scripted(target, behaviour, 'google');
  const json = { user_id: unique('user'), message: 'Hi', model };
  const heard = await hear(await target.stream('/conversations', { json }));
  const [, answer] = await storedMessages(target, heard.started.conversation_id);
  expect(heard.end.message).toEqual(answer);
  return { ...heard, status: answer?.status, error: heard.end.error };
}

const askRaw = (body: string, more: Omit<RawAnswer, 'body'> = {}) =>
  ask({ raw: { body, ...more } });
const event = (value: unknown) => `data: ${JSON.stringify(value)}\r\n\r\n`;
const counts = { promptTokenCount: 3, candidatesTokenCount: 2, totalTokenCount: 5 };
const candidate = (parts: object[], finishReason?: string, more: object = {}) => ({
  candidates: [
    { content: { parts, role: 'model' }, ...(finishReason && { finishReason }), index: 0 },
  ],
  usageMetadata: counts,
  ...more,
});
const said = (text: string, finish?: string) => event(candidate([{ text }], finish));
const stop = said('', 'STOP');
const complete = { text: 'All.', status: 'complete', error: undefined };

describe.concurrent('an answer of Gemini', () => {
  it.each([
    ['in one-byte pieces', { tokens: ['All.'], pieceBytes: 1 }],
    ['compressed', { tokens: ['All.'], compressed: 'gzip' }],
    ['with comments', { tokens: ['All.'], commentEveryMs: 1, delayMs: { first: 50 } }],
  ] as [string, Behaviour][])('may come %s', async (_, behaviour) => {
    expect(await ask(behaviour)).toMatchObject(complete);
  });

  it.each([
    ['behind a byte order mark', `\uFEFF${said('All.')}${stop}`],
    ['in lines that end in LF', (said('All.') + stop).replaceAll('\r\n', '\n')],
    ['with pings', `event: ping\r\ndata: {}\r\n\r\n${said('All.')}: hm\r\n\r\n${stop}`],
    ['with counts that come last', said('All.', 'STOP') + event({ usageMetadata: counts })],
    ['with events that nobody knows', event({ mood: 'x' }) + said('All.') + stop],
    ['with an end that comes twice', said('All.') + stop + stop],
    ['with a mark of the end', `${said('All.')}${stop}data: [DONE]\r\n\r\n`],
    [
      'with a finish that has no content',
      said('All.') + event({ candidates: [{ finishReason: 'STOP' }], usageMetadata: counts }),
    ],
    [
      'with a part of a megabyte beside it',
      event(candidate([{ text: 'All.' }], 'STOP', { modelVersion: 'x'.repeat(1e6) })),
    ],
    [
      'with an error after its end',
      said('All.', 'STOP') + event({ error: { code: 500, message: 'x', status: 'INTERNAL' } }),
    ],
  ])('may come %s', async (_, body) => {
    expect(await askRaw(body)).toMatchObject(complete);
  });

  it('may come whole, as an array', async () => {
    const body = JSON.stringify([candidate([{ text: 'Al' }]), candidate([{ text: 'l.' }], 'STOP')]);
    expect(await askRaw(body, { contentType: 'application/json' })).toMatchObject(complete);
  });

  it('may come whole, as one object', async () => {
    const body = JSON.stringify(candidate([{ text: 'All.' }], 'STOP'));
    expect(await askRaw(body, { contentType: 'application/json' })).toMatchObject(complete);
  });

  it.each([
    ['MAX_TOKENS', 'truncated'],
    ['SAFETY', 'filtered'],
    ['RECITATION', 'filtered'],
    ['PROHIBITED_CONTENT', 'filtered'],
    ['BLOCKLIST', 'filtered'],
    ['SPII', 'filtered'],
    ['LANGUAGE', 'filtered'],
  ])('may finish by %s', async (word, status) => {
    expect(await askRaw(said('Part') + said('', word))).toMatchObject({ text: 'Part', status });
  });

  it('tells thoughts apart', async () => {
    const thought = event(candidate([{ text: 'hm', thought: true }]));
    expect(await askRaw(thought + said('All.') + stop)).toMatchObject({
      ...complete,
      reasoning: 'hm',
    });
  });
});

describe.concurrent('an answer of Gemini that fails', () => {
  const overloaded = { error: { code: 503, message: 'x', status: 'UNAVAILABLE' } };
  it.each([
    ['by an event', event(overloaded), 503],
    ['by an event in a list', `data: ${JSON.stringify([overloaded])}\r\n\r\n`, 503],
    [
      'for want of quota',
      event({ error: { code: 429, message: 'x', status: 'RESOURCE_EXHAUSTED' } }),
      429,
    ],
    ['by an event of that type', `event: error\r\n${event({ message: 'x' })}`, 503],
  ])('keeps its text, and is told as an error: %s', async (_, error, status) => {
    expect(await askRaw(said('Half') + error + stop)).toMatchObject({
      text: 'Half',
      status: 'failed',
      error: { status },
    });
  });

  it.each([
    ['it was cut', said('Half'), {}],
    ['its connection broke', said('Half'), { after: 'reset' }],
    ['its finish says nothing', said('Half') + said('', 'FINISH_REASON_UNSPECIFIED'), {}],
    ['its call was malformed', said('Half') + said('', 'MALFORMED_FUNCTION_CALL'), {}],
    ['a piece is lost', `${said('Half')}data: {oops\r\n\r\n${said('x', 'STOP')}`, {}],
  ] as [string, string, Omit<RawAnswer, 'body'>][])(
    'is interrupted when %s',
    async (_, body, more) => {
      const answer = await askRaw(body, more);
      expect(answer.text).toBe('Half');
      expect(['interrupted', 'failed']).toContain(answer.status);
    },
  );

  it('waits as long as a service says in milliseconds', async () => {
    const headers = { 'retry-after-ms': '2500' };
    const { error } = await ask({ status: { code: 429, headers } });
    expect(error).toMatchObject({ code: 'model_rate_limited', retry_after: 3 });
  });
});
