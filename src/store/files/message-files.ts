/** The files of messages: which message has which, and what models are sent of them. */
import { and, eq, inArray, isNotNull, notExists, sql } from 'drizzle-orm';
import type { StoredFile } from '../../core/file.ts';
import { filesIn, type Part } from '../../core/parts.ts';
import type { Database, Statement } from '../database.ts';
import { batch, plain, query } from '../query.ts';
import { conversations, fileContents, files, messageFiles, messages, turns } from '../schema.ts';
import { runsIn } from '../turns/running-in.ts';
import { removeFiles } from './remove-files.ts';
import { fileColumns } from './files.ts';

/**
 * Returns the statements that note the files of a new message; none for one without. Those of a
 * message that steers a turn are noted with the answer, of which it becomes a part.
 */
export function noteFiles({
  messageId,
  conversationId,
  parts,
}: {
  messageId: string;
  conversationId: string;
  parts: readonly Part[];
}): Statement[] {
  const ids = filesIn(parts).map((part) => part.file_id);
  if (ids.length === 0) return [];
  const isSteered = and(runsIn(conversationId), sql`instr(${turns.steering}, ${messageId}) > 0`);
  const steered = query.select({ id: turns.assistantMessageId }).from(turns).where(isSteered);
  return [
    plain(sql`insert or ignore into ${messageFiles} (message_id, file_id, conversation_id)
      select ${messages.id}, ${files.id}, ${messages.conversationId}
        from ${messages} join ${conversations} on ${conversations.id} = ${messages.conversationId}
          cross join json_each(${JSON.stringify(ids)}) as given
          join ${files} on ${files.id} = given.value and ${files.userId} = ${conversations.userId}
        where ${messages.id} in (${messageId}, ${steered})`),
  ];
}

/** Returns the statements that forget the files of a message that was taken back. */
export function forgetFiles(messageId: string, parts: readonly Part[]): Statement[] {
  if (filesIn(parts).length === 0) return [];
  return [
    plain(sql`delete from ${messageFiles} where ${messageFiles.messageId} = ${messageId}
      and not exists (select 1 from ${messages} where ${messages.id} = ${messageId})`),
  ];
}

/**
 * Returns the statement that gives copies of messages the files of those that they are copies of.
 */
export function copyFiles(
  conversationId: string,
  copies: readonly (readonly unknown[])[],
): Statement {
  return plain(sql`insert or ignore into ${messageFiles} (message_id, file_id, conversation_id)
    select copy.value ->> 1, ${messageFiles.fileId}, ${conversations.id}
      from json_each(${JSON.stringify(copies)}) as copy
        join ${conversations} on ${conversations.id} = ${conversationId}
        join ${messageFiles} on ${messageFiles.messageId} = copy.value ->> 0`);
}

/** Finds files of a user by their ids; those that are not there are left out. */
export async function findFiles(
  db: Database,
  { ids, userId }: { ids: readonly string[]; userId: string },
): Promise<Map<string, StoredFile>> {
  const isTheirs = and(inArray(files.id, [...ids]), eq(files.userId, userId));
  const [found] = await batch(db, [query.select(fileColumns).from(files).where(isTheirs)], 'read');
  return new Map(found.map((file) => [file.id, file]));
}

/** Removes those of the files that no message has. */
export async function removeUnused(db: Database, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const used = query.select({ id: messageFiles.messageId }).from(messageFiles);
  const isUnused = notExists(used.where(eq(messageFiles.fileId, files.id)));
  await batch(db, [removeFiles(and(inArray(files.id, [...ids]), isUnused))], 'write');
}

/** Finds the contents of a user's files. @returns by the ids of the files */
export async function findContents(
  db: Database,
  mine: { ids: readonly string[]; userId: string },
): Promise<Map<string, string>> {
  const found = await findFiles(db, mine);
  return new Map([...found].map(([id, { contentId }]) => [id, contentId]));
}

/** Reads the texts of contents, by their ids. */
export async function readTexts(
  db: Database,
  contentIds: readonly string[],
): Promise<Map<string, string>> {
  if (contentIds.length === 0) return new Map();
  const { id, text } = fileContents;
  const isWanted = and(inArray(id, [...contentIds]), isNotNull(text));
  const [found] = await batch(
    db,
    [query.select({ id, text }).from(fileContents).where(isWanted)],
    'read',
  );
  return new Map(found.map((content) => [content.id, content.text ?? '']));
}
