/**
 * The answers that the benchmark's upstream gives: which text, at which pace. A model's name says it all
 * (`bench-200x5` is 200 tokens, one every 5 ms), so that the upstream and the load generator, which are
 * processes of their own, need to share nothing but this file.
 */

/** What one turn streams. `paceMs` 0 is a burst: every token in one network write. */
export type Answer = {
  tokens: number;
  paceMs: number;
  /** A burst of whole blocks of frames, as from a proxy that buffers, instead of one HTTP chunk a token. */
  blocks: boolean;
};

/** About the mix of a real answer: five characters a token, some line breaks, quotes and non-ASCII. */
const VOCABULARY = [
  ' the| stream| of| words| goes| on|,| one| token| after| another| and| nothing| is| lost|.| A',
  ' server| that| "quotes"| what| it| sends|:|\n\n|-| naïve| café| — | costs| little',
]
  .join('|')
  .split('|');

/** The name of the model that answers so; the inverse of {@link parseModelName}. */
export function modelName({
  tokens,
  paceMs,
  blocks = false,
}: Partial<Answer> & Pick<Answer, 'tokens' | 'paceMs'>): string {
  return `bench-${tokens}x${paceMs}${blocks ? 'b' : ''}`;
}

/** The answer that a model's name stands for, or undefined for a name that is not the benchmark's. */
export function parseModelName(name: string): Answer | undefined {
  const match = /^bench-(\d+)x(\d+)(b?)$/.exec(name);
  if (!match) return undefined;
  return { tokens: Number(match[1]), paceMs: Number(match[2]), blocks: match[3] === 'b' };
}

/** The text of token number `index`, counted from 0. */
export function tokenAt(index: number): string {
  return VOCABULARY[index % VOCABULARY.length] ?? '';
}

/** The whole text of an answer of so many tokens: what every client must have received. */
export function expectedText(tokens: number): string {
  return Array.from({ length: tokens }, (_, index) => tokenAt(index)).join('');
}

/** Milliseconds of the clock that all processes of this machine share (CLOCK_MONOTONIC). */
export function sharedClock(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
