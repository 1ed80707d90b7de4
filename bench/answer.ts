/**
 * Defines the answers of the benchmark's upstream: their text and their pace. The model's name
 * contains both (`bench-200x5` is 200 tokens, one every 5 ms), so that the upstream and the load
 * generator, which are separate processes, share nothing but this file.
 */

/** The answer of one turn. `paceMs` 0 is a burst: every token in one network write. */
export type Answer = {
  tokens: number;
  paceMs: number;
  /**
   * Sends a burst as whole blocks of frames, like a proxy that buffers, instead of one HTTP chunk
   * per token.
   */
  blocks: boolean;
  /** The second token waits until the benchmark lets it go. */
  held: boolean;
};

/** Resembles a real answer: five characters per token, some line breaks, quotes and non-ASCII. */
const VOCABULARY = [
  ' the| stream| of| words| goes| on|,| one| token| after| another| and| nothing| is| lost|.| A',
  ' server| that| "quotes"| what| it| sends|:|\n\n|-| naïve| café| — | costs| little',
]
  .join('|')
  .split('|');

/** Returns the name of the model that gives this answer; the inverse of {@link parseModelName}. */
export function modelName({
  tokens,
  paceMs,
  blocks = false,
  held = false,
}: Partial<Answer> & Pick<Answer, 'tokens' | 'paceMs'>): string {
  return `bench-${tokens}x${paceMs}${blocks ? 'b' : ''}${held ? 'h' : ''}`;
}

/** Returns the answer of a model, or undefined for a name that is not the benchmark's. */
export function parseModelName(name: string): Answer | undefined {
  const match = /^bench-(\d+)x(\d+)(b?)(h?)$/.exec(name);
  if (!match) return undefined;
  const [, tokens, paceMs, blocks, held] = match;
  return {
    tokens: Number(tokens),
    paceMs: Number(paceMs),
    blocks: blocks === 'b',
    held: held === 'h',
  };
}

/** Returns the text of token number `index`, counted from 0. */
export function tokenAt(index: number): string {
  return VOCABULARY[index % VOCABULARY.length] ?? '';
}

/** Returns the whole text of an answer, which every client must have received. */
export function expectedText(tokens: number): string {
  return Array.from({ length: tokens }, (_, index) => tokenAt(index)).join('');
}

/**
 * Returns the milliseconds of the clock that all processes of this machine share (CLOCK_MONOTONIC).
 */
export function sharedClock(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
