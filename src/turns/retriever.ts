/** Retrieval, as turns use it. */
import type { MetadataFilter } from '../core/document.ts';
import type { Citation } from '../core/parts.ts';
import type { OnEmbeddingCall } from '../models/embeddings/registry.ts';

/** A passage that a search found. */
export interface Passage {
  source: Citation;
  /** The whole text of the passage, for the model. */
  text: string;
  /** The time of its document's last change, in milliseconds since the epoch. */
  updatedAt: number;
}

/** Searches a user's documents for passages. */
export interface Retriever {
  /** True where no service is asked to embed a question: a search costs the database alone. */
  readonly isLocal: boolean;
  /**
   * Searches for passages.
   * @returns the best passages first, numbered from 1
   */
  retrieve(request: {
    userId: string;
    conversationId: string;
    query: string;
    k: number;
    /** Only these documents, and only those whose metadata have one of the values of each field. */
    documentIds?: readonly string[] | undefined;
    metadata?: MetadataFilter | undefined;
    signal?: AbortSignal;
    /** Called for each call of a model that the search has made. */
    onCall?: OnEmbeddingCall;
  }): Promise<Passage[]>;
}
