/**
 * Measures the time of a search in a shared database: `node bench/retrieval/scale.ts FOLDER [OWN]
 * [OTHERS]`. The folder's documents are repeated as chunks, so that all users have every word.
 */

import { keywordText } from '../../src/text/words.ts';
import { OFFLINE_DIMENSIONS } from '../../src/models/offline/embedder.ts';
import { embedDocument, embedQuery } from './embedding.ts';
import type { RetrievalMode } from '../../src/search/rank.ts';
import { OFFLINE_VECTOR_WEIGHT, planSearch } from '../../src/search/plan-search.ts';
import { batch } from '../../src/store/query.ts';
import { CHUNKS_PER_OWNER, vectorBlob } from '../../src/store/search/tables.ts';
import { readCorpus } from './corpus.ts';
import { openLibrary, storeDocument, type Library } from './library.ts';

const OTHER_OWNERS = 10;
const RUNS = 15;

type Source = Array<{ title: string; text: string; words: string; embedding: number[] }>;

async function fill(library: Library, userId: string, source: Source, count: number) {
  const chunks = Array.from({ length: count }, (_, ordinal) => {
    const { text, words, embedding } = source[ordinal % source.length]!;
    const place = { ordinal, start: 0, end: text.length, headings: [] };
    // A number of its own keeps the chunks from being near-duplicates.
    return { ...place, text, titleWords: '', textWords: `${words} ${ordinal}`, embedding };
  });
  await storeDocument(library, { userId, id: userId, title: 'all' }, chunks);
}

function median(times: number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await run();
  return performance.now() - started;
}

async function main(folder: string, own: number, others: number): Promise<void> {
  const corpus = await readCorpus(folder);
  const source = corpus.documents.map(({ title, text }) => ({
    title,
    text,
    words: keywordText(`${title} ${text}`),
    embedding: embedDocument(`${title}\n${text}`),
  }));
  const library = await openLibrary();
  const { database } = library;
  try {
    let started = performance.now();
    for (let at = 0; at < OTHER_OWNERS / 2; at++)
      await fill(library, `other-${at}`, source, others / OTHER_OWNERS);
    await fill(library, 'me', source, own);
    for (let at = OTHER_OWNERS / 2; at < OTHER_OWNERS; at++)
      await fill(library, `other-${at}`, source, others / OTHER_OWNERS);
    const total = own + others;
    console.log(`${Math.round((total / (performance.now() - started)) * 1000)} chunks a second`);
    const [size] = await database.batch(
      [
        {
          sql: 'SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()',
          args: [],
        },
      ],
      'read',
    );
    console.log(
      `${Math.round(Number(size?.rows[0]?.['bytes']) / total)} bytes a chunk, of them ${OFFLINE_DIMENSIONS * 4} raw vector`,
    );
    const queries = corpus.queries.slice(0, 15).map(({ text }) => text);
    const at = (index: number) => queries[index % queries.length] ?? '';
    const range = `BETWEEN (SELECT number * ${CHUNKS_PER_OWNER} FROM owners WHERE user_id = 'me') AND (SELECT (number + 1) * ${CHUNKS_PER_OWNER} - 1 FROM owners WHERE user_id = 'me')`;
    const scan = `SELECT id, vector_distance_cos(embedding, ?) AS distance FROM chunk_vectors WHERE id ${range} ORDER BY distance LIMIT 8`;
    for (const mode of ['vector', 'keyword', 'hybrid'] satisfies RetrievalMode[]) {
      const [bare, whole, inside]: number[][] = [[], [], []];
      // The two alternate, so that other work on the machine affects both.
      for (let index = 0; index < RUNS; index++) {
        const vector = embedQuery(at(index));
        const args = [vectorBlob(vector)];
        bare?.push(await timed(() => database.batch([{ sql: scan, args }], 'read')));
        const search = async () => {
          const request = { userId: 'me', query: at(index), k: 8, mode };
          const plan = planSearch({ ...request, vector, vectorWeight: OFFLINE_VECTOR_WEIGHT });
          const found = await batch(database, plan.statements, 'read');
          started = performance.now();
          plan.rank(...found);
          inside?.push(performance.now() - started);
        };
        whole?.push(await timed(search));
      }
      const [alone, all, ranking] = [bare, whole, inside].map((times) => median(times ?? []));
      console.log(
        `${mode} ${all?.toFixed(1)} ms (${((all ?? 0) / (alone ?? 1)).toFixed(2)} of the bare scan's ${alone?.toFixed(1)} ms), ${ranking?.toFixed(1)} ms of them ranking`,
      );
    }
  } finally {
    await library.remove();
  }
}

const [folder, own = '20000', others = '200000'] = process.argv.slice(2);
if (folder === undefined) {
  console.error('usage: node bench/retrieval/scale.ts FOLDER [OWN] [OTHERS]');
  process.exitCode = 2;
} else {
  await main(folder, Number(own), Number(others));
}
