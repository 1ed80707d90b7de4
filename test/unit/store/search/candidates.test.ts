/** The nearest vectors are those that a look at every vector gives, whatever is read first. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { batch, query } from '../../../../src/store/query.ts';
import { selectCandidates } from '../../../../src/store/search/candidates.ts';
import { chunkVectors, vectorBlob } from '../../../../src/store/search/tables.ts';
import { openTestLibrary, randomFrom, textBy } from '../../search/memory/library-maker.ts';

const USER = 'reader';
const CHUNKS = 500;
const LIMIT = 100;
const QUESTIONS = 10;

let library: Awaited<ReturnType<typeof openTestLibrary>>;
let ids: number[];
const random = randomFrom(3);

beforeAll(async () => {
  library = await openTestLibrary();
  const { db } = library;
  await library.add('stranger', textBy(random, 40));
  for (let at = 0; at < 10; at++) {
    const parts = Array.from({ length: CHUNKS / 10 }, () => textBy(random, 250));
    await library.add(USER, parts.join('\n\n'));
  }
  await library.add('another', textBy(random, 40));
  const [rows] = await batch(
    db,
    [query.select({ id: chunkVectors.id }).from(chunkVectors).orderBy(chunkVectors.id)],
    'read',
  );
  ids = rows.map(({ id }) => id);
}, 120_000);

afterAll(() => library.close());

/**
 * Returns vectors that are nearly as near to each other as 8-bit numbers can tell.
 * @param first the first number of each, which may be far greater than the others
 */
function makeVectors(dimension: number, first = 0): Map<number, number[]> {
  const common = Array.from({ length: dimension }, (_, at) => random() - 0.5 + (at ? 0 : first));
  const near = () => common.map((value) => value + 0.2 * (random() - 0.5));
  return new Map(ids.map((id) => [id, near()]));
}

async function replaceVectors(vectors: ReadonlyMap<number, readonly number[]>): Promise<void> {
  const sql = 'UPDATE chunk_vectors SET embedding = ? WHERE id = ?';
  const statements = [...vectors].map(([id, vector]) => ({ sql, args: [vectorBlob(vector), id] }));
  await library.db.batch(statements, 'write');
}

function cosine(a: readonly number[], b: readonly number[]): number {
  const product = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, at) => sum + Math.fround(value) * Math.fround(y[at]!), 0);
  return product(a, b) / Math.sqrt(product(a, a) * product(b, b));
}

async function nearest(vector: readonly number[]): Promise<{ id: number; cosine: number }[]> {
  const asked = { userId: USER, match: null, vector, keywordLimit: LIMIT, vectorLimit: LIMIT };
  const [found] = await batch(library.db, [selectCandidates(asked)], 'read');
  return found
    .toSorted((a, b) => a.vectorRank! - b.vectorRank!)
    .map((each) => ({ id: each.id, cosine: each.cosine! }));
}

// The strangers' chunks are the first and the last.
const own = () => ids.slice(1, -1);

it.each([
  [3, 0],
  [8, 0],
  [479, 0],
  [480, 0],
  [1_536, 0],
  [1_536, 5],
])('with vectors of %d numbers, and %d in the first', async (dimension, first) => {
  const vectors = makeVectors(dimension, first);
  await replaceVectors(vectors);
  let [same, all] = [0, 0];
  for (let at = 0; at < QUESTIONS; at++) {
    const question = Array.from({ length: dimension }, () => random() - 0.5);
    const expected = own()
      .map((id) => ({ id, cosine: cosine(vectors.get(id)!, question) }))
      .sort((a, b) => b.cosine - a.cosine)
      .slice(0, LIMIT);
    const found = await nearest(question);
    expect(found).toHaveLength(LIMIT);
    found.forEach((each) =>
      expect(each.cosine).toBeCloseTo(cosine(vectors.get(each.id)!, question), 5),
    );
    all += LIMIT;
    same += expected.filter(({ id }, place) => id === found[place]?.id).length;
  }
  // Two cosines may be the same but for the last digit of a short number.
  expect(same / all).toBeGreaterThanOrEqual(0.995);
});

it('leaves out vectors of another length, and of none', async () => {
  const vectors = makeVectors(480);
  const [longer, nothing, ...others] = own();
  vectors.set(longer!, [...vectors.get(longer!)!, 1]);
  vectors.set(nothing!, vectors.get(nothing!)!.fill(0));
  await replaceVectors(new Map([...vectors].filter(([id]) => !others.slice(20).includes(id))));
  const sql = 'DELETE FROM chunk_vectors WHERE id = ?';
  const removed = others.slice(20).map((id) => ({ sql, args: [id] }));
  await library.db.batch(removed, 'write');
  const found = await nearest(vectors.get(others[0]!)!);
  expect(found.map(({ id }) => id).sort((a, b) => a - b)).toEqual(others.slice(0, 20));
  expect(found[0]).toMatchObject({ id: others[0] });
});
