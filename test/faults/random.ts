/** Seeded chance: the same seed gives the same rounds. */

export interface Random {
  /** From 0 (included) to 1 (excluded). */
  next(): number;
  /** A whole number from 0 to `below - 1`. */
  below(below: number): number;
  pick<T>(list: readonly [T, ...T[]]): T;
  /** Sixteen letters that no other call of this run gave. */
  word(): string;
}

/** A small generator (mulberry32): its quality is enough for choosing tests. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    next,
    below,
    pick: (list) => list[below(list.length)] ?? list[0],
    word: () => Array.from({ length: 16 }, () => String.fromCharCode(97 + below(26))).join(''),
  };
}
