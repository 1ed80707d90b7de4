/** Loads the table of word vectors when it is first needed. */
import { parseWordVectors, type WordVectors } from './word-vectors.ts';

/** Returns the table; undefined while it cannot be had, in which case the reason has been told. */
export type WordTable = () => Promise<WordVectors | undefined>;

/** The time after which a table that could not be had is asked for again, in milliseconds. */
const RETRY_MS = 60_000;

/**
 * Makes a table that is read once.
 * @param read returns the bytes of the file
 * @param onLost is told why the table is missing or damaged
 */
export function lazyWordTable(
  read: () => Promise<Uint8Array>,
  onLost: (error: unknown) => void,
): WordTable {
  let loading: Promise<WordVectors | undefined> | undefined;
  let lostAt = -Infinity;
  const load = async () => {
    try {
      return parseWordVectors(await read());
    } catch (error) {
      onLost(error);
      lostAt = performance.now();
      return undefined;
    }
  };
  return async () => {
    const table = await (loading ??= load());
    if (table || performance.now() - lostAt < RETRY_MS) return table;
    return (loading = load());
  };
}
