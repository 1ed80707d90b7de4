/** Searches documents, by the rules that hold for every API. */
import { requireUserId } from '../core/principal.ts';
import { retrieve, type Passage, type RetrievalRequest } from '../search/retrieve.ts';
import type { ActionContext } from './context.ts';

export interface SearchInput extends Omit<RetrievalRequest, 'userId' | 'conversation'> {
  /** Searches only this conversation's documents; all of the user's when it is left out. */
  conversationId?: string | undefined;
}

/**
 * Returns the passages of the caller's documents that answer a query, best first.
 * @throws ParleyError `invalid_request` when the request names no user, and as {@link retrieve}
 *   does
 */
export async function searchDocuments(
  { principal, dependencies, asker }: ActionContext,
  { conversationId, ...input }: SearchInput,
): Promise<Passage[]> {
  const { db, embeddings, log } = dependencies;
  const conversation = conversationId === undefined ? undefined : { of: conversationId };
  const request = { ...input, userId: requireUserId(principal), conversation };
  return retrieve(request, { db, embeddings, log, signal: asker.signal });
}
