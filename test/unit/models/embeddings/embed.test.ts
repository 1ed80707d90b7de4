/** Which vector belongs to which text, and which answers of a service are asked for again. */
import { expect, it } from 'vitest';
import { createEmbeddingRegistry } from '../../../../src/models/embeddings/registry.ts';
import { networkBy } from '../../../../src/models/http.ts';

const VECTORS = [
  [1, 0],
  [0, 1],
  [1, 1],
];

/** Three texts embedded by a service that sends these items. */
function embeddedAs(data: object[]): Promise<number[][]> {
  const answer = () => Promise.resolve(Response.json({ object: 'list', data }));
  const { configured } = createEmbeddingRegistry({
    openai: { apiKey: 'key' },
    google: {},
    embeddingModel: 'openai/m',
    wordTable: () => Promise.resolve(undefined),
    network: networkBy(answer),
  });
  const limits = { callMs: 1_000, pausesMs: 0 };
  return configured.embed(['a', 'b', 'c'], { use: 'document', limits });
}

const item = (index: unknown, at: number) => ({ index, embedding: VECTORS[at] });

it.each([
  ['as they come', [0, 1, 2]],
  ['in another order', [2, 0, 1]],
  ['backwards', [2, 1, 0]],
])('vectors that are numbered are given to their texts: %s', async (_, order) => {
  expect(await embeddedAs(order.map((index) => item(index, index)))).toEqual(VECTORS);
});

it.each([
  ['are missing', undefined],
  ['are null', null],
])('vectors are in the order of the texts where numbers %s', async (_, index) => {
  expect(await embeddedAs([0, 1, 2].map((at) => item(index, at)))).toEqual(VECTORS);
});

it.each([
  ['all the same', [0, 0, 0]],
  ['one twice', [0, 2, 2]],
  ['counted from one', [1, 2, 3]],
  ['negative', [0, 1, -1]],
  ['not whole', [0, 1, 1.5]],
])('numbers that do not name each text once are an error: %s', async (_, numbers) => {
  const answer = embeddedAs(numbers.map((index, at) => item(index, at)));
  await expect(answer).rejects.toMatchObject({ code: 'model_error' });
});

it.each([
  ['numbers that are no base64', 'not base64!'],
  ['base64 of half a number', 'AAA='],
])('vectors in %s are an error', async (_, embedding) => {
  const answer = embeddedAs([0, 1, 2].map((index) => ({ index, embedding })));
  await expect(answer).rejects.toMatchObject({ code: 'model_error' });
});

/** Asks a service that answers so, the nth time by the nth answer. */
function embedBy(
  answers: ((signal: AbortSignal) => Promise<Response>)[],
  { pausesMs = 10_000, signal }: { pausesMs?: number; signal?: AbortSignal } = {},
) {
  let calls = 0;
  const network = networkBy((_, init) => {
    const answer = answers[Math.min(calls++, answers.length - 1)];
    // The providers always give a signal, since every call has a limit.
    return answer!(init!.signal!);
  });
  const { configured } = createEmbeddingRegistry({
    openai: { apiKey: 'key' },
    google: {},
    embeddingModel: 'openai/m',
    wordTable: () => Promise.resolve(undefined),
    network,
  });
  const limits = { callMs: 100, pausesMs };
  const vectors = configured.embed(['a'], { use: 'document', limits, signal });
  return { vectors, calls: () => calls };
}

const good = () => Promise.resolve(Response.json({ data: [item(0, 0)] }));
const never = (signal: AbortSignal) =>
  new Promise<Response>((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error)),
  );
const broken = () => {
  const body = new ReadableStream({
    pull: (controller) => controller.error(new TypeError('terminated')),
  });
  return Promise.resolve(new Response(body, { headers: { 'content-type': 'application/json' } }));
};
const refusal =
  (status: number, headers: Record<string, string> = {}) =>
  () =>
    Promise.resolve(Response.json({ error: { message: 'no' } }, { status, headers }));

it.each([
  ['takes too long', never],
  ['breaks off', broken],
  ['is 408', refusal(408)],
  ['is 503', refusal(503)],
])('an answer that %s is asked for again', async (_, first) => {
  const { vectors, calls } = embedBy([first, good]);
  expect(await vectors).toEqual([[1, 0]]);
  expect(calls()).toBe(2);
});

it.each([
  ['401', refusal(401), 'model_unauthorized'],
  ['400 to a single text', refusal(400), 'model_error'],
  [
    'a pause that is longer than the caller waits',
    refusal(503, { 'retry-after': '11' }),
    'model_unavailable',
  ],
])('%s is not asked for again', async (_, answer, code) => {
  const { vectors, calls } = embedBy([answer, good]);
  await expect(vectors).rejects.toMatchObject({ code });
  expect(calls()).toBe(1);
});

it('pauses together last no longer than the caller waits', async () => {
  const { vectors, calls } = embedBy([refusal(429, { 'retry-after-ms': '40' })], { pausesMs: 100 });
  await expect(vectors).rejects.toMatchObject({ code: 'model_rate_limited', retryAfter: 1 });
  expect(calls()).toBe(3);
});

it.each([
  ['a call', never],
  ['a pause', refusal(429, { 'retry-after': '9' })],
])('an abort ends %s, with its own reason', async (_, answer) => {
  const controller = new AbortController();
  const reason = new Error('nobody waits');
  setTimeout(() => controller.abort(reason), 30);
  const { vectors, calls } = embedBy([answer], { signal: controller.signal });
  await expect(vectors).rejects.toBe(reason);
  expect(calls()).toBe(1);
});
