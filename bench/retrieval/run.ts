/**
 * Measures ranking quality on a test collection: `npm run bench:retrieval -- FOLDER`. The folder
 * holds docs.jsonl ({id, title, text}), queries.jsonl ({id, text}) and qrels.jsonl ({query, doc,
 * gain}). `--oracle NOISE` adds a better embedding model (oracle.ts): with noise 4 it is better
 * than the words, with 6 it is not. `--speed` measures how long searches take instead, `--gap` what
 * a stream feels of them, and `--isolate` the CPU that they cost on workerd.
 * Intervals are of 95 %; that of the gain compares the same questions.
 */

import { parseArgs } from 'node:util';

import { embedQuery, knownOf } from './embedding.ts';
import { keywordQuery } from '../../src/search/fts-query.ts';
import type { RetrievalMode } from '../../src/search/rank.ts';
import {
  MODEL_VECTOR_WEIGHT,
  OFFLINE_VECTOR_WEIGHT,
  planSearch,
} from '../../src/search/plan-search.ts';
import { batch } from '../../src/store/query.ts';
import { selectLanguages } from '../../src/store/search/scope.ts';
import { loadLanguages, MATCHED_LANGUAGES } from '../../src/text/languages.ts';
import { readCorpus, type Corpus } from './corpus.ts';
import { addDocument, openLibrary, type Library } from './library.ts';
import { confidence, mean, quality } from './measures.ts';
import { oracle } from './oracle.ts';
import { reportGap } from './gap.ts';
import { reportIsolate } from './isolate.ts';
import { reportSpeed } from './speed.ts';

const USER = 'bench';
const ORACLE_USER = 'oracle';
/** Chunks requested, so that their documents make a list of up to 100. */
const RESULTS = 100;

type Search = (query: { id: string; text: string }) => Promise<string[]>;

/**
 * Runs the baseline: FTS5 with its porter stemmer and `bm25()` on whole documents, without our
 * ranking.
 */
async function plainSearch({ database }: Library, corpus: Corpus): Promise<Search> {
  await database.batch(
    [
      { sql: `CREATE VIRTUAL TABLE plain USING fts5(title, text, tokenize='porter')`, args: [] },
      ...corpus.documents.map(({ title, text }, at) => ({
        sql: 'INSERT INTO plain (rowid, title, text) VALUES (?, ?, ?)',
        args: [at, title, text],
      })),
    ],
    'write',
  );
  const sql = `SELECT rowid AS at FROM plain WHERE plain MATCH ? ORDER BY bm25(plain) LIMIT ${RESULTS}`;
  return async ({ text }) => {
    const { match } = keywordQuery(text);
    const [found] = await database.batch([{ sql, args: [match] }], 'read');
    return (found?.rows ?? []).map((row) => corpus.documents[Number(row['at'])]?.id ?? '');
  };
}

interface Embedding {
  userId: string;
  embed(query: { id: string; text: string }): number[];
  vectorWeight: number;
  meaning(query: { text: string }): number;
}

const OFFLINE: Embedding = {
  userId: USER,
  embed: ({ text }) => embedQuery(text),
  vectorWeight: OFFLINE_VECTOR_WEIGHT,
  meaning: ({ text }) => knownOf(text),
};

function productSearch(
  { database }: Library,
  mode: RetrievalMode,
  { userId, embed, vectorWeight, meaning }: Embedding = OFFLINE,
): Search {
  return async (query) => {
    const request = { userId, query: query.text, k: RESULTS, mode, vectorWeight };
    const [languages] = await batch(database, [selectLanguages(userId, MATCHED_LANGUAGES)], 'read');
    await loadLanguages(languages);
    const plan = planSearch({
      ...request,
      languages,
      vector: embed(query),
      meaning: meaning(query),
    });
    const results = plan.rank(...(await batch(database, plan.statements, 'read')));
    // A document ranks as high as its best chunk.
    return [...new Set(results.map(({ documentId }) => documentId))];
  };
}

async function measure(name: string, search: Search, { queries, judgements }: Corpus) {
  const started = performance.now();
  const scores = [];
  for (const query of queries) {
    const relevant = judgements.get(query.id) ?? new Map<string, number>();
    scores.push(quality(await search(query), relevant));
  }
  const perQuery = (performance.now() - started) / (queries.length || 1);
  return {
    name,
    ndcgs: scores.map((score) => score.ndcg),
    ndcg: mean(scores.map((score) => score.ndcg)),
    recall: mean(scores.map((score) => score.recall)),
    reciprocalRank: mean(scores.map((score) => score.reciprocalRank)),
    perQuery,
  };
}

/** Measures the same documents with the oracle's vectors. */
async function measureOracle(library: Library, corpus: Corpus, noise: number) {
  const model = oracle(corpus, noise);
  for (const document of corpus.documents) {
    const copy = { ...document, id: `oracle-${document.id}` };
    await addDocument(library, ORACLE_USER, copy, () => model.document(document.id));
  }
  const embedding: Embedding = {
    userId: ORACLE_USER,
    embed: ({ id }) => model.query(id),
    vectorWeight: MODEL_VECTOR_WEIGHT,
    meaning: () => 1,
  };
  const rows = [];
  for (const mode of ['vector', 'hybrid'] as const) {
    const search = productSearch(library, mode, embedding);
    const original: Search = async (query) =>
      (await search(query)).map((id) => id.slice('oracle-'.length));
    rows.push(await measure(`${mode}, oracle`, original, corpus));
  }
  return rows;
}

async function main(folder: string, noise: number | undefined): Promise<void> {
  const corpus = await readCorpus(folder);
  const library = await openLibrary();
  try {
    const started = performance.now();
    let chunks = 0;
    for (const document of corpus.documents) chunks += await addDocument(library, USER, document);
    const seconds = (performance.now() - started) / 1000;
    console.log(
      `${corpus.documents.length} documents, ${chunks} chunks (${Math.round(chunks / seconds)} a second), ${corpus.queries.length} queries`,
    );
    const rows = [await measure('FTS5 bm25', await plainSearch(library, corpus), corpus)];
    for (const mode of ['keyword', 'vector', 'hybrid'] as const) {
      rows.push(await measure(mode, productSearch(library, mode), corpus));
    }
    if (noise !== undefined) rows.push(...(await measureOracle(library, corpus, noise)));
    const baseline = rows[0]?.ndcg ?? 1;
    const gains = (ndcgs: number[]) => ndcgs.map((ndcg, at) => ndcg - (rows[0]?.ndcgs[at] ?? 0));
    console.table(
      Object.fromEntries(
        rows.map((row) => [
          row.name,
          {
            'nDCG@10': row.ndcg.toFixed(3),
            '±': confidence(row.ndcgs).toFixed(3),
            'to bm25': (row.ndcg / baseline).toFixed(3),
            'above bm25': `${mean(gains(row.ndcgs)).toFixed(3)} ± ${confidence(gains(row.ndcgs)).toFixed(3)}`,
            'recall@100': row.recall.toFixed(3),
            MRR: row.reciprocalRank.toFixed(3),
            'ms a query': row.perQuery.toFixed(1),
          },
        ]),
      ),
    );
  } finally {
    await library.remove();
  }
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    oracle: { type: 'string' },
    speed: { type: 'boolean', default: false },
    gap: { type: 'boolean', default: false },
    isolate: { type: 'boolean', default: false },
  },
});
const [folder] = positionals;
const noise = values.oracle === undefined ? undefined : Number(values.oracle);
if (folder === undefined || Number.isNaN(noise)) {
  console.error(
    'usage: npm run bench:retrieval -- FOLDER [--oracle NOISE | --speed | --gap | --isolate]',
  );
  process.exitCode = 2;
} else if (values.gap) {
  await reportGap(folder);
} else if (values.isolate) {
  await reportIsolate(folder);
} else if (values.speed) {
  await reportSpeed(await readCorpus(folder));
} else {
  await main(folder, noise);
}
