/** Searches documents, by the rules that hold for every API. */
import { keyIdOf, requireUserId } from '../core/principal.ts';
import { EmbeddingCalls } from '../documents/ingest-calls.ts';
import { estimateTokens } from '../core/tokens.ts';
import type { EmbeddingCall } from '../models/embeddings/registry.ts';
import { retrievalOf, type WorkTrace } from '../models/work-trace.ts';
import { recordCalls } from '../store/usage/ledger.ts';
import type { RetrievalRequest } from '../search/retrieve.ts';
import type { Passage } from '../search/passage.ts';
import type { ActionContext } from './context.ts';
import { requireRoomToEmbed } from './require-budget.ts';

export interface SearchInput extends Omit<RetrievalRequest, 'userId' | 'conversation'> {
  /** Searches only this conversation's documents; all of the user's when it is left out. */
  conversationId?: string | undefined;
}

/**
 * Returns the passages of the caller's documents that answer a query, best first.
 * @throws ParleyError `invalid_request` when the request names no user, and as `Searcher.search`
 *   does
 */
export async function searchDocuments(
  context: ActionContext,
  { conversationId, ...input }: SearchInput,
): Promise<Passage[]> {
  const { principal, dependencies, asker } = context;
  const { searcher, prices, trace } = dependencies;
  const conversation = conversationId === undefined ? undefined : { of: conversationId };
  const userId = requireUserId(principal);
  if (input.mode !== 'keyword') await requireRoomToEmbed(context, estimateTokens(input.query));
  const calls = new EmbeddingCalls(userId, prices, keyIdOf(principal));
  const request = { ...input, userId, conversation };
  const alongside = () => recordCalls(calls.pending);
  const search = (below?: WorkTrace) => {
    const onCall = (call: EmbeddingCall) => {
      calls.add(call);
      below?.embedded(call);
    };
    return searcher.search(request, { signal: asker.signal, onCall, alongside });
  };
  return trace ? trace.step(retrievalOf(input.k), search) : search();
}
