/** Orders and checks the vectors in one answer of an embedding service. */
import type { EmbeddingModelV4Result } from '@ai-sdk/provider';
import { z } from 'zod';
import { ParleyError } from '../../core/errors.ts';
import { modelFailure } from '../failure.ts';

/**
 * Returns the vectors in the order of the texts, all of one dimension, none of them zero.
 * @param count how many texts were sent
 * @throws ParleyError `model_error` whose cause says what is wrong with them
 */
export function vectorsOf(result: EmbeddingModelV4Result, count: number): number[][] {
  const vectors = inOrder(result);
  const fault = faultIn(vectors, count);
  if (fault !== undefined) throw unusable(fault);
  return vectors;
}

/**
 * Refuses vectors of several dimensions, which cannot be compared.
 * @throws ParleyError `model_error`
 */
export function refuseSeveralDimensions(vectors: readonly (readonly number[])[]): void {
  const dimensions = new Set(vectors.map(({ length }) => length));
  if (dimensions.size > 1) throw unusable(`vectors of ${[...dimensions].join(' and ')} dimensions`);
}

function unusable(fault: string): ParleyError {
  const cause = new TypeError(`the embedding model gave ${fault}`);
  return new ParleyError(modelFailure('model_error'), { cause });
}

/** OpenAI's format gives each vector the index of its text. Gemini sends them in order. */
const NUMBERED = z.object({ data: z.array(z.object({ index: z.number() })) });

/**
 * Returns the vectors by their indexes, because the provider keeps the order of arrival. A vector
 * without an index counts as missing.
 */
function inOrder({ embeddings, response }: EmbeddingModelV4Result): number[][] {
  const numbered = NUMBERED.safeParse(response?.body);
  if (!numbered.success) return embeddings;
  const places = new Map(numbered.data.data.map(({ index }, at) => [index, at]));
  return embeddings.map((_, index) => embeddings[places.get(index) ?? -1] ?? []);
}

/**
 * Returns what is wrong with the vectors. A vector of zeros has no direction: its cosine is NULL,
 * which sorts first. A vector that is not finite as 4-byte numbers spoils every distance.
 */
function faultIn(vectors: readonly (readonly number[])[], count: number): string | undefined {
  if (vectors.length !== count) return `${vectors.length} vectors for ${count} texts`;
  if (vectors.some(({ length }) => length === 0)) return 'a text no vector';
  refuseSeveralDimensions(vectors);
  for (const vector of vectors) {
    let squares = 0;
    for (const value of vector) squares += Math.fround(value) ** 2;
    if (!Number.isFinite(squares)) return 'a vector that is not finite';
    if (squares === 0) return 'a vector of zeros';
  }
  return undefined;
}
