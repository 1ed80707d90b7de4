/** Embeds the question of a search. */
import { ParleyError } from '../core/errors.ts';
import type { Embedder, OnEmbeddingCall } from '../models/embeddings/registry.ts';

/**
 * Length of a query that is embedded, in UTF-16 units. A longer one exceeds any model's window and
 * would be refused.
 */
const LONGEST_EMBEDDED_QUERY = 8_000;
/** Short, because a user is waiting for the answer. */
const QUERY_LIMITS = { callMs: 10_000, pausesMs: 3_000 };
/**
 * Returns the question's vector, and how much of its meaning that holds (0 to 1), or the error of
 * the service.
 */
export async function embedQuery(
  query: string,
  embedder: Embedder,
  options: { signal?: AbortSignal | undefined; onCall?: OnEmbeddingCall | undefined },
): Promise<{ vector?: number[]; meaning?: number; error?: ParleyError }> {
  // Some services refuse an empty text, and its vector would have no direction.
  const text = query.slice(0, LONGEST_EMBEDDED_QUERY).toWellFormed().trim() || '?';
  try {
    const [vector] = await embedder.embed([text], {
      use: 'query',
      limits: QUERY_LIMITS,
      ...options,
    });
    return { vector, meaning: await embedder.knows(text) };
  } catch (error) {
    if (error instanceof ParleyError) return { error };
    throw error;
  }
}
