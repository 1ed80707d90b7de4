/** One call of an embedding model, repeated while that makes sense, and what its vectors must be. */
import { APICallError } from '@ai-sdk/provider';
import type {
  EmbeddingModelV4,
  EmbeddingModelV4CallOptions,
  EmbeddingModelV4Result,
} from '@ai-sdk/provider';
import { z } from 'zod';
import { ParleyError } from '../../core/errors.ts';
import { describeModelError, failureOfModel, modelFailure } from '../failure.ts';

/** How long somebody is willing to wait, milliseconds. */
export interface Patience {
  /** For one answer of the service. */
  callMs: number;
  /** For all pauses between repeats together; a longer Retry-After is passed on as the failure it is. */
  pausesMs: number;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

/**
 * The vectors of `call.values`, in their order. 408, 429, 5xx and a broken connection are tried again after what
 * Retry-After says, else after pauses that double, until the retryForMs is used up.
 * @throws ParleyError `model_…`; the abort reason when `call.abortSignal` fires
 */
export async function embedWithRetries(
  model: EmbeddingModelV4,
  call: EmbeddingModelV4CallOptions,
  { callMs, pausesMs }: Patience,
): Promise<number[][]> {
  let left = pausesMs;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return checked(inOrder(await once(model, call, callMs)), call.values.length);
    } catch (error) {
      call.abortSignal?.throwIfAborted();
      const failure = failureOfModel(error);
      // The service knows best; half of a pause of ours is chance, so that clients do not come back together.
      const wait = askedPause(error, failure.retryAfter) ?? pause * (0.5 + Math.random() / 2);
      if (!mayPass(error) || wait > left) throw new ParleyError(failure, { cause: told(error) });
      left -= wait;
      await sleep(wait, call.abortSignal);
    }
  }
}

/** The cause as the log may have it: the service's own error holds what was sent and answered. */
function told(error: unknown): Error {
  return new Error(describeModelError(error));
}

async function once(
  model: EmbeddingModelV4,
  call: EmbeddingModelV4CallOptions,
  callMs: number,
): Promise<EmbeddingModelV4Result> {
  const limit = AbortSignal.timeout(callMs);
  const abortSignal = call.abortSignal ? AbortSignal.any([call.abortSignal, limit]) : limit;
  try {
    return await model.doEmbed({ ...call, abortSignal });
  } catch (error) {
    if (!limit.aborted) throw error;
    throw new ParleyError(modelFailure('model_timeout'), { cause: error });
  }
}

function mayPass(error: unknown): boolean {
  if (APICallError.isInstance(error)) {
    const { statusCode } = error;
    return (
      statusCode === undefined || statusCode === 408 || statusCode === 429 || statusCode >= 500
    );
  }
  return error instanceof ParleyError ? error.code === 'model_timeout' : error instanceof TypeError;
}

/** Milliseconds the service asks for; without a wish of its own `retryAfter` is only our default. */
function askedPause(error: unknown, retryAfter: number | undefined): number | undefined {
  const asked = APICallError.isInstance(error) && error.responseHeaders?.['retry-after'];
  return asked && retryAfter !== undefined ? retryAfter * 1000 : undefined;
}

/** OpenAI's wire says of each vector which text it is of. Gemini's has them in order. */
const NUMBERED = z.object({ data: z.array(z.object({ index: z.number() })) });

/** The vectors in the order of the texts: the SDK has them as they came. One that is missing, because another has its number, is left without numbers. */
function inOrder({ embeddings, response }: EmbeddingModelV4Result): number[][] {
  const numbered = NUMBERED.safeParse(response?.body);
  if (!numbered.success) return embeddings;
  const places = new Map(numbered.data.data.map(({ index }, at) => [index, at]));
  return embeddings.map((_, index) => embeddings[places.get(index) ?? -1] ?? []);
}

/**
 * A vector of zeros has no direction (its cosine is NULL and would sort first), one that is not finite as a 4-byte number poisons
 * every distance.
 */
function checked(embeddings: number[][], count: number): number[][] {
  const dimension = embeddings[0]?.length ?? 0;
  const sound =
    embeddings.length === count &&
    dimension > 0 &&
    embeddings.every((vector) => vector.length === dimension && hasDirection(vector));
  if (sound) return embeddings;
  throw new ParleyError(modelFailure('model_error'), {
    cause: new TypeError('the embedding model gave vectors that cannot be used'),
  });
}

function hasDirection(vector: readonly number[]): boolean {
  let squares = 0;
  for (const value of vector) squares += Math.fround(value) ** 2;
  return Number.isFinite(squares) && squares > 0;
}

function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      // An abort reason is whatever the owner of the signal gave.
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
