/** The statements of a search: FTS5 and vectors, which drizzle has no words for. */
import { and, eq, sql, type SQL } from 'drizzle-orm';
import type { ResultSet, Value } from '../database.ts';
import { parseHeadings } from '../json-columns.ts';
import { plain, query, type TypedStatement } from '../query.ts';
import { number, optionalNumber, optionalText, text } from '../rows.ts';
import { documents } from '../schema.ts';
import type { FoundChunk } from './found-chunk.ts';
import { isInScope, isOfSpace, type DocumentScope, type Space } from './scope.ts';
import {
  BYTES_PER_NUMBER,
  chunks,
  CHUNKS_PER_OWNER,
  chunkVectors,
  owners,
  vectorBlob,
  wordTable,
} from './tables.ts';

export interface CandidateQuery extends DocumentScope {
  /** Finds only documents of this space; without one, those of any. */
  space?: Space | undefined;
  /** The languages that are told of a candidate's document. */
  languages?: readonly string[] | undefined;
  /** FTS5 expression; null asks nothing of the keyword index. */
  match: string | null;
  /** Query vector; null asks nothing of the vectors. */
  vector: readonly number[] | null;
  keywordLimit: number;
  vectorLimit: number;
}

export interface Candidate extends FoundChunk {
  /** The language of its document, if it is one of those that are asked for. */
  language: string | null;
  /** Place in the keyword index's order, from 1. */
  keywordRank: number | null;
  /** BM25 as the index gives it, greater is better. */
  keywordScore: number | null;
  vectorRank: number | null;
  cosine: number | null;
}

/** The ids of an owner's chunks. An unknown owner has none, since nothing compares with NULL. */
function stretchOf(userId: string): SQL {
  const owner = query
    .select({ number: owners.number })
    .from(owners)
    .where(eq(owners.userId, userId));
  const size = sql.raw(String(CHUNKS_PER_OWNER));
  return sql`between ${owner} * ${size} and ${owner} * ${size} + ${size} - 1`;
}

/**
 * The keyword index's best chunks. The ids of the chunks of live versions come from an index, since
 * most chunks have some word of a question and a row of each would have to be read. The plus keeps
 * the words from being looked for in one chunk after the other.
 */
function selectByWords(userId: string, match: string, limit: number): SQL {
  const index = sql.identifier(wordTable(userId));
  const ids = sql`select ${chunks.id} from live cross join ${chunks}
    on ${chunks.version} = live.version`;
  return sql`select w.rowid as id, bm25(${index}) as score
    from ${index} w
    where ${index} match ${match} and w.rowid ${stretchOf(userId)} and +w.rowid in (${ids})
    order by score, w.rowid limit ${limit}`;
}

/**
 * Selects the nearest vectors by an exact scan of the owner's alone. Vectors of another dimension
 * are left out, since comparing them is an error of the database. The caller checks whether any
 * are left.
 */
function selectByVector(userId: string, vector: readonly number[], limit: number): SQL {
  const bytes = vector.length * BYTES_PER_NUMBER;
  const { id, version, embedding } = chunkVectors;
  // Descending puts NULL last; a condition on the distance would have it computed twice.
  return sql`select ${id} as id, -vector_distance_cos(${embedding}, ${vectorBlob(vector)}) as nearness
    from ${chunkVectors}
    where ${id} ${stretchOf(userId)} and ${version} in live and length(${embedding}) = ${bytes}
    order by nearness desc, ${id} limit ${limit}`;
}

/**
 * Reads the language of a document's row from the index: in the row itself it lies behind the text.
 */
function languageAmong({ userId, languages = [] }: CandidateQuery): SQL {
  if (languages.length === 0) return sql`null`;
  return sql`(select asked.value from json_each(${JSON.stringify(languages)}) asked
    where exists (select 1 from ${documents} as same indexed by documents_by_language
      where same.user_id = ${userId} and same.language = asked.value
        and same.rowid = ${documents}.rowid))`;
}

/** Selects the best chunks by keyword and by vector, each once, with texts. */
export function selectCandidates(asked: CandidateQuery): TypedStatement<Candidate[]> {
  const { userId, space, match, vector } = asked;
  const live = query
    .select({ version: documents.version })
    .from(documents)
    .where(and(isInScope(asked), space && isOfSpace(space)));
  const words =
    match === null
      ? sql`select null as id, null as score where 0`
      : selectByWords(userId, match, asked.keywordLimit);
  const vectors =
    vector === null
      ? sql`select null as id, null as nearness where 0`
      : selectByVector(userId, vector, asked.vectorLimit);
  const statement = plain(sql`with live as materialized ${live},
      words as materialized (${words}),
      vectors as materialized (${vectors})
    select json_array(${chunks.id}, ${chunks.documentId}, ${documents.title}, ${documents.url},
        ${chunks.headings}, ${chunks.ordinal}, ${chunks.startOffset}, ${chunks.endOffset},
        ${documents.updatedAt}, ${languageAmong(asked)}) as place,
      ${chunks.text}, words.score, -vectors.nearness as distance
    from (select id from words union select id from vectors where nearness is not null) found
    join ${chunks} on ${chunks.id} = found.id
    join ${documents} on ${documents.id} = ${chunks.documentId} and ${documents.userId} = ${userId}
    left join words on words.id = ${chunks.id}
    left join vectors on vectors.id = ${chunks.id}`);
  return { ...statement, read: readCandidates };
}

function ranks(values: Array<number | null>): Array<number | null> {
  const order = values.flatMap((value, at) => (value === null ? [] : [{ value, at }]));
  order.sort((a, b) => a.value - b.value || a.at - b.at);
  const result: Array<number | null> = values.map(() => null);
  order.forEach(({ at }, place) => (result[at] = place + 1));
  return result;
}

/**
 * Reads rows of four values. Each value of a row costs more to read than an item of its `place`: a
 * search over HTTP has some two hundred rows. Numbers with a fraction would lose digits in JSON.
 */
function readCandidates({ values }: ResultSet): Candidate[] {
  const ordered = values.map(readRow).sort((a, b) => a.chunk.id - b.chunk.id);
  const keywordRanks = ranks(ordered.map(({ score }) => score));
  const vectorRanks = ranks(ordered.map(({ distance }) => distance));
  return ordered.map(({ chunk, language, score, distance }, at) => ({
    ...chunk,
    language,
    keywordRank: keywordRanks[at] ?? null,
    keywordScore: score === null ? null : -score,
    vectorRank: vectorRanks[at] ?? null,
    cosine: distance === null ? null : 1 - distance,
  }));
}

function readRow([place, words, score, distance]: readonly Value[]) {
  const list: unknown = JSON.parse(text(place));
  if (!Array.isArray(list)) throw new TypeError('the place of a chunk is no list');
  const [id, documentId, title, url, headings, ordinal, start, end, updatedAt, language] = list;
  const chunk: FoundChunk = {
    id: number(id),
    documentId: text(documentId),
    title: text(title),
    url: optionalText(url),
    text: text(words),
    headings: parseHeadings(text(headings)),
    ordinal: number(ordinal),
    start: number(start),
    end: number(end),
    updatedAt: number(updatedAt),
  };
  const scores = { score: optionalNumber(score), distance: optionalNumber(distance) };
  return { chunk, language: optionalText(language), ...scores };
}

export interface Frequencies {
  /** Chunks that the owner has. */
  chunks: number;
  /** In how many of them each expression matches, in their order. */
  frequencies: number[];
}

/**
 * Counts an owner's chunks, and those that match each expression. The index's own statistics are
 * everybody's, so they neither suit one owner nor are theirs to see.
 */
export function selectFrequencies(
  userId: string,
  expressions: readonly string[],
): TypedStatement<Frequencies> {
  const index = sql.identifier(wordTable(userId));
  const all = query
    .select({ count: owners.chunkCount })
    .from(owners)
    .where(eq(owners.userId, userId));
  const counts = expressions.map(
    (match) => sql`select count(*) from ${index}
      where ${index} match ${match} and rowid ${stretchOf(userId)}`,
  );
  const statement = plain(
    sql.join([sql`select coalesce(${all}, 0) as count`, ...counts], sql` union all `),
  );
  return { ...statement, read: readFrequencies };
}

function readFrequencies({ rows }: ResultSet): Frequencies {
  const [all = 0, ...frequencies] = rows.map((row) => number(row['count']));
  return { chunks: all, frequencies };
}
