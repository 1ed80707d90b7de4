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
  // One array for all: making one for each text would take longer than counting.
  const room = sequences.reduce((sum, { length }) => sum + length, 0);
  const [allTerms, allCounts] = [new Int32Array(room), new Int32Array(room)];
  let from = 0;
  return sequences.map((sequence) => {
    let to = from;
    for (let at = 0; at < sequence.length; at++) {
      const term = sequence[at]!;
      let place = placeOf[term]!;
      if (place < 0) {
        place = placeOf[term] = to++;
        allTerms[place] = term;
      }
      allCounts[place]! += 1;
    }
    for (let at = from; at < to; at++) placeOf[allTerms[at]!] = -1;
    const counted = { terms: allTerms.subarray(from, to), counts: allCounts.subarray(from, to) };
    from = to;
    return counted;
  });
}
