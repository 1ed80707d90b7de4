/** The tables of documents. Their words and vectors are tables that drizzle cannot describe. */
import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { DOCUMENT_STATUSES } from '../../core/document.ts';
import { json, parseFailure, parseMetadata } from '../json-columns.ts';

const documentContent = {
  title: text('title').notNull(),
  url: text('url'),
  mimeType: text('mime_type').notNull(),
  metadata: json(parseMetadata)('metadata').notNull(),
  /** SHA-256 of the text, hexadecimal. */
  contentHash: text('content_hash').notNull(),
  /** Bytes that were sent. */
  size: integer('size').notNull(),
  /** The charset that its bytes were read in; null where none had to be. */
  charset: text('charset'),
  /** Of the text (ISO 639-1), in which its words have their stems; null where it is not known. */
  language: text('language'),
  chunkCount: integer('chunk_count').notNull(),
  /** The space of the vectors, `provider/model` and their dimension: known with the first ones. */
  embeddingModel: text('embedding_model'),
  dimension: integer('dimension'),
  /** The version of what made chunks and words of the text; null from before there were any. */
  analysis: integer('analysis'),
};

/** Documents as searches see them; versions in the making are in `document_drafts`. */
export const documents = sqliteTable(
  'documents',
  {
    id: text('id').primaryKey(),
    userId: text('user_id').notNull(),
    conversationId: text('conversation_id'),
    /** Of the chunks that searches see; null until there are any. */
    version: integer('version'),
    ...documentContent,
    /** The state of the newest ingest; the version before it is found meanwhile. */
    status: text('status', { enum: DOCUMENT_STATUSES }).notNull(),
    /** The failure, in words that a client may see. */
    error: json(parseFailure)('error'),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
    /** The owner's revision when it was last published. */
    revision: integer('revision').notNull().default(0),
    /** The text that the chunks' offsets point into. Last: reading the others skips its pages. */
    text: text('text').notNull(),
  },
  (table) => [
    index('documents_by_user').on(table.userId, table.id),
    index('documents_by_hash').on(table.userId, table.contentHash),
    index('documents_by_conversation').on(table.conversationId),
    index('documents_by_language').on(table.userId, table.language),
    index('documents_by_revision').on(table.userId, table.revision, table.id),
    // Holds all that a search asks of documents, whose own rows take many pages.
    index('documents_searched').on(
      table.userId,
      table.version,
      table.conversationId,
      table.embeddingModel,
      table.dimension,
    ),
  ],
);

/** The reason for a draft: `reindex` is the same text in another space, published with all. */
export const DRAFT_PURPOSES = ['ingest', 'reindex'] as const;

/** A version in the making, at most one of a document: published whole or not at all. */
export const documentDrafts = sqliteTable('document_drafts', {
  documentId: text('document_id').primaryKey(),
  userId: text('user_id').notNull(),
  version: integer('version').notNull(),
  ...documentContent,
  purpose: text('purpose', { enum: DRAFT_PURPOSES }).notNull(),
  /** Chunks that are stored. */
  done: integer('done').notNull(),
  /** The last heartbeat of its ingest. */
  heartbeatAt: integer('heartbeat_at').notNull(),
  text: text('text').notNull(),
});
