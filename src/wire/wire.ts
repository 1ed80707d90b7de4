/** Wires: the forms in which the events of a turn are written for a reader. */
import type { Failure } from '../core/errors.ts';
import type { Outcome, TurnHead } from '../core/message.ts';
import type { Part } from '../core/parts.ts';

/** A wire format, as a value that routes choose and pass on. */
export interface Wire {
  /** A unique name. Only the name crosses the network between instances of the product. */
  readonly name: string;
  /** The headers of an HTTP response that carries this wire. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * True for server-sent events, whose readers reconnect by themselves and accept a reconnection
   * time.
   */
  readonly isEventStream: boolean;
  /**
   * True when its encoders remember nothing: what one of them writes, any other would write there.
   */
  readonly isStateless: boolean;
  /**
   * Makes an encoder for one reader; some encoders remember what they have sent.
   * @param texts the texts of the answer, for wires that repeat a text when it is whole
   */
  encoder(texts?: AnswerTexts): Encoder;
}

/**
 * Thrown by an encoder when nothing true can be said: the connection is then broken off, and the
 * reader cannot take what it has for the whole.
 */
export class BrokenOff extends Error {
  override readonly name = 'BrokenOff';

  constructor() {
    super('the outcome of the turn is not known to its reader');
  }
}

/** The growing texts of an answer. */
export interface AnswerTexts {
  /** Returns all that there is of a part; empty where that is no text. */
  textOf(part: number): string;
}

/** A reader's position within the part that it is reading. */
export interface PartPosition {
  /** Returns the cursor of a reader that has this part up to `offset`. */
  at(offset: number): string;
  /** Returns the UTF-16 unit before `offset`; NaN at the beginning. */
  before(offset: number): number;
}

/**
 * Encodes the events of one turn for one reader. Deltas are passed as bare strings, since there is
 * one for every token; everything else is rare. Each method returns the text to send, which may be
 * empty.
 */
export interface Encoder {
  /**
   * Encodes an id without data, so that a client that is cut off before the first event reconnects
   * with it.
   */
  initialId(cursor: string): string;
  started(head: TurnHead, cursor: string): string;
  /**
   * Encodes a delta of text.
   * @param start the offset at which `delta` begins in the part of `position`
   */
  text(delta: string, start: number, position: PartPosition): string;
  reasoning(delta: string, cursor: string): string;
  /** Encodes a part that arrives whole. */
  part(part: Exclude<Part, { text: string }>, cursor: string): string;
  /**
   * Encodes the terminal event and whatever follows it on this wire.
   * @throws BrokenOff
   */
  ended(head: TurnHead, outcome: Outcome, cursor: string): string;
  keepAlive(): string;
  /**
   * Encodes the end of a turn that waited and was never accepted.
   * @throws BrokenOff
   */
  refused(turn: { turnId: string; conversationId: string }, failure: Failure): string;
}
