/** The statements of a search: FTS5 and vectors, which drizzle has no words for. */
import { and, eq, sql, type SQL, type SQLChunk } from 'drizzle-orm';
import type { ResultSet, Value } from '../database.ts';
import { parseHeadings } from '../json-columns.ts';
import { formed, query, type Places, type TypedStatement } from '../query.ts';
import { number, optionalNumber, optionalText, text } from '../rows.ts';
import { documents } from '../schema.ts';
import type { FoundChunk } from './found-chunk.ts';
import { formOf, isInScope, valuesOf, type DocumentScope, type Space } from './scope.ts';
import {
  BYTES_PER_NUMBER,
  chunkCodes,
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
function writeStretch(given: Places): SQL {
  const owner = query
    .select({ number: owners.number })
    .from(owners)
    .where(eq(owners.userId, given('userId')));
  const size = sql.raw(String(CHUNKS_PER_OWNER));
  return sql`between ${owner} * ${size} and ${owner} * ${size} + ${size} - 1`;
}

/**
 * The keyword index's best chunks. The ids of the chunks of live versions come from an index, since
 * most chunks have some word of a question and a row of each would have to be read. The plus keeps
 * the words from being looked for in one chunk after the other.
 */
function writeWords(userId: string, given: Places): SQL {
  const index = sql.identifier(wordTable(userId));
  const ids = sql`select ${chunks.id} from live cross join ${chunks}
    on ${chunks.version} = live.version`;
  return sql`select w.rowid as id, bm25(${index}) as score
    from ${index} w
    where ${index} match ${given('match')} and w.rowid ${writeStretch(given)} and +w.rowid in (${ids})
    order by score, w.rowid limit ${given('keywordLimit')}`;
}

/**
 * The 8-bit numbers choose so many times the vectors that are wanted, of which the vectors
 * themselves choose: the best hundred were always among the best hundred and twenty.
 */
const SPARE = 2;

/**
 * Selects the nearest vectors of the owner's, all of which are compared. Vectors of another
 * dimension are left out, since comparing them is an error of the database. The caller checks
 * whether any are left.
 */
function writeVectors(given: Places): SQL {
  const { id, version, vectorBytes, code } = chunkCodes;
  const { embedding } = chunkVectors;
  // Descending puts NULL last; a condition on the distance would have it computed twice.
  const near = sql`select ${id} as id,
      -vector_distance_cos(${code}, vector8(${given('vector')})) as nearness
    from ${chunkCodes}
    where ${id} ${writeStretch(given)} and ${version} in live
      and ${vectorBytes} = ${given('bytes')}
    order by nearness desc, ${id} limit ${given('spareLimit')}`;
  return sql`select ${chunkVectors.id} as id,
      -vector_distance_cos(${embedding}, ${given('vector')}) as nearness
    from (${near}) near cross join ${chunkVectors} on ${chunkVectors.id} = near.id
    order by nearness desc, ${chunkVectors.id} limit ${given('vectorLimit')}`;
}

/**
 * Reads the language of a document's row from the index: in the row itself it lies behind the text.
 */
function writeLanguage({ languages = [] }: CandidateQuery, given: Places): SQL {
  if (languages.length === 0) return sql`null`;
  return sql`(select asked.value from json_each(${given('languages')}) asked
    where exists (select 1 from ${documents} as same indexed by documents_by_language
      where same.user_id = ${given('userId')} and same.language = asked.value
        and same.rowid = ${documents}.rowid))`;
}

/** Selects the best chunks by keyword and by vector, each once, with texts. */
export function selectCandidates(asked: CandidateQuery): TypedStatement<Candidate[]> {
  const { userId, space, match, vector, keywordLimit, vectorLimit, languages = [] } = asked;
  const parts = [space, match, vector, languages[0]].map((part) => (part ? 1 : 0));
  const form = ['candidates', wordTable(userId), formOf(asked), ...parts].join(' ');
  const statement = formed(form, (given) => writeCandidates(asked, given), {
    ...valuesOf(asked),
    ...{ ...space, match, keywordLimit, vectorLimit },
    vector: vector && vectorBlob(vector),
    bytes: (vector?.length ?? 0) * BYTES_PER_NUMBER,
    spareLimit: SPARE * vectorLimit,
    languages: JSON.stringify(languages),
  });
  return { ...statement, read: readCandidates };
}

function writeCandidates(asked: CandidateQuery, given: Places): SQL {
  const isOfSpace = and(
    eq(documents.embeddingModel, given('model')),
    eq(documents.dimension, given('dimension')),
  );
  const live = query
    .select({ version: documents.version })
    .from(documents)
    .where(and(isInScope(asked, given), asked.space && isOfSpace));
  const words = asked.match
    ? writeWords(asked.userId, given)
    : sql`select null as id, null as score where 0`;
  const vectors = asked.vector
    ? writeVectors(given)
    : sql`select null as id, null as nearness where 0`;
  return sql`with live as materialized ${live},
      words as materialized (${words}),
      vectors as materialized (${vectors})
    select json_array(${chunks.id}, ${chunks.documentId}, ${documents.title}, ${documents.url},
        ${chunks.headings}, ${chunks.ordinal}, ${chunks.startOffset}, ${chunks.endOffset},
        ${documents.updatedAt}, ${writeLanguage(asked, given)}) as place,
      ${chunks.text}, words.score, -vectors.nearness as distance
    from (select id from words union select id from vectors where nearness is not null) found
    join ${chunks} on ${chunks.id} = found.id
    join ${documents} on ${documents.id} = ${chunks.documentId}
      and ${documents.userId} = ${given('userId')}
    left join words on words.id = ${chunks.id}
    left join vectors on vectors.id = ${chunks.id}`;
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
  const index = wordTable(userId);
  const write = (given: Places) =>
    writeFrequencies(sql.identifier(index), expressions.length, given);
  const statement = formed(`frequencies ${index} ${expressions.length}`, write, {
    userId,
    ...Object.fromEntries(expressions.map((match, at) => [`match${at}`, match])),
  });
  return { ...statement, read: readFrequencies };
}

function writeFrequencies(index: SQLChunk, expressions: number, given: Places): SQL {
  const all = query
    .select({ count: owners.chunkCount })
    .from(owners)
    .where(eq(owners.userId, given('userId')));
  const counts = Array.from(
    { length: expressions },
    (_, at) => sql`select count(*) from ${index}
      where ${index} match ${given(`match${at}`)} and rowid ${writeStretch(given)}`,
  );
  return sql.join([sql`select coalesce(${all}, 0) as count`, ...counts], sql` union all `);
}

function readFrequencies({ rows }: ResultSet): Frequencies {
  const [all = 0, ...frequencies] = rows.map((row) => number(row['count']));
  return { chunks: all, frequencies };
}
