/**
 * Measures how long a search takes at several sizes of a library, by the statements of the database
 * and in memory. The texts are made up of the sentences of a collection, the same ones each time.
 */
import { setImmediate } from 'node:timers/promises';
import { keywordText } from '../../src/text/words.ts';
import { createEmbeddingRegistry } from '../../src/models/embeddings/registry.ts';
import { networkBy } from '../../src/models/http.ts';
import { OFFLINE_EMBEDDER } from '../../src/models/offline/local-embedders.ts';
import { embedDocument, table } from './embedding.ts';
import { RememberingSearcher } from '../../src/search/memory/searcher.ts';
import { createSearcher, type Searcher } from '../../src/search/retrieve.ts';
import { createLogger } from '../../src/core/logger.ts';
import type { Corpus } from './corpus.ts';
import { openLibrary, openLibraryOnSqld, storeDocument, type Library } from './library.ts';

const USER = 'bench';
const K = 8;
const QUERIES = 40;
const CHUNK_LENGTH = 800;
/** Chunks of one made-up document. */
const DOCUMENT_SIZE = 1_000;
const MOST_BYTES = 1024 * 1024 * 1024;

/** Returns numbers from 0 to 1 that look random and are the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
}

async function fill(library: Library, corpus: Corpus, chunks: number): Promise<void> {
  const random = randomFrom(1);
  const sentences = corpus.documents
    .flatMap(({ text }) => text.split(/[.!?] /u))
    .filter(({ length }) => length > 30);
  const sentence = () => sentences[Math.floor(random() * sentences.length)] ?? '';
  for (let at = 0; at < chunks; at += DOCUMENT_SIZE) {
    const rows = Array.from({ length: Math.min(DOCUMENT_SIZE, chunks - at) }, (_, ordinal) => {
      let text = `n${at + ordinal}`;
      while (text.length < CHUNK_LENGTH) text += ` ${sentence()}.`;
      const place = { ordinal, start: 0, end: text.length, headings: [], titleWords: '' };
      return { ...place, text, textWords: keywordText(text), embedding: embedDocument(text) };
    });
    await storeDocument(library, { userId: USER, id: `made-up-${at}`, title: 'made up' }, rows);
  }
}

function median(times: number[]): string {
  return (times.toSorted((a, b) => a - b)[times.length >> 1] ?? NaN).toFixed(1);
}

/** Returns the median time of a search and the mean of its CPU, in milliseconds. */
async function timesOf(searcher: Searcher, queries: readonly string[]): Promise<string> {
  const times: number[] = [];
  const before = process.cpuUsage();
  for (const query of queries) {
    const begunAt = performance.now();
    await searcher.search({ userId: USER, query, k: K }, {});
    times.push(performance.now() - begunAt);
  }
  const { user, system } = process.cpuUsage(before);
  return `${median(times)} (CPU ${((user + system) / 1000 / queries.length).toFixed(1)})`;
}

/** The databases, and what opens a library in them. */
const DATABASES = { 'a file': openLibrary, sqld: openLibraryOnSqld };
type Place = keyof typeof DATABASES;

/** Measures a library of a size, and reports the medians in milliseconds. */
async function measure(corpus: Corpus, chunks: number, place: Place) {
  const library = await DATABASES[place](OFFLINE_EMBEDDER);
  try {
    await fill(library, corpus, chunks);
    const off = { apiKey: undefined };
    const embeddings = createEmbeddingRegistry({
      ...{ openai: off, google: off, embeddingModel: 'offline', network: networkBy(fetch) },
      wordTable: () => Promise.resolve(table),
    });
    const log = createLogger({ level: 'error', format: 'json', write: console.error });
    const services = { db: library.database, embeddings, log };
    const pause = () => setImmediate();
    const memory = new RememberingSearcher({ ...services, mostBytes: MOST_BYTES, pause });
    const queries = corpus.queries.slice(0, QUERIES).map(({ text }) => text);
    const statements = await timesOf(createSearcher(services), queries);
    const begunAt = performance.now();
    memory.libraries.get(USER);
    await memory.libraries.settled();
    const reading = (performance.now() - begunAt).toFixed(0);
    await timesOf(memory, queries);
    const inMemory = await timesOf(memory, queries);
    const bytes = (memory.libraries.get(USER)?.bytes ?? NaN) / chunks;
    return { statements, 'in memory': inMemory, 'reading it': reading, bytes: bytes.toFixed(0) };
  } finally {
    await library.remove();
  }
}

/** Reports the speed of searches for each size of a library, in chunks, on a file and on `sqld`. */
export async function reportSpeed(
  corpus: Corpus,
  sizes: readonly number[] = [2_000, 6_000, 20_000, 100_000],
): Promise<void> {
  const rows: Record<string, Awaited<ReturnType<typeof measure>>> = {};
  for (const size of sizes)
    for (const place of ['a file', 'sqld'] as const)
      rows[`${size} chunks, ${place}`] = await measure(corpus, size, place);
  console.log(
    `milliseconds of a hybrid search, k ${K}, median of ${QUERIES}, and the CPU of this process`,
  );
  console.table(rows);
}
