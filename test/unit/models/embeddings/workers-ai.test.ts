/** Embeddings of Workers AI by its binding, whose interface is Cloudflare's. */
import { expect, it } from 'vitest';
import { parseConfig } from '../../../../src/config.ts';
import { embeddingsOf } from '../../../../src/host/services.ts';
import { networkBy } from '../../../../src/models/http.ts';
import type { WorkersAi } from '../../../../src/models/embeddings/workers-ai.ts';
import { noLog } from '../../../support/log.ts';

const EMBEDDING_MODEL = 'workers-ai/@cf/baai/bge-m3';

function embedderOf(workersAi: WorkersAi | undefined) {
  return embeddingsOf(parseConfig({ AUTH: 'none', EMBEDDING_MODEL }), {
    ...{ network: networkBy(fetch), log: noLog, workersAi },
    readWordVectors: () => Promise.reject(new TypeError('is not needed')),
  }).configured;
}

const asked = { use: 'document', limits: { callMs: 1_000, pausesMs: 1_000 } } as const;

it('texts go to the model that the setting names, a hundred at once', async () => {
  const calls: [string, number][] = [];
  const embedder = embedderOf({
    run(model, { text }) {
      calls.push([model, text.length]);
      const data = text.map((one) => [one.length, 1]);
      return Promise.resolve({ shape: [text.length, 2], data, pooling: 'cls' });
    },
  });
  const texts = Array.from({ length: 130 }, (_, at) => 'x'.repeat(at + 1));
  const vectors = await embedder.embed(texts, asked);
  expect(embedder.name).toBe(EMBEDDING_MODEL);
  expect(calls).toEqual([
    ['@cf/baai/bge-m3', 100],
    ['@cf/baai/bge-m3', 30],
  ]);
  expect(vectors.map(([length]) => length)).toEqual(texts.map(({ length }) => length));
});

it('an error is judged by the code in its message', async () => {
  const fails = async (message: string, once = false) => {
    let calls = 0;
    const run = () =>
      ++calls > 1 && once
        ? Promise.resolve({ data: [[1, 2]] })
        : Promise.reject(Object.assign(new Error(message), { name: 'InferenceUpstreamError' }));
    const result = await embedderOf({ run })
      .embed(['a'], asked)
      .catch((error: unknown) => error);
    return { result, calls };
  };
  expect(await fails('5007: No such model @cf/baai/bge-m3 or task')).toMatchObject({
    ...{ calls: 1, result: { code: 'model_error' } },
  });
  expect(await fails('3036: you have used up your daily free allocation')).toMatchObject({
    ...{ calls: 1, result: { code: 'model_quota_exceeded' } },
  });
  const busy = await fails('3040: Capacity temporarily exceeded', true);
  expect(busy).toEqual({ calls: 2, result: [[1, 2]] });
});

it.each([
  ['no data', {}],
  ['another shape', { data: 'x' }],
  ['vectors that hold no numbers', { data: [['1', '2']] }],
])('an answer with %s is an error', async (_, answer) => {
  const embedder = embedderOf({ run: () => Promise.resolve(answer) });
  await expect(embedder.embed(['a'], asked)).rejects.toMatchObject({ code: 'model_error' });
});

it('a call that its client has left is left too', async () => {
  const embedder = embedderOf({ run: () => new Promise(() => undefined) });
  const embedded = embedder.embed(['a'], { ...asked, signal: AbortSignal.timeout(5) });
  await expect(embedded).rejects.toMatchObject({ name: 'TimeoutError' });
});

it('a model of Workers AI without its binding is told at the start', () => {
  expect(() => embedderOf(undefined)).toThrow(/EMBEDDING_MODEL: Unknown embedding model/u);
});
