/** The tables of files that messages have attached. */
import { isNull, sql } from 'drizzle-orm';
import {
  blob,
  index,
  integer,
  primaryKey,
  sqliteTable,
  text,
  uniqueIndex,
} from 'drizzle-orm/sqlite-core';

/** The bytes of files, those of one owner once. They arrive before it is known what they are. */
export const fileContents = sqliteTable(
  'file_contents',
  {
    id: text('id').primaryKey(),
    /** Null while the bytes arrive, as is the hash. */
    userId: text('user_id'),
    /** Hexadecimal. */
    sha256: text('sha256'),
    size: integer('size').notNull().default(0),
    mimeType: text('mime_type'),
    createdAt: integer('created_at').notNull(),
    /**
     * The text of a document, for models that do not take its bytes. Last, since it may be long.
     */
    text: text('text'),
  },
  (table) => [
    uniqueIndex('file_contents_by_hash').on(table.userId, table.sha256),
    index('file_contents_arriving').on(table.createdAt).where(isNull(table.sha256)),
  ],
);

/** The bytes of a content in their order, all pieces but the last of one size. */
export const filePieces = sqliteTable(
  'file_pieces',
  {
    contentId: text('content_id').notNull(),
    number: integer('number').notNull(),
    bytes: blob('bytes', { mode: 'buffer' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.contentId, table.number] })],
);

/** Files that users have sent: a name for a content. */
export const files = sqliteTable(
  'files',
  {
    id: text('id').primaryKey(),
    userId: text('user_id').notNull(),
    contentId: text('content_id').notNull(),
    name: text('name').notNull(),
    mimeType: text('mime_type').notNull(),
    size: integer('size').notNull(),
    sha256: text('sha256').notNull(),
    /** About how many tokens its text is; null for a file without one. */
    textTokens: integer('text_tokens'),
    /** True within the batch that removes it, see `files/remove-files.ts`. */
    isRemoved: integer('is_removed', { mode: 'boolean' }).notNull().default(false),
    createdAt: integer('created_at').notNull(),
  },
  (table) => [
    index('files_by_user').on(table.userId, table.id),
    index('files_by_content').on(table.contentId, table.isRemoved),
    // Empty but within such a batch.
    index('files_removed')
      .on(table.isRemoved, table.contentId)
      .where(sql`"is_removed" = 1`),
  ],
);

/** The messages that have a file: it is removed with the last of them. */
export const messageFiles = sqliteTable(
  'message_files',
  {
    messageId: text('message_id').notNull(),
    fileId: text('file_id').notNull(),
    conversationId: text('conversation_id').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.messageId, table.fileId] }),
    index('message_files_by_file').on(table.fileId),
    index('message_files_by_conversation').on(table.conversationId),
  ],
);
