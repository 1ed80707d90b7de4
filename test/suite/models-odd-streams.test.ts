/** Model services as they really are: what they send is told as if they had kept to the wire. */
import { describe, expect, it } from 'vitest';
import type { RawAnswer } from '../support/upstream/behaviour.ts';
import { suiteTarget, unique } from './target.ts';
import { hear, scripted, storedMessages, type Provider } from './turns.ts';

const target = suiteTarget();
const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const chunk = (delta: unknown, finish: string | null = null, more: object = {}) =>
  event({ id: 'c', choices: [{ index: 0, delta, finish_reason: finish }], ...more });
const done = 'data: [DONE]\n\n';
const counts = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
const chatProviders: Provider[] = ['openai', 'groq'];

async function ask(raw: RawAnswer, provider: Provider = 'openai') {
  const { model } = await scripted(target, { raw }, provider);
  const json = { user_id: unique('user'), message: 'Hi', model };
  const startedAt = performance.now();
  const heard = await hear(await target.stream('/conversations', { json }));
  const tookMs = performance.now() - startedAt;
  const [, answer] = await storedMessages(target, heard.started.conversation_id);
  expect(heard.end.message).toEqual(answer);
  return { ...heard, tookMs, status: answer?.status, error: heard.end.error };
}

describe.concurrent.each(chatProviders)('an error inside a stream of %s', (provider) => {
  const half = chunk({ content: 'Half' });
  it.each([
    ['beside no choices', event({ choices: [], error: { code: 502, message: 'x' } }), 503],
    ['beside a finish', chunk({}, 'stop', { error: { message: 'x' } }), 503],
    ['with the finish error', chunk({}, 'error', { error: { code: 429 } }), 429],
    ['in x_groq', chunk({}, 'stop', { x_groq: { error: 'over_capacity' } }), 503],
  ])('is a failure, and the text is kept: %s', async (_, error, status) => {
    const body = half + error + chunk({ content: ' more' }) + chunk({}, 'stop') + done;
    expect(await ask({ body }, provider)).toMatchObject({
      text: 'Half',
      status: 'failed',
      terminal: 'turn.failed',
      error: { status },
    });
  });

  it('before any text is told by its own status', async () => {
    const body = chunk({ content: '' }, 'error', { error: { code: 429 } });
    const failed = await ask({ body }, provider);
    expect(failed.error).toMatchObject({ code: 'model_rate_limited', status: 429 });
  });
});

describe.concurrent('a finish that was declared', () => {
  const all = chunk({ content: 'All.' }) + chunk({}, 'stop');
  const gemini = event({
    candidates: [{ content: { parts: [{ text: 'All.' }], role: 'model' }, finishReason: 'STOP' }],
    usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 2, totalTokenCount: 5 },
  });
  const streams = (['hold', 'reset'] as const).flatMap((after) => [
    ...chatProviders.map((provider) => ({ provider, after, body: all })),
    { provider: 'google' as const, after, body: gemini },
  ]);

  it.each(streams)('is one when the connection then: $after ($provider)', async (stream) => {
    const { provider, ...raw } = stream;
    const answer = await ask(raw, provider);
    expect(answer).toMatchObject({ text: 'All.', status: 'complete', error: undefined });
    expect(answer.tookMs).toBeLessThan(10_000);
  });

  it('is told at once when the counts are there', async () => {
    const body = all + event({ choices: [], usage: counts });
    const took: number[] = [];
    for (const _ of [1, 2, 3]) {
      const answer = await ask({ body, after: 'hold' });
      expect(answer).toMatchObject({ status: 'complete', end: { usage: { input_tokens: 3 } } });
      took.push(answer.tookMs);
    }
    // Counts are waited for two seconds where they are not there. A busy machine may hold up one.
    expect(Math.min(...took)).toBeLessThan(1_900);
  });

  it.each([
    ['eos', 'complete'],
    ['end_turn', 'complete'],
    ['STOP', 'complete'],
    ['max_tokens', 'truncated'],
    ['model_length', 'truncated'],
    ['', 'interrupted'],
    ['whim', 'interrupted'],
  ])('a finish that was declared in other words: %j is %s', async (word, status) => {
    const body = chunk({ content: 'All.' }) + chunk({}, word) + done;
    for (const provider of chatProviders)
      expect(await ask({ body }, provider)).toMatchObject({ text: 'All.', status });
  });
});

describe.concurrent('what a service sends beside the wire', () => {
  const end = chunk({}, 'stop') + done;
  it.each([
    ['events without data', `${chunk({ content: 'One ' })}data:\n\n${chunk({ content: 'two' })}`],
    ['pings', `event: ping\ndata: {"type":"ping"}\n\n${chunk({ content: 'One two' })}`],
    ['other events', event({ hook_results: {} }) + chunk({ content: 'One two' })],
    ['an empty role, and counts', chunk({ role: '', content: 'One two' }, null, { usage: counts })],
    ['no index', event({ choices: [{ delta: { content: 'One two' } }] })],
    ['lists', chunk({ content: [{ type: 'text', text: 'One two' }, { type: 'image_url' }] })],
    ['lines in CRLF', chunk({ content: 'One two' }).replaceAll('\n', '\r\n')],
  ])('is passed over or put right: %s', async (_, body) => {
    for (const provider of chatProviders)
      expect(await ask({ body: body + end }, provider)).toMatchObject({
        text: 'One two',
        status: 'complete',
      });
  });

  it('stays a failure when a piece of the text is lost', async () => {
    const body = `${chunk({ content: 'One ' })}data: {oops\n\n${chunk({ content: 'three' })}${end}`;
    expect(await ask({ body })).toMatchObject({
      text: 'One ',
      status: 'interrupted',
      error: { status: 502 },
    });
  });

  it('is a whole answer where a stream was asked for', async () => {
    const body = JSON.stringify({
      object: 'chat.completion',
      choices: [
        { index: 0, message: { role: 'assistant', content: 'All.' }, finish_reason: 'stop' },
      ],
      usage: counts,
    });
    for (const provider of chatProviders)
      expect(await ask({ body, contentType: 'application/json' }, provider)).toMatchObject({
        text: 'All.',
        status: 'complete',
        end: { usage: { output_tokens: 2, estimated: false } },
      });
  });
});

describe.concurrent('thoughts', () => {
  const end = chunk({}, 'stop') + done;
  it.each([
    ['between tags', chunk({ content: '<thi' }) + chunk({ content: 'nk>hm</think>\n\nHi' })],
    [
      'in a list',
      chunk({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] }] }) +
        chunk({ content: 'Hi' }),
    ],
  ])('are told apart from the text: %s', async (_, body) => {
    for (const provider of chatProviders) {
      const answer = await ask({ body: body + end }, provider);
      expect(answer).toMatchObject({ reasoning: 'hm', text: 'Hi', status: 'complete' });
      expect(answer.end.message).toMatchObject({
        content: 'Hi',
        parts: [
          { type: 'reasoning', text: 'hm' },
          { type: 'text', text: 'Hi' },
        ],
      });
    }
  });
});
