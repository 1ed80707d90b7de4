/** The embedding models of Cloudflare's Workers AI, by the binding that a Worker has. */
import { APICallError, type EmbeddingModelV4 } from '@ai-sdk/provider';

/** The part of the binding that is used. */
export interface WorkersAi {
  run(
    model: string,
    inputs: { text: string[] },
    options: { signal?: AbortSignal },
  ): Promise<unknown>;
}

/** The most texts that its models accept in one call. */
const MOST_TEXTS = 100;

/** The HTTP statuses of its own codes, which stand in the messages of its errors. */
const STATUSES: Record<string, number> = {
  ...{ 5007: 400, 5004: 400, 5005: 405, 5006: 400, 5016: 403, 5018: 403, 5019: 405 },
  ...{ 3003: 400, 3006: 413, 3007: 408, 3008: 408, 3023: 403, 3036: 429, 3039: 400, 3040: 429 },
  ...{ 3041: 403, 3042: 404 },
};
/** Of an account that has used up what it may use in a day. */
const USED_UP = '3036';

/** Makes the embedding model of a name, such as `@cf/baai/bge-m3`. */
export function workersAiModel(ai: WorkersAi, modelId: string): EmbeddingModelV4 {
  return {
    ...{ specificationVersion: 'v4', provider: 'workers-ai', modelId },
    ...{ maxEmbeddingsPerCall: MOST_TEXTS, supportsParallelCalls: false },
    async doEmbed({ values, abortSignal }) {
      const run = ai.run(modelId, { text: values }, abortSignal ? { signal: abortSignal } : {});
      const answer = await abandoned(run, abortSignal).catch((error: unknown) => {
        throw failureOf(error, modelId);
      });
      return { embeddings: vectorsIn(answer), warnings: [] };
    },
  };
}

/** The binding need not hear the signal. */
function abandoned<T>(run: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return run;
  const aborted = new Promise<never>((_, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
  });
  return Promise.race([run, aborted]);
}

/** Gives an error of the binding the status by which it is judged; others stay as they are. */
function failureOf(error: unknown, modelId: string): unknown {
  if (!(error instanceof Error)) return error;
  const code = /(?:^|\s)(\d{4}):/u.exec(error.message)?.[1] ?? '';
  const statusCode = STATUSES[code];
  if (statusCode === undefined) return error;
  return new APICallError({
    ...{ message: `Workers AI answered with its code ${code}`, url: modelId, statusCode },
    requestBodyValues: undefined,
    ...(code === USED_UP && { responseBody: 'insufficient_quota' }),
  });
}

function vectorsIn(answer: unknown): number[][] {
  const isAnswer = typeof answer === 'object' && answer !== null && 'data' in answer;
  const data = isAnswer ? answer.data : undefined;
  // What it gives in their place is refused like vectors that are missing.
  return Array.isArray(data) ? data.map((vector) => (isVector(vector) ? vector : [])) : [];
}

function isVector(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((part) => typeof part === 'number');
}
