/** Which vector is whose: what the SDK makes of an OpenAI-compatible service's answer, and what we make of that. */
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
    network: networkBy(answer),
  });
  const retryForMs = { callMs: 1_000, pausesMs: 0 };
  return configured.embed(['a', 'b', 'c'], { use: 'document', retryForMs });
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
