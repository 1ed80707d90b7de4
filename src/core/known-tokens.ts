/**
 * Remembers the tokens that texts have by an estimate: the messages of a conversation come again
 * with each of its turns, and estimating twenty of them takes longer than reading them.
 */
import { LatestMap } from './latest-map.ts';
import { estimateTokens } from './tokens.ts';

/**
 * UTF-16 units: a shorter text is estimated as fast as it is found, and longer ones would take much
 * memory. All of them together take 4 MB at most.
 */
const SHORTEST = 32;
const LONGEST = 2_000;
const MOST = 1_000;

const known = new LatestMap<number>(MOST);

/** Returns what {@link estimateTokens} returns. */
export function knownTokens(text: string): number {
  if (text.length < SHORTEST || text.length > LONGEST) return estimateTokens(text);
  let tokens = known.get(text);
  if (tokens === undefined) {
    tokens = estimateTokens(text);
    known.set(text, tokens);
  }
  return tokens;
}
