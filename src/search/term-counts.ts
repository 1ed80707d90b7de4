/**
 * Counts terms that are numbers, in arrays: a map for each text would be most of a search's work.
 */

/** The distinct terms of a sequence in the order of their first occurrence, with their counts. */
export interface TermCounts {
  terms: Int32Array;
  counts: Int32Array;
}

/**
 * Counts the terms of each sequence.
 * @param size one more than the greatest number of a term
 */
export function countTerms(sequences: readonly Int32Array[], size: number): TermCounts[] {
  const placeOf = new Int32Array(size).fill(-1);
  return sequences.map((sequence) => {
    const terms = new Int32Array(sequence.length);
    const counts = new Int32Array(sequence.length);
    let distinct = 0;
    for (const term of sequence) {
      let place = placeOf[term]!;
      if (place < 0) {
        place = placeOf[term] = distinct++;
        terms[place] = term;
      }
      counts[place]! += 1;
    }
    for (let at = 0; at < distinct; at++) placeOf[terms[at]!] = -1;
    return { terms: terms.subarray(0, distinct), counts: counts.subarray(0, distinct) };
  });
}
