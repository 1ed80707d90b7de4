/** Computes how alike candidates are, by the terms that they share. */
import type { CandidateSet, TermBag } from './candidates.ts';

/**
 * Returns the cosine of every candidate with each of `columns` (indexes of candidates), row by row
 * (candidates × columns).
 */
export function similarities({ vocabulary, bags }: CandidateSet, columns: number[]): Float32Array {
  const { starts, places, shares } = postingsOf(
    columns.map((at) => bags[at]!),
    vocabulary.size,
  );
  const result = new Float32Array(bags.length * columns.length);
  bags.forEach(({ terms, weights, norm }, at) => {
    const from = at * columns.length;
    for (let place = 0; place < terms.length; place++) {
      const end = starts[terms[place]! + 1]!;
      const weight = weights[place]! / norm;
      for (let index = starts[terms[place]!]!; index < end; index++)
        result[from + places[index]!]! += weight * shares[index]!;
    }
  });
  return result;
}

/** Lists the bags that have each term, and its share in each: those of a term from its start on. */
function postingsOf(bags: readonly TermBag[], size: number) {
  const starts = new Int32Array(size + 1);
  for (const { terms } of bags) for (const term of terms) starts[term + 1]! += 1;
  for (let term = 0; term < size; term++) starts[term + 1]! += starts[term]!;
  const next = starts.slice();
  const places = new Int32Array(starts[size]!);
  const shares = new Float64Array(starts[size]!);
  bags.forEach(({ terms, weights, norm }, column) => {
    for (let place = 0; place < terms.length; place++) {
      const index = next[terms[place]!]!++;
      places[index] = column;
      shares[index] = weights[place]! / norm;
    }
  });
  return { starts, places, shares };
}
