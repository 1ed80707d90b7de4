/** Retrieval as a turn sees it. */
import type { Citation } from '../core/parts.ts';

/** A passage as a search finds it. */
export interface Passage {
  source: Citation;
  /** The whole of it, as the model is to read it. */
  text: string;
}

/** Finds passages in a user's documents. */
export interface Retriever {
  /** @returns the best first, numbered from 1 */
  retrieve(request: {
    userId: string;
    conversationId: string;
    query: string;
    k: number;
    signal?: AbortSignal;
  }): Promise<Passage[]>;
}
