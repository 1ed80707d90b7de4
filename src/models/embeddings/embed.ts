/**
 * Embeds texts with the AI SDK's `embedMany`, which divides them into calls. Each call is retried
 * if that makes sense, and halved if a service accepts fewer texts at once.
 */
import { AISDKError, APICallError } from '@ai-sdk/provider';
import type {
  EmbeddingModelV4,
  EmbeddingModelV4CallOptions,
  EmbeddingModelV4Middleware,
  EmbeddingModelV4Result,
} from '@ai-sdk/provider';
import { ParleyError, type Failure } from '../../core/errors.ts';
import { retry } from '../../core/retry.ts';
import { describeFailure } from '../describe-failure.ts';
import { failureOfModel, modelFailure, retryAfterMsOf } from '../failure.ts';
import { refuseSeveralDimensions, vectorsOf } from './vectors.ts';

/** The time that a caller waits, in milliseconds. */
export interface EmbeddingLimits {
  /** Limit for one answer of the service. */
  callMs: number;
  /** Limit for all pauses between retries together. A longer Retry-After fails at once. */
  pausesMs: number;
}

/** The number of texts that a service accepts in one call, as far as it is known. */
export interface BatchSize {
  most: number;
}

/** One call of the service, which was answered or failed. */
export interface Attempt {
  /** The texts that it embeds. */
  values: readonly string[];
  answer?: EmbeddingModelV4Result;
  error?: unknown;
  /** Its beginning, in milliseconds since the epoch; `durationMs` is the time that it took. */
  startedAt: number;
  durationMs: number;
}

/** The options of an embedding. */
interface Embedding {
  limits: EmbeddingLimits;
  /** Lowered when the service refuses a larger call and takes the smaller ones. */
  batch: BatchSize;
  onAttempt?: ((attempt: Attempt) => void) | undefined;
  /** The configured keys, which must not appear in the log. */
  secrets?: readonly string[];
}

const PAUSES = { firstPauseMs: 500, longestPauseMs: 15_000 };

/** Statuses with which services refuse more texts than they accept at once. */
const TOO_MANY = new Set([400, 413, 422]);

/**
 * Returns the vectors of `values`, in their order, all of one dimension.
 * @throws ParleyError `model_…`; the abort reason when `abortSignal` fires
 */
export async function embedTexts(
  model: EmbeddingModelV4,
  options: Pick<EmbeddingModelV4CallOptions, 'values' | 'providerOptions' | 'abortSignal'>,
  embedding: Embedding,
): Promise<number[][]> {
  const { embedMany, wrapEmbeddingModel } = await import('./sdk.ts');
  try {
    const { embeddings } = await embedMany({
      ...options,
      model: wrapEmbeddingModel({ model, middleware: repeating(embedding) }),
      // We retry ourselves. Calls run one at a time, since busy services refuse parallel ones.
      maxRetries: 0,
      maxParallelCalls: 1,
    });
    refuseSeveralDimensions(embeddings);
    return embeddings;
  } catch (error) {
    options.abortSignal?.throwIfAborted();
    if (error instanceof ParleyError) throw error;
    // The service's own error also contains the texts that were sent, which must not be logged.
    const cause = new Error(
      describeFailure(error, { secrets: embedding.secrets, texts: options.values }),
    );
    throw new ParleyError(failureOfEmbedding(error), { cause });
  }
}

/**
 * Returns the failure of an embedding call. A refusal is our error, because we divide a document's
 * text.
 */
function failureOfEmbedding(error: unknown): Failure {
  const failure = failureOfModel(error);
  const isRefused = failure.code === 'model_refused' || failure.code === 'context_too_long';
  return isRefused ? modelFailure('model_error') : failure;
}

function repeating({
  limits: { callMs, pausesMs },
  batch,
  onAttempt,
}: Embedding): EmbeddingModelV4Middleware {
  const budget = { leftMs: pausesMs };
  return {
    specificationVersion: 'v4',
    overrideMaxEmbeddingsPerCall: ({ model }) => smaller(batch.most, model.maxEmbeddingsPerCall),
    wrapEmbed: async ({ model, params }) => {
      const call = (values: string[]) =>
        repeated({ ...params, values }, budget, (options) =>
          told(values, onAttempt, () => once(model, options, callMs)),
        );
      const { embeddings, size } = await halving(params.values, call);
      batch.most = Math.min(batch.most, size);
      return { embeddings, warnings: [] };
    },
  };
}

/** Makes a call and tells how it went. */
async function told(
  values: readonly string[],
  onAttempt: Embedding['onAttempt'],
  attempt: () => Promise<EmbeddingModelV4Result>,
): Promise<EmbeddingModelV4Result> {
  const startedAt = Date.now();
  const from = performance.now();
  const tell = (how: Pick<Attempt, 'answer' | 'error'>) =>
    onAttempt?.({ values, startedAt, durationMs: performance.now() - from, ...how });
  try {
    const answer = await attempt();
    tell({ answer });
    return answer;
  } catch (error) {
    tell({ error });
    throw error;
  }
}

async function smaller(
  most: number,
  own: EmbeddingModelV4['maxEmbeddingsPerCall'],
): Promise<number> {
  return Math.min(most, (await own) ?? most);
}

/**
 * Embeds in one call, or in two of half the size when the service refuses several texts together.
 * @returns the vectors, and how many texts a call may have; Infinity when none was refused
 */
async function halving(
  values: string[],
  call: (values: string[]) => Promise<number[][]>,
): Promise<{ embeddings: number[][]; size: number }> {
  try {
    return { embeddings: await call(values), size: Infinity };
  } catch (error) {
    if (values.length === 1 || !isTooMany(error)) throw error;
  }
  const middle = Math.ceil(values.length / 2);
  const first = await halving(values.slice(0, middle), call);
  const second = await halving(values.slice(middle), call);
  return {
    embeddings: [...first.embeddings, ...second.embeddings],
    size: Math.min(middle, first.size, second.size),
  };
}

function isTooMany(error: unknown): boolean {
  return APICallError.isInstance(error) && TOO_MANY.has(error.statusCode ?? 0);
}

/** Retries after 408, 429, 5xx and a broken connection, at the time of Retry-After or soon. */
function repeated(
  options: EmbeddingModelV4CallOptions,
  budget: { leftMs: number },
  attempt: (options: EmbeddingModelV4CallOptions) => Promise<EmbeddingModelV4Result>,
): Promise<number[][]> {
  const { values, abortSignal } = options;
  const onError = (error: unknown, pauseMs: number) => {
    const waitMs = (APICallError.isInstance(error) && retryAfterMsOf(error)) || pauseMs;
    if (abortSignal?.aborted || !mayPass(error) || waitMs > budget.leftMs) throw error;
    budget.leftMs -= waitMs;
    return waitMs;
  };
  return retry(async () => vectorsOf(await attempt(options), values.length), {
    ...PAUSES,
    onError,
    signal: abortSignal,
  });
}

async function once(
  model: EmbeddingModelV4,
  options: EmbeddingModelV4CallOptions,
  callMs: number,
): Promise<EmbeddingModelV4Result> {
  const limit = AbortSignal.timeout(callMs);
  const { abortSignal } = options;
  const either = abortSignal ? AbortSignal.any([abortSignal, limit]) : limit;
  try {
    return await model.doEmbed({ ...options, abortSignal: either });
  } catch (error) {
    if (!limit.aborted) throw error;
    throw new ParleyError(modelFailure('model_timeout'), { cause: error });
  }
}

function mayPass(error: unknown): boolean {
  if (error instanceof ParleyError) return error.code === 'model_timeout';
  if (!APICallError.isInstance(error)) return isOfNetwork(error);
  const { statusCode: status, responseBody } = error;
  // An exhausted quota does not recover during an ingest.
  if (status === 429) return !responseBody?.includes('insufficient_quota');
  // Even an answer with status 200 may have broken off.
  return status === undefined || status === 408 || status >= 500 || isOfNetwork(error.cause);
}

/**
 * Returns true for errors of the network. Those of the runtimes have no common type; the SDK's own
 * errors mean that it could not read an answer.
 */
function isOfNetwork(error: unknown): boolean {
  return error instanceof Error && !AISDKError.isInstance(error);
}
