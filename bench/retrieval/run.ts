/**
 * Ranking quality on a test collection: `npm run bench:retrieval -- FOLDER`. The folder holds
 * docs.jsonl ({id, title, text}), queries.jsonl ({id, text}) and qrels.jsonl ({query, doc, gain}).
 */

import { offlineEmbedding } from '../../src/models/offline-embedder.ts';
import { keywordQuery } from '../../src/retrieval/keyword-query.ts';
import type { RetrievalMode } from '../../src/retrieval/rank.ts';
import { OFFLINE_VECTOR_WEIGHT, planSearch } from '../../src/retrieval/search.ts';
import { readCorpus, type Corpus } from './corpus.ts';
import { addDocument, openLibrary, settle, type Library } from './library.ts';
import { mean, quality } from './measures.ts';

const USER = 'bench';
/** Chunks asked for: their documents make a list of up to 100. */
const RESULTS = 100;

type Search = (query: string) => Promise<string[]>;

/** The baseline: FTS5 with its porter stemmer and `bm25()`, whole documents, nothing of ours. */
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
  return async (query) => {
    const { match } = keywordQuery(query);
    const [found] = await database.batch([{ sql, args: [match] }], 'read');
    return (found?.rows ?? []).map((row) => corpus.documents[Number(row['at'])]?.id ?? '');
  };
}

function productSearch({ database }: Library, mode: RetrievalMode): Search {
  return async (query) => {
    const plan = planSearch({
      userId: USER,
      query,
      k: RESULTS,
      mode,
      vector: offlineEmbedding(query),
      vectorWeight: OFFLINE_VECTOR_WEIGHT,
    });
    const results = plan.results(await database.batch(plan.statements, 'read'));
    // A document is as good as its best chunk.
    return [...new Set(results.map(({ documentId }) => documentId))];
  };
}

async function measure(name: string, search: Search, { queries, judgements }: Corpus) {
  const started = performance.now();
  const scores = [];
  for (const { id, text } of queries) {
    scores.push(quality(await search(text), judgements.get(id) ?? new Map<string, number>()));
  }
  const perQuery = (performance.now() - started) / (queries.length || 1);
  return {
    name,
    ndcg: mean(scores.map((score) => score.ndcg)),
    recall: mean(scores.map((score) => score.recall)),
    reciprocalRank: mean(scores.map((score) => score.reciprocalRank)),
    perQuery,
  };
}

async function main(folder: string): Promise<void> {
  const corpus = await readCorpus(folder);
  const library = await openLibrary();
  try {
    const started = performance.now();
    let chunks = 0;
    for (const document of corpus.documents) chunks += await addDocument(library, USER, document);
    await settle(library, USER);
    const seconds = (performance.now() - started) / 1000;
    console.log(
      `${corpus.documents.length} documents, ${chunks} chunks (${Math.round(chunks / seconds)} a second), ${corpus.queries.length} queries`,
    );
    const rows = [await measure('FTS5 bm25', await plainSearch(library, corpus), corpus)];
    for (const mode of ['keyword', 'vector', 'hybrid'] as const) {
      rows.push(await measure(mode, productSearch(library, mode), corpus));
    }
    const baseline = rows[0]?.ndcg ?? 1;
    console.table(
      Object.fromEntries(
        rows.map((row) => [
          row.name,
          {
            'nDCG@10': row.ndcg.toFixed(3),
            'to bm25': (row.ndcg / baseline).toFixed(3),
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

const folder = process.argv[2];
if (folder === undefined) {
  console.error('usage: npm run bench:retrieval -- FOLDER');
  process.exitCode = 2;
} else {
  await main(folder);
}
