/**
 * Indexes documents again that another model embedded or an earlier version analysed. Each gets a
 * draft of the same text with new chunks and vectors, and all drafts of an owner are published at
 * once.
 */
import {
  and,
  asc,
  count,
  eq,
  exists,
  getTableColumns,
  gt,
  isNotNull,
  not,
  sql,
  type SQL,
} from 'drizzle-orm';
import { alias, type SQLiteColumn } from 'drizzle-orm/sqlite-core';
import type { Database } from '../database.ts';
import { batch, now, query, selectRow } from '../query.ts';
import { documentDrafts, documents } from '../schema.ts';
import type { Space } from '../search/scope.ts';
import { BYTES_PER_NUMBER, chunkVectors, owners } from '../search/tables.ts';
import { removeChunks, type Draft } from './chunks.ts';
import { firstReserved, insertOwner, reserveIds, type DraftContent } from './drafts.ts';
import { publish } from './publish.ts';

/** The goal of a reindex: a space, and a version of the analysis (chunks and words of a text). */
export interface Target extends Space {
  analysis: number;
}

/** A document whose vectors are of another space, or whose chunks and words of another version. */
export interface Outdated {
  id: string;
  userId: string;
  title: string;
  language: string | null;
  version: number;
  chunkCount: number;
  /** The draft that an earlier run made. */
  draft: { version: number; done: number; chunkCount: number } | undefined;
}

export interface Backlog {
  documents: number;
  chunks: number;
}

/** A document may say that it is of this space while some of its vectors are not. */
function isOutdated({ model, dimension, analysis }: Target): SQL | undefined {
  const { version, chunkCount } = documents;
  const others = query
    .select({ id: chunkVectors.id })
    .from(chunkVectors)
    .where(
      sql`${chunkVectors.id} between ${version} and ${version} + ${chunkCount} - 1
        and length(${chunkVectors.embedding}) <> ${BYTES_PER_NUMBER * dimension}`,
    );
  return and(
    isNotNull(version),
    sql`(${documents.embeddingModel} is not ${model} or ${documents.dimension} is not ${dimension}
      or ${documents.analysis} is not ${analysis} or ${exists(others)})`,
  );
}

/** The condition that a draft was prepared for this target. */
function isPrepared({ model, dimension, analysis }: Target): SQL | undefined {
  return and(
    eq(documentDrafts.purpose, 'reindex'),
    eq(documentDrafts.embeddingModel, model),
    eq(documentDrafts.dimension, dimension),
    eq(documentDrafts.analysis, analysis),
  );
}

/** The condition that a draft was prepared for this target from the text that is visible now. */
function isCurrent(target: Target): SQL | undefined {
  return and(
    isPrepared(target),
    eq(documentDrafts.contentHash, documents.contentHash),
    eq(documentDrafts.title, documents.title),
    isOfLanguage(documents),
  );
}

/** The condition that a draft has a document's language, or the one that was found for it. */
function isOfLanguage({ language }: { language: SQLiteColumn }): SQL {
  return sql`(${language} is null or ${documentDrafts.language} is ${language})`;
}

/** Counts what there is to do, with what is prepared already. */
export async function countOutdated(db: Database, target: Target): Promise<Backlog> {
  const chunks = sql<number>`coalesce(sum(${documents.chunkCount}), 0)`;
  const select = query
    .select({ documents: count(), chunks })
    .from(documents)
    .where(isOutdated(target));
  const [[found]] = await batch(db, [select], 'read');
  return found ?? { documents: 0, chunks: 0 };
}

/**
 * Lists outdated documents that are not prepared, in the order of their ids. One that is just being
 * replaced is left out: it comes up again, if it still has to.
 * @param after the last id before
 */
export async function listOutdated(
  db: Database,
  target: Target,
  { after, limit, leaseMs }: { after: string; limit: number; leaseMs: number },
): Promise<Outdated[]> {
  const { id, userId, title, language, version, chunkCount } = documents;
  const isDone = and(isCurrent(target), eq(documentDrafts.done, documentDrafts.chunkCount));
  const isBeingReplaced = and(
    eq(documentDrafts.purpose, 'ingest'),
    eq(documents.status, 'processing'),
    gt(documentDrafts.heartbeatAt, sql`${now} - ${leaseMs}`),
  );
  const isLeftOut = sql`coalesce(${isDone}, 0) or coalesce(${isBeingReplaced}, 0)`;
  const select = query
    .select({
      ...{ id, userId, title, language, chunkCount },
      version: sql<number>`${version}`,
      draft: {
        version: documentDrafts.version,
        done: documentDrafts.done,
        chunkCount: documentDrafts.chunkCount,
      },
      isCurrent: sql`coalesce(${isCurrent(target)}, 0)`.mapWith(Boolean),
    })
    .from(documents)
    .leftJoin(documentDrafts, eq(documentDrafts.documentId, documents.id))
    .where(and(isOutdated(target), gt(documents.id, after), not(sql`(${isLeftOut})`)))
    .orderBy(asc(documents.id))
    .limit(limit);
  const [found] = await batch(db, [select], 'read');
  return found.map(({ isCurrent: isOurs, draft, ...document }) => ({
    ...document,
    draft: (isOurs && draft) || undefined,
  }));
}

/**
 * Makes the draft, in place of one that failed or has other chunks.
 * @returns undefined when the document has changed meanwhile
 */
export async function startReindex(
  db: Database,
  { id, userId, version }: Outdated,
  {
    model,
    dimension,
    analysis,
    ...content
  }: Target & Pick<DraftContent, 'language' | 'chunkCount'>,
): Promise<Draft | undefined> {
  const { language, chunkCount } = content;
  const isUnchanged = sql`${and(eq(documents.id, id), eq(documents.version, version))}`;
  const isReplaced = eq(documentDrafts.documentId, id);
  const row = selectRow(documentDrafts, {
    ...getTableColumns(documents),
    documentId: documents.id,
    version: firstReserved(chunkCount),
    chunkCount,
    language,
    embeddingModel: model,
    dimension,
    analysis,
    purpose: 'reindex',
    done: 0,
    heartbeatAt: now,
  });
  const select = sql`${row} from ${documents}
    join ${owners} on ${owners.userId} = ${documents.userId} where ${isUnchanged}`;
  const [, , , , , [made]] = await batch(
    db,
    [
      insertOwner(userId),
      removeChunks(userId, documentDrafts, isReplaced),
      query.delete(documentDrafts).where(isReplaced),
      reserveIds(userId, chunkCount, isUnchanged),
      query.insert(documentDrafts).select(select),
      query
        .select({ version: documentDrafts.version })
        .from(documentDrafts)
        .where(and(isReplaced, eq(documentDrafts.purpose, 'reindex'))),
    ],
    'write',
  );
  return made && { documentId: id, userId, version: made.version };
}

/** Reads the text of a version and its type. Undefined when the document has changed meanwhile. */
export async function readVersion(
  db: Database,
  { id, version }: Pick<Outdated, 'id' | 'version'>,
): Promise<{ text: string; mimeType: string } | undefined> {
  const select = query
    .select({ text: documents.text, mimeType: documents.mimeType })
    .from(documents)
    .where(and(eq(documents.id, id), eq(documents.version, version)));
  const [[found]] = await batch(db, [select], 'read');
  return found;
}

/**
 * Publishes all drafts that are prepared for a target: each owner's in one transaction, so that no
 * search meets two spaces.
 */
export async function publishReindexed(db: Database, target: Target): Promise<void> {
  const visible = alias(documents, 'visible');
  const source = query
    .select({ id: visible.id })
    .from(visible)
    .where(
      and(
        eq(visible.id, documentDrafts.documentId),
        eq(visible.contentHash, documentDrafts.contentHash),
        eq(visible.title, documentDrafts.title),
        isOfLanguage(visible),
      ),
    );
  const isReady = and(
    isPrepared(target),
    eq(documentDrafts.done, documentDrafts.chunkCount),
    exists(source),
  );
  const select = query
    .selectDistinct({ userId: documentDrafts.userId })
    .from(documentDrafts)
    .where(isReady);
  const [found] = await batch(db, [select], 'read');
  for (const { userId } of found) await batch(db, [publish(userId, isReady)], 'write');
}
