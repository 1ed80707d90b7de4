/** Documents and passages as the JSON that clients see. */
import type { Document } from '../core/document.ts';
import { problemOf } from './problem.ts';
import { time } from './views.ts';

/**
 * Returns the view of a document without its text. Its `error` is a problem whose instance is the
 * document, since it outlives the request.
 */
export function documentView(document: Document) {
  const { error, progress } = document;
  return {
    document_id: document.id,
    id: document.id,
    user_id: document.userId,
    conversation_id: document.conversationId,
    title: document.title,
    ...(document.url === null ? {} : { url: document.url }),
    mime_type: document.mimeType,
    metadata: document.metadata,
    content_hash: document.contentHash,
    size: document.size,
    charset: document.charset,
    language: document.language,
    status: document.status,
    ...(error ? { error: problemOf(error, document.id) } : {}),
    ...(progress ? { progress } : {}),
    searchable: document.isSearchable,
    chunk_count: document.chunkCount,
    embedding_model: document.embeddingModel,
    dimension: document.dimension,
    created_at: time(document.createdAt),
    updated_at: time(document.updatedAt),
  };
}
