/** A search in memory gives what the statements of the database give. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ANYONE } from '../../../../src/core/principal.ts';
import { RememberingSearcher } from '../../../../src/search/memory/searcher.ts';
import type { RetrievalMode } from '../../../../src/search/rank.ts';
import {
  createSearcher,
  type RetrievalRequest,
  type Searcher,
} from '../../../../src/search/retrieve.ts';
import { deleteDocument } from '../../../../src/store/documents/documents.ts';
import { noLog } from '../../../support/log.ts';
import { openTestLibrary, randomFrom, textBy } from './library-maker.ts';

// Many searches of many chunks, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000 });

const USER = 'reader';
let library: Awaited<ReturnType<typeof openTestLibrary>>;
let remembering: RememberingSearcher;
let statements: Searcher;
const random = randomFrom(7);
const ids: string[] = [];

const pause = () => new Promise<void>((resolve) => setImmediate(resolve));

function newSearcher(mostBytes = 100_000_000): RememberingSearcher {
  const { db, embeddings } = library;
  return new RememberingSearcher({ db, embeddings, log: noLog, mostBytes, pause });
}

const remove = (id: string) =>
  deleteDocument(library.db, { id, principal: ANYONE, leaseMs: 15_000 });

beforeAll(async () => {
  library = await openTestLibrary();
  const { db, embeddings } = library;
  statements = createSearcher({ db, embeddings, log: noLog });
  remembering = newSearcher();
  for (let at = 0; at < 70; at++) {
    const parts = Array.from({ length: 1 + (at % 5) }, () => textBy(random, 250));
    const { id } = await library.add(USER, `# ${textBy(random, 3)}\n\n${parts.join('\n\n')}`);
    ids.push(id);
  }
}, 120_000);

afterAll(() => library.close());

async function found(searcher: Searcher, request: Partial<RetrievalRequest>): Promise<string[]> {
  const whole = { userId: USER, query: '', k: 50, ...request };
  return (await searcher.search(whole, {})).map(({ source }) => source.chunk_id);
}

/** Reads the library into memory. */
async function remember(): Promise<void> {
  await found(remembering, { query: 'kax' });
  await remembering.libraries.settled();
  expect(remembering.libraries.get(USER)).toBeDefined();
}

/** Enough that two scores which are equal but for a rounding decide little: hybrid has more. */
const QUERIES = 30;
const HYBRID_QUERIES = 80;

/** @returns the share of positions that hold the same chunk */
async function agreement(
  mode: RetrievalMode,
  more: Partial<RetrievalRequest> = {},
  queries = QUERIES,
) {
  let [same, all] = [0, 0];
  for (let at = 0; at < queries; at++) {
    const request = { query: textBy(random, 3 + (at % 10)), mode, ...more };
    const [expected, given] = [await found(statements, request), await found(remembering, request)];
    expect(given.length).toBe(expected.length);
    all += expected.length;
    same += expected.filter((id, place) => id === given[place]).length;
  }
  return same / all;
}

it.each(['hybrid', 'keyword', 'vector'] as const)(
  '%s: the same chunks in the same places',
  async (mode) => {
    await remember();
    const queries = mode === 'hybrid' ? HYBRID_QUERIES : QUERIES;
    expect(await agreement(mode, {}, queries)).toBeGreaterThanOrEqual(0.995);
  },
);

it('the same for some of the documents', async () => {
  await remember();
  const some = ids.filter((_, at) => at % 3 === 0);
  expect(await agreement('hybrid', { documentIds: some })).toBeGreaterThanOrEqual(0.995);
});

it('sees what was added, replaced and deleted since, without a second look', async () => {
  await remember();
  const unique = async () =>
    (await found(remembering, { query: 'quizzical', mode: 'keyword' })).length;
  expect(await unique()).toBe(0);
  const { id } = await library.add(USER, `quizzical ${textBy(random, 100)}`);
  expect(await unique()).toBe(1);
  await library.add(USER, `plain ${textBy(random, 100)}`, { documentId: id });
  expect(await unique()).toBe(0);
  await library.add(USER, `quizzical ${textBy(random, 90)}`, { documentId: id });
  expect(await unique()).toBe(1);
  await remove(id);
  expect(await unique()).toBe(0);
  for (const gone of ids.splice(0, 10)) await remove(gone);
  expect(await agreement('vector')).toBeGreaterThanOrEqual(0.995);
  // The keyword index still counts the words of deleted chunks; memory does not.
  const anew = newSearcher();
  await found(anew, { query: 'kax' });
  await anew.libraries.settled();
  for (let at = 0; at < 4; at++) {
    const query = textBy(random, 6);
    expect(await found(remembering, { query })).toEqual(await found(anew, { query }));
  }
});

it('sees nothing of another user, and gives another nothing', async () => {
  await library.add('stranger', `secretive ${textBy(random, 50)}`);
  await remember();
  expect(await found(remembering, { query: 'secretive', mode: 'keyword' })).toEqual([]);
});

it('answers by the statements when a library is too large for memory', async () => {
  const small = newSearcher(1);
  const request = { query: textBy(random, 5) };
  const expected = await found(statements, request);
  expect(await found(small, request)).toEqual(expected);
  await small.libraries.settled();
  expect(await found(small, request)).toEqual(expected);
});

it('takes a query of thousands of words, of function words alone, and of none', async () => {
  await remember();
  expect(await found(remembering, { query: textBy(random, 5_000) })).toHaveLength(50);
  for (const query of ['what is it', '???'])
    expect(await found(remembering, { query })).toEqual(await found(statements, { query }));
});
