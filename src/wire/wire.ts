import type { Outcome, TurnHead } from '../core/message.ts';
import type { Part } from '../core/parts.ts';

/** The part that a reader stands in. */
export interface PartPosition {
  /** The cursor of a reader that has this part up to `offset`. */
  at(offset: number): string;
  /** The UTF-16 unit before `offset`, NaN at the beginning. */
  before(offset: number): number;
}

/**
 * A wire: how the course of one turn is written for one reader. Deltas are passed as bare strings, since there is one for every token; everything else is rare.
 * Each method returns the text to send, possibly none.
 */
export interface Encoder {
  /** An id and nothing else, so that a client cut off before the first event comes back with it. */
  initialId(cursor: string): string;
  started(head: TurnHead, cursor: string): string;
  /**
   * @param start where `delta` begins in the part that is `place`
   */
  text(delta: string, start: number, place: PartPosition): string;
  reasoning(delta: string, cursor: string): string;
  /** A part that does not grow. */
  part(part: Exclude<Part, { text: string }>, cursor: string): string;
  /** The one terminal event, and what always comes last. */
  ended(head: TurnHead, outcome: Outcome, cursor: string): string;
  keepAlive(): string;
}

export type WireName = 'native' | 'text' | 'frames' | 'outcome';
