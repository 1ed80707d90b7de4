/**
 * Removes files, with the bytes that no other file has. A batch first marks the files that go, so
 * that each statement after it knows them; nothing is ever seen marked outside of it.
 *
 * What a user has in files is in four tables: `files` and `file_contents` name the user,
 * `file_pieces` belong to contents, `message_files` to messages.
 */
import { and, eq, inArray, notExists, sql, type SQL } from 'drizzle-orm';
import { alias } from 'drizzle-orm/sqlite-core';
import type { Statement } from '../database.ts';
import { query, statement } from '../query.ts';
import { fileContents, filePieces, files, messageFiles } from '../schema.ts';

/** Returns the statements that remove files. @param which the condition on `files` */
export function removeFiles(which: SQL | undefined): Statement[] {
  // The value is written out: a partial index is not found by a parameter.
  const isRemoved = sql`${files.isRemoved} = 1`;
  const kept = alias(files, 'kept');
  const isKept = and(eq(kept.contentId, files.contentId), sql`${kept.isRemoved} = 0`);
  const keepers = query.select({ id: kept.id }).from(kept).where(isKept);
  const orphans = query
    .select({ id: files.contentId })
    .from(files)
    .where(and(isRemoved, notExists(keepers)));
  const removed = query.select({ id: files.id }).from(files).where(isRemoved);
  return [
    statement(query.update(files).set({ isRemoved: true }).where(which)),
    statement(query.delete(filePieces).where(inArray(filePieces.contentId, orphans))),
    statement(query.delete(fileContents).where(inArray(fileContents.id, orphans))),
    statement(query.delete(messageFiles).where(inArray(messageFiles.fileId, removed))),
    statement(query.delete(files).where(isRemoved)),
  ];
}
/**
 * Returns the statements that take files from messages, and remove those that no other message has.
 * @param which the condition on `message_files`, of messages that go
 */
export function removeMessageFiles(which: SQL): Statement[] {
  const going = query.select({ id: messageFiles.fileId }).from(messageFiles).where(which);
  const used = query.select({ id: messageFiles.fileId }).from(messageFiles);
  return [
    // Those that are attached elsewhere, too, are counted by what is left after this.
    statement(query.update(files).set({ isRemoved: true }).where(inArray(files.id, going))),
    statement(query.delete(messageFiles).where(which)),
    statement(
      query
        .update(files)
        .set({ isRemoved: false })
        .where(
          and(
            sql`${files.isRemoved} = 1`,
            sql`exists ${used.where(eq(messageFiles.fileId, files.id))}`,
          ),
        ),
    ),
    ...removeFiles(sql`${files.isRemoved} = 1`),
  ];
}
