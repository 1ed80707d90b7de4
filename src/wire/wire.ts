/** A wire: the form in which the events of one turn are written for one reader. */
import type { Failure } from '../core/errors.ts';
import type { Outcome, TurnHead } from '../core/message.ts';
import type { Part } from '../core/parts.ts';

/** A wire format, as a value: routes choose one and hand it on. */
export interface Wire {
  /** Unique among the wires; the only thing of a wire that crosses a network between our own parts. */
  readonly name: string;
  /** Sent at the head of an HTTP response that carries this wire. */
  readonly headers: Readonly<Record<string, string>>;
  /** True for server-sent events, whose readers reconnect by themselves and can be told when. */
  readonly isEventStream: boolean;
  /** Makes an encoder for one reader: some remember what they have told. */
  encoder(): Encoder;
}

/** The part that a reader stands in. */
export interface PartPosition {
  /** The cursor of a reader that has this part up to `offset`. */
  at(offset: number): string;
  /** The UTF-16 unit before `offset`, NaN at the beginning. */
  before(offset: number): number;
}

/**
 * Writes the events of one turn for one reader. Deltas are passed as bare strings, since there is one
 * for every token; everything else is rare. Each method returns the text to send, possibly none.
 */
export interface Encoder {
  /** An id and nothing else, so that a client cut off before the first event comes back with it. */
  initialId(cursor: string): string;
  started(head: TurnHead, cursor: string): string;
  /** @param start where `delta` begins in the part that is `position` */
  text(delta: string, start: number, position: PartPosition): string;
  reasoning(delta: string, cursor: string): string;
  /** A part that does not grow. */
  part(part: Exclude<Part, { text: string }>, cursor: string): string;
  /** The one terminal event, and what always comes last. */
  ended(head: TurnHead, outcome: Outcome, cursor: string): string;
  keepAlive(): string;
  /** The end of a turn that waited and was never accepted. */
  refused(turn: { turnId: string; conversationId: string }, failure: Failure): string;
}
