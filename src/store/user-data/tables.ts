/**
 * The one list of the tables that hold a user's data, by which it is exported and deleted. Each
 * table of the schema is in it, or in {@link OF_NOBODY}; a test walks the schema.
 */
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core';
import * as tables from '../schema.ts';
import { chunkCodes, chunks, chunkVectors, owners, WORD_TABLES } from '../search/tables.ts';

/** A table with a user's rows. */
export interface UserTable {
  table: SQLiteTable;
  /** The export's name for a row; null where rows are not exported, as they say nothing more. */
  type: string | null;
  /** The whole that a row is a part of; `version` is that of a document's chunks. */
  partOf: 'user' | 'conversation' | 'document' | 'version' | 'content';
  /** The column that names the user, the conversation, the document or the content. */
  by: SQLiteColumn;
  /** The primary key. */
  id: readonly SQLiteColumn[];
  /** The columns that rows are exported in the order of, before the primary key. */
  order?: readonly SQLiteColumn[];
  /** Columns that say something of our inside and nothing of the user. */
  hidden?: readonly string[];
  /** Rows that are read at once; fewer where one may be large. */
  page?: number;
  /** Rows that one batch deletes; fewer where each takes many pages of the database. */
  erasedAtOnce?: number;
  /** Set where rows outlive the rest of their user: see `erase.ts`. */
  outlives?: true;
}

const RESERVED = ['reservedInput', 'reservedOutput', 'inputPrice', 'outputPrice', 'budget'];

/** The order is that of the export. What others are a part of comes before them. */
export const USER_TABLES: readonly UserTable[] = [
  {
    ...{ table: tables.userLimits, type: 'limits', partOf: 'user' },
    ...{ by: tables.userLimits.userId, id: [tables.userLimits.userId], outlives: true },
  },
  {
    ...{ table: tables.keyLimits, type: 'key_limits', partOf: 'user' },
    ...{ by: tables.keyLimits.userId, id: [tables.keyLimits.keyId] },
  },
  {
    ...{ table: tables.credentials, type: 'credential', partOf: 'user' },
    ...{ by: tables.credentials.userId, id: [tables.credentials.id], hidden: ['hash'] },
  },
  {
    ...{ table: tables.toolPermissions, type: 'tool_permission', partOf: 'user' },
    by: tables.toolPermissions.userId,
    id: [tables.toolPermissions.userId, tables.toolPermissions.tool],
  },
  {
    ...{ table: tables.toolRuns, type: 'tool_run', partOf: 'user' },
    ...{ by: tables.toolRuns.userId, id: [tables.toolRuns.approvalId], page: 20 },
  },
  {
    ...{ table: tables.conversations, type: 'conversation', partOf: 'user' },
    ...{ by: tables.conversations.userId, id: [tables.conversations.id] },
    hidden: ['lastSequenceNumber'],
  },
  {
    ...{ table: tables.messages, type: 'message', partOf: 'conversation' },
    ...{ by: tables.messages.conversationId, id: [tables.messages.id], page: 20 },
    order: [tables.messages.sequenceNumber],
    hidden: ['checkpoint', 'textLength', 'tokenRatio', 'contextTokens', 'historyHash'],
  },
  {
    ...{ table: tables.turns, type: 'turn', partOf: 'conversation' },
    ...{ by: tables.turns.conversationId, id: [tables.turns.id] },
    order: [tables.turns.sequenceNumber],
    hidden: ['instanceId', 'heartbeatAt', 'previousHeadId', ...RESERVED],
  },
  {
    ...{ table: tables.documents, type: 'document', partOf: 'user' },
    ...{ by: tables.documents.userId, id: [tables.documents.id], page: 4 },
    hidden: ['version', 'revision', 'analysis'],
  },
  {
    ...{ table: tables.documentDrafts, type: 'document_draft', partOf: 'document' },
    by: tables.documentDrafts.documentId,
    id: [tables.documentDrafts.documentId],
    ...{ hidden: ['version', 'analysis', 'heartbeatAt'], page: 4 },
  },
  {
    ...{ table: chunks, type: 'chunk', partOf: 'version' },
    ...{ by: chunks.version, id: [chunks.id], hidden: ['version'] },
  },
  {
    ...{ table: tables.files, type: 'file', partOf: 'user' },
    ...{ by: tables.files.userId, id: [tables.files.id], hidden: ['isRemoved'] },
  },
  {
    ...{ table: tables.messageFiles, type: 'message_file', partOf: 'conversation' },
    by: tables.messageFiles.conversationId,
    id: [tables.messageFiles.messageId, tables.messageFiles.fileId],
  },
  {
    ...{ table: tables.fileContents, type: 'file_content', partOf: 'user' },
    ...{ by: tables.fileContents.userId, id: [tables.fileContents.id], page: 4 },
  },
  {
    ...{ table: tables.filePieces, type: 'file_piece', partOf: 'content' },
    by: tables.filePieces.contentId,
    id: [tables.filePieces.contentId, tables.filePieces.number],
    ...{ page: 4, erasedAtOnce: 20 },
  },
  {
    ...{ table: tables.ledger, type: 'usage', partOf: 'user', outlives: true },
    hidden: ['actingKeyId'],
    ...{
      by: tables.ledger.userId,
      id: [tables.ledger.userId, tables.ledger.workId, tables.ledger.number],
    },
  },
  // Made of the ledger.
  {
    ...{ table: tables.usageSums, type: null, partOf: 'user' },
    ...{ by: tables.usageSums.userId, id: [tables.usageSums.userId, tables.usageSums.keyId] },
  },
  {
    ...{ table: tables.usageRequests, type: null, partOf: 'user' },
    by: tables.usageRequests.userId,
    id: [tables.usageRequests.userId, tables.usageRequests.keyId, tables.usageRequests.second],
  },
  // Made of the chunks.
  {
    ...{ table: chunkVectors, type: null, partOf: 'version' },
    ...{ by: chunkVectors.version, id: [chunkVectors.id] },
  },
  {
    ...{ table: chunkCodes, type: null, partOf: 'version' },
    ...{ by: chunkCodes.version, id: [chunkCodes.id] },
  },
  {
    ...{ table: owners, type: null, partOf: 'user', outlives: true },
    ...{ by: owners.userId, id: [owners.userId] },
  },
  // Names that clients gave to requests of the last day, and to sockets that are open now.
  {
    ...{ table: tables.idempotencyKeys, type: null, partOf: 'user' },
    by: tables.idempotencyKeys.scope,
    id: [tables.idempotencyKeys.scope, tables.idempotencyKeys.key],
  },
  {
    ...{ table: tables.connections, type: null, partOf: 'user' },
    ...{ by: tables.connections.userId, id: [tables.connections.id] },
  },
  {
    ...{ table: tables.erasures, type: null, partOf: 'user', outlives: true },
    ...{ by: tables.erasures.userId, id: [tables.erasures.userId] },
  },
];

/** The full-text indexes of words, which drizzle does not know: made of the chunks as well. */
export const WORD_INDEXES = Array.from({ length: WORD_TABLES }, (_, at) => `chunk_words_${at}`);

/** The tables that hold nothing of a user, and why. */
export const OF_NOBODY: Readonly<Record<string, string>> = {
  refusals: 'never holds a row',
  credential_refusals: 'never holds a row',
  parley_migrations: 'says which migrations were applied',
};
