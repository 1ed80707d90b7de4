/**
 * A user's library as it is read into memory: its documents with their changes since a revision,
 * their chunks with words and vectors, and what a search in memory still needs of the database.
 */
import { and, asc, eq, gt, isNotNull, sql } from 'drizzle-orm';
import type { ResultSet, Value } from '../database.ts';
import { parseHeadings } from '../json-columns.ts';
import { plain, query, type TypedStatement } from '../query.ts';
import { number, text } from '../rows.ts';
import { documents } from '../schema.ts';
import { foundChunk, type FoundChunk } from './found-chunk.ts';
import { chunks, chunkVectors, owners } from './tables.ts';

/** The size of what searches see of a user. */
export interface LibraryState {
  /** Grows with every change. */
  revision: number;
  chunks: number;
}

/** Selects the state of a library; no row where the user has never had a document. */
export function selectLibraryState(userId: string) {
  return query
    .select({ revision: owners.revision, chunks: owners.chunkCount })
    .from(owners)
    .where(eq(owners.userId, userId));
}

/** A document as searches see it. */
export interface LibraryDocument {
  id: string;
  /** The id of its first chunk; the others follow. */
  version: number;
  chunkCount: number;
  conversationId: string | null;
  embeddingModel: string | null;
  dimension: number | null;
  title: string;
  language: string | null;
}

/** Selects the documents that were published after a revision; -1 gives all. */
export function selectPublishedSince(userId: string, revision: number) {
  const { id, chunkCount, conversationId, embeddingModel, dimension } = documents;
  const { title, language } = documents;
  return query
    .select({
      ...{ id, chunkCount, conversationId, embeddingModel, dimension, title, language },
      version: sql<number>`${documents.version}`,
    })
    .from(documents)
    .where(
      and(
        eq(documents.userId, userId),
        gt(documents.revision, revision),
        isNotNull(documents.version),
      ),
    )
    .orderBy(asc(documents.revision), asc(documents.id));
}

/** Selects the versions that searches see, to find out which are there no more. */
export function selectVersions(userId: string) {
  return query
    .select({ version: sql<number>`${documents.version}` })
    .from(documents)
    .where(and(eq(documents.userId, userId), isNotNull(documents.version)));
}

/** A chunk with what is remembered of it. */
export interface LibraryChunk {
  id: number;
  version: number;
  headings: string[];
  text: string;
  /** Four-byte numbers; null where there is no vector. */
  embedding: ArrayBuffer | null;
}

/** Selects the chunks of stretches of ids, each from the first to the last. */
export function selectLibraryChunks(
  stretches: readonly (readonly [first: number, last: number])[],
): TypedStatement<LibraryChunk[]> {
  const { id, version, headings } = chunks;
  const statement =
    plain(sql`select ${id}, ${version}, ${headings}, ${chunks.text}, ${chunkVectors.embedding}
    from json_each(${JSON.stringify(stretches)}) stretch
    cross join ${chunks} on ${id} between stretch.value ->> 0 and stretch.value ->> 1
    left join ${chunkVectors} on ${chunkVectors.id} = ${id}`);
  return { ...statement, read: readChunks };
}

function readChunks({ rows }: ResultSet): LibraryChunk[] {
  return rows.map((row) => ({
    id: number(row['id']),
    version: number(row['version']),
    headings: parseHeadings(text(row['headings'])),
    text: text(row['text']),
    embedding: bytesOf(row['embedding']),
  }));
}

function bytesOf(value: Value | undefined): ArrayBuffer | null {
  return value instanceof ArrayBuffer ? value : null;
}

/** Selects chunks of a user by their ids, as long as searches see them. */
export function selectFound(userId: string, ids: readonly number[]): TypedStatement<FoundChunk[]> {
  const statement = plain(sql`select ${chunks.id}, ${chunks.documentId}, ${documents.title},
      ${documents.url}, ${chunks.text}, ${chunks.headings}, ${chunks.ordinal},
      ${chunks.startOffset}, ${chunks.endOffset}, ${documents.updatedAt}
    from json_each(${JSON.stringify(ids)}) asked
    cross join ${chunks} on ${chunks.id} = asked.value
    cross join ${documents} on ${documents.id} = ${chunks.documentId}
      and ${documents.userId} = ${userId} and ${documents.version} = ${chunks.version}`);
  return { ...statement, read: readFound };
}

function readFound({ rows }: ResultSet): FoundChunk[] {
  return rows.map(foundChunk);
}
