/**
 * Gives a document another language: its chunks get the words of that language in place of those
 * that they had. Until all have them the document counts as analysed by no version, so that the
 * next reindex repairs what was cut off.
 */
import { and, between, eq, exists, sql, type SQL } from 'drizzle-orm';
import type { Database } from '../database.ts';
import { guard, unlessRefused } from '../guard.ts';
import { batch, now, plain, query } from '../query.ts';
import { documents } from '../schema.ts';
import { chunks, owners, wordTable } from '../search/tables.ts';
import { insertWords, type NewChunk } from './chunks.ts';

/** A version of a document that searches see, and the language that it is to have. */
export interface Correction {
  id: string;
  userId: string;
  version: number;
  language: string | null;
}

/** A chunk whose words are to be made again. */
export type StoredChunk = Pick<NewChunk, 'ordinal' | 'headings' | 'text'>;
export type ChunkWords = Pick<NewChunk, 'ordinal' | 'titleWords' | 'textWords'>;

/** Selects the version that searches see; null until there is one. */
export async function readVersionNumber(db: Database, id: string): Promise<number | null> {
  const select = query.select({ version: documents.version }).from(documents);
  const [[found]] = await batch(db, [select.where(eq(documents.id, id))], 'read');
  return found?.version ?? null;
}

/** Says which language a document has, from when on searches go by it. */
export async function beginCorrection(
  db: Database,
  { id, userId, version, language }: Correction,
): Promise<void> {
  const isIt = and(eq(documents.id, id), eq(documents.version, version));
  const revision = sql`(select ${owners.revision} from ${owners} where ${eq(owners.userId, userId)})`;
  await batch(
    db,
    [
      query
        .update(owners)
        .set({ revision: sql`${owners.revision} + 1` })
        .where(eq(owners.userId, userId)),
      query
        .update(documents)
        .set({ language, analysis: null, revision, updatedAt: now })
        .where(isIt),
    ],
    'write',
  );
}

/** Reads chunks of a version from an ordinal on, in their order. */
export async function readChunks(
  db: Database,
  { version }: Correction,
  { from, limit }: { from: number; limit: number },
): Promise<StoredChunk[]> {
  const first = version + from;
  const select = query
    .select({ ordinal: chunks.ordinal, headings: chunks.headings, text: chunks.text })
    .from(chunks)
    .where(and(between(chunks.id, first, first + limit - 1), eq(chunks.version, version)));
  const [found] = await batch(db, [select.orderBy(chunks.id)], 'read');
  return found;
}

/** Stores the words of chunks in place of those they had. @returns false when it is overtaken */
export async function replaceWords(
  db: Database,
  correction: Correction,
  added: readonly ChunkWords[],
): Promise<boolean> {
  const { userId, version } = correction;
  const ids = JSON.stringify(added.map(({ ordinal }) => version + ordinal));
  const place = sql`select ${version} as version`;
  const replaced = batch(
    db,
    [
      guard(
        exists(query.select({ id: documents.id }).from(documents).where(isCorrected(correction))),
      ),
      [
        plain(sql`delete from ${sql.identifier(wordTable(userId))}
          where rowid in (select value from json_each(${ids}))`),
        insertWords({ userId, place }, added),
      ],
    ],
    'write',
  );
  return (await unlessRefused(replaced)) !== undefined;
}

/** Says that all chunks have the words of the document's language. */
export async function endCorrection(
  db: Database,
  correction: Correction,
  analysis: number | null,
): Promise<void> {
  const end = query.update(documents).set({ analysis }).where(isCorrected(correction));
  await batch(db, [end], 'write');
}

function isCorrected({ id, version, language }: Correction): SQL | undefined {
  return and(
    eq(documents.id, id),
    eq(documents.version, version),
    sql`${documents.language} is ${language}`,
  );
}
