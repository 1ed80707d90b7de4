import { setTimeout as sleep } from 'node:timers/promises';
import { createGoogle } from '@ai-sdk/google';
import { createGroq } from '@ai-sdk/groq';
import { createOpenAI } from '@ai-sdk/openai';
import type {
  LanguageModelV4,
  LanguageModelV4Prompt,
  LanguageModelV4StreamPart,
} from '@ai-sdk/provider';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startUpstream, type Behaviour, type Upstream } from './upstream.ts';

let upstream: Upstream;
beforeAll(async () => {
  upstream = await startUpstream();
});
beforeEach(() => upstream.reset());
afterAll(() => upstream.close());

const prompt: LanguageModelV4Prompt = [
  { role: 'user', content: [{ type: 'text', text: 'good morning' }] },
];

function modelOf(service: string): LanguageModelV4 {
  const { key: apiKey, openaiBaseUrl, groqBaseUrl, googleBaseUrl } = upstream;
  if (service === 'groq') return createGroq({ apiKey, baseURL: groqBaseUrl })('m');
  if (service === 'gemini') return createGoogle({ apiKey, baseURL: googleBaseUrl })('m');
  const openai = createOpenAI({ apiKey, baseURL: openaiBaseUrl });
  return service === 'openai-chat' ? openai.chat('m') : openai.responses('m');
}

/** Streams one answer and summarises it; `thrown` is set if the stream threw. */
async function run(service: string, messages = prompt, signal?: AbortSignal) {
  const seen = { text: '', reasoning: '', calls: [] as string[], errors: 0, thrown: false };
  let finish: Extract<LanguageModelV4StreamPart, { type: 'finish' }> | undefined;
  const options = {
    prompt: messages,
    tools: [{ type: 'function' as const, name: 'find', inputSchema: { type: 'object' as const } }],
    ...(signal && { abortSignal: signal }),
  };
  try {
    const { stream } = await modelOf(service).doStream(options);
    for await (const part of stream) {
      if (part.type === 'text-delta') seen.text += part.delta;
      if (part.type === 'reasoning-delta') seen.reasoning += part.delta;
      if (part.type === 'tool-call') seen.calls.push(`${part.toolName} ${part.input}`);
      if (part.type === 'error') seen.errors += 1;
      if (part.type === 'finish') finish = part;
    }
  } catch {
    seen.thrown = true;
  }
  return { ...seen, reason: finish?.finishReason.unified, usage: finish?.usage };
}

const services = ['groq', 'openai-chat', 'openai-responses', 'gemini'];

describe.each(services)('%s', (service) => {
  const scripted = (behaviour: Behaviour | Behaviour[]) => upstream.script('m', behaviour);

  it('echoes by default and records the request', async () => {
    const result = await run(service);
    expect(result).toMatchObject({ text: 'You said: good morning', reason: 'stop', errors: 0 });
    expect(result.usage?.outputTokens.total).toBe(4);
    expect(result.usage?.inputTokens.total).toBe(3);
    const [request] = upstream.requests;
    await request?.closed;
    expect(request).toMatchObject({
      wire: service,
      model: 'm',
      stream: true,
      keyAccepted: true,
      tokensWritten: 4,
      finished: true,
      aborted: false,
    });
    expect(JSON.stringify(request?.headers)).not.toContain(upstream.key);
  });

  it('answers whole when not streaming', async () => {
    const result = await modelOf(service).doGenerate({ prompt });
    expect(result.content).toMatchObject([{ type: 'text', text: 'You said: good morning' }]);
    expect(result.finishReason.unified).toBe('stop');
    expect(result.usage.outputTokens.total).toBe(4);
  });

  it('reasons, where the service shows reasoning', async () => {
    scripted({ reasoning: ['let me ', 'think'], text: 'done' });
    const result = await run(service);
    expect(result.text).toBe('done');
    if (service !== 'openai-chat') expect(result.reasoning).toBe('let me think');
    expect(result.usage?.outputTokens.total).toBe(3);
    expect(result.usage?.outputTokens.reasoning).toBe(2);
  });

  it('is held, in the middle or before its head, until it is released', async () => {
    for (const holdAt of ['head', 1] as const) {
      scripted({ text: 'One two', holdAt });
      let isOver = false;
      const running = run(service).finally(() => (isOver = true));
      const { closed } = await upstream.waitForRequest();
      await Promise.race([closed, sleep(30)]);
      expect(isOver).toBe(false);
      upstream.release('m');
      expect(await running).toMatchObject({ text: 'One two', thrown: false });
      upstream.reset();
    }
  });

  it('calls a tool in the first step and answers in the second', async () => {
    scripted({ toolCalls: [[{ name: 'find', input: { query: 'räksmörgås 🦐' } }]], text: 'found' });
    const first = await run(service);
    expect(first).toMatchObject({
      calls: ['find {"query":"räksmörgås 🦐"}'],
      reason: 'tool-calls',
    });
    const call = { toolCallId: 'call_0_0', toolName: 'find' };
    const second = await run(service, [
      ...prompt,
      { role: 'assistant', content: [{ type: 'tool-call', ...call, input: {} }] },
      {
        role: 'tool',
        content: [{ type: 'tool-result', ...call, output: { type: 'text', value: 'a result' } }],
      },
    ]);
    expect(second).toMatchObject({ text: 'found', calls: [], reason: 'stop' });
  });

  it.each([
    ['length', 'length'],
    ['content_filter', 'content-filter'],
    ['none', 'interrupted'],
  ] as const)('finishes with %s', async (finishReason, reason) => {
    scripted({ finishReason, tokens: ['half '] });
    expect(await run(service)).toMatchObject({ text: 'half ', reason });
  });

  it('filters before any text', async () => {
    scripted({ finishReason: 'content_filter', tokens: [] });
    expect(await run(service)).toMatchObject({ text: '', reason: 'content-filter' });
  });

  it('sends comments while it waits', async () => {
    scripted({ tokens: ['a', 'b'], delayMs: { first: 60 }, commentEveryMs: 15 });
    expect(await run(service)).toMatchObject({ text: 'ab', reason: 'stop', errors: 0 });
    const quiet = (await run(service)).text;
    const [commented] = upstream.requests;
    await commented?.closed;
    upstream.script('m', { tokens: ['a', 'b'] });
    expect((await run(service)).text).toBe(quiet);
    const uncommented = upstream.requests.at(-1);
    await uncommented?.closed;
    const extra = (commented?.bytesWritten ?? 0) - (uncommented?.bytesWritten ?? 0);
    // A busy machine may send fewer than four, but never none: the first is due before the text.
    expect(extra).toBeGreaterThanOrEqual(': keep-alive\n\n'.length);
  });

  it('keeps characters whole over network writes of single bytes', async () => {
    scripted({ text: 'å🦐漢字', cut: 'characters', pieceBytes: 1 });
    expect(await run(service)).toMatchObject({ text: 'å🦐漢字', reason: 'stop' });
  });

  it('sends everything in one write, or one huge token', async () => {
    scripted([{ tokens: ['a', 'b', 'c'], burst: true }, { tokens: ['x'.repeat(10_000_000)] }]);
    expect(await run(service)).toMatchObject({ text: 'abc', reason: 'stop' });
    expect((await run(service)).text.length).toBe(10_000_000);
  });

  it.each(['eof', 'close', 'reset', 'error', 'malformed', 'invalid-utf8'] as const)(
    'goes wrong after two tokens: %s',
    async (how) => {
      scripted({ tokens: ['a', 'b', 'c', 'd'], fault: { how, afterTokens: 2 } });
      const result = await run(service);
      if (how === 'malformed') expect(result).toMatchObject({ text: 'abd', errors: 1 });
      else if (how === 'invalid-utf8') expect(result.text).toContain('\uFFFD');
      else expect(result).toMatchObject({ text: 'ab' });
      const broken = how === 'close' || how === 'reset';
      expect(result.thrown).toBe(broken);
      if (how === 'eof') expect(result.reason).toBe('interrupted');
      if (how === 'error') expect(result).toMatchObject({ errors: 1, reason: 'error' });
    },
  );

  it('ends at any byte', async () => {
    scripted({ tokens: ['a', 'b'], fault: { how: 'eof', atByte: 100 } });
    await run(service);
    await upstream.requests[0]?.closed;
    expect(upstream.requests[0]?.bytesWritten).toBe(100);
  });

  it('fails before the stream', async () => {
    scripted({ status: { code: 429, retryAfter: 7, times: 1 } });
    const failed = modelOf(service).doStream({ prompt });
    await expect(failed).rejects.toMatchObject({
      statusCode: 429,
      responseHeaders: { 'retry-after': '7' },
    });
    expect((await run(service)).reason).toBe('stop');
    scripted({ status: { code: 500 } });
    const broken = modelOf(service).doStream({ prompt });
    const page = { statusCode: 500, responseBody: expect.stringContaining('<!doctype html>') };
    await expect(broken).rejects.toMatchObject(page);
  });

  it.each(['json-error', 'empty', 'close', 'reset', 'html'] as const)(
    'answers %s',
    async (instead) => {
      scripted({ instead });
      const result = await run(service);
      expect(result).toMatchObject({ text: '' });
      expect(result.reason).not.toBe('stop');
    },
  );

  it.each([
    { instead: 'hang' },
    { instead: 'headers-only' },
    { headersDelayMs: 60_000 },
    { tokens: ['a', 'b'], fault: { how: 'stall', afterTokens: 1 } },
    { tokens: ['a '], infinite: true, burst: 10 },
    { tokens: ['a', 'b'], delayMs: { between: 60_000 } },
  ] satisfies Behaviour[])('sees the client abort: %j', async (behaviour) => {
    scripted(behaviour);
    const leaving = new AbortController();
    const running = run(service, prompt, leaving.signal);
    const request = await upstream.waitForRequest();
    await sleep(80);
    leaving.abort();
    expect((await running).thrown).toBe(true);
    await request.closed;
    expect(request).toMatchObject({ aborted: true, finished: false, brokenByUs: false });
  });

  it.each(['missing', 'duplicated', 'running', 'late', 'negative', 'huge', 'null'] as const)(
    'reports usage: %s',
    async (usage) => {
      scripted({ usage, tokens: ['a', 'b'] });
      const result = await run(service);
      expect(result.text).toBe('ab');
      // Only the Responses API's provider insists on numbers.
      const refused = usage === 'null' && service === 'openai-responses';
      expect(result.reason).toBe(refused ? 'error' : 'stop');
      const total = result.usage?.outputTokens.total;
      if (usage === 'negative') expect(total).toBe(-7);
      if (usage === 'duplicated' || usage === 'running') expect(total).toBe(2);
      if (usage === 'missing') expect(total ?? 0).toBe(0);
    },
  );
});

describe('embeddings', () => {
  it.each(['openai', 'gemini'])('%s: deterministic, near for shared words', async (service) => {
    const { key: apiKey, openaiBaseUrl, googleBaseUrl } = upstream;
    const model =
      service === 'openai'
        ? createOpenAI({ apiKey, baseURL: openaiBaseUrl }).embedding('e')
        : createGoogle({ apiKey, baseURL: googleBaseUrl }).embedding('e');
    upstream.script('e', { dimensions: 64, status: { code: 429, retryAfter: 0, times: 1 } });
    const values = ['red apples', 'red pears', 'green cars'];
    await expect(model.doEmbed({ values })).rejects.toMatchObject({ statusCode: 429 });
    const { embeddings } = await model.doEmbed({ values });
    const [apples = [], pears = [], cars = []] = embeddings;
    expect(apples.length).toBe(64);
    const dot = (left: number[], right: number[]) =>
      left.reduce((sum, value, index) => sum + value * (right[index] ?? 0), 0);
    expect(dot(apples, pears)).toBeGreaterThan(dot(apples, cars));
    const again = await model.doEmbed({ values: ['red apples'] });
    expect(again.embeddings[0]).toEqual(apples);
  });
});

it('goes down and comes back on the same port', async () => {
  await upstream.down();
  await expect(fetch(upstream.url)).rejects.toThrow();
  await upstream.up();
  expect((await fetch(upstream.url)).status).toBe(404);
});
