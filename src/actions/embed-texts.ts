/** Embeds the texts of a client, by the rules that hold for every API. */
import { keyIdOf } from '../core/principal.ts';
import { estimateTokens } from '../core/tokens.ts';
import { EmbeddingCalls } from '../documents/ingest-calls.ts';
import type { Embedder, EmbeddingCall } from '../models/embeddings/registry.ts';
import { recordCalls } from '../store/usage/ledger.ts';
import { userOf } from './client-chat.ts';
import type { ActionContext } from './context.ts';
import { requireRoomToEmbed } from './require-budget.ts';

/** A client waits for this: it rather asks again than for minutes. */
const LIMITS = { callMs: 30_000, pausesMs: 5_000 };

/**
 * Returns the vectors of texts, and about how many tokens these are.
 * @throws ParleyError `model_…`, `quota_exceeded`, `rate_limited`
 */
export async function embedTexts(
  context: ActionContext,
  { embedder, texts }: { embedder: Embedder; texts: readonly string[] },
): Promise<{ vectors: number[][]; tokens: number }> {
  const { principal, dependencies, asker } = context;
  const tokens = texts.reduce((sum, given) => sum + estimateTokens(given), 0);
  const userId = userOf(principal);
  await requireRoomToEmbed(context, tokens, { embedder, userId });
  const calls = new EmbeddingCalls(userId, dependencies.prices, keyIdOf(principal));
  try {
    const onCall = (call: EmbeddingCall) => {
      calls.add(call);
      dependencies.trace?.embedded(call);
    };
    const options = { use: 'document', limits: LIMITS, onCall } as const;
    const vectors = await embedder.embed(texts, { ...options, signal: asker.signal });
    return { vectors, tokens };
  } finally {
    if (calls.pending.length > 0) await dependencies.db.batch(recordCalls(calls.pending), 'write');
  }
}
