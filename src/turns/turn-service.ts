/** What can be asked of the turns, and how a turn is asked for. */
import type { Mode } from '../core/conversation.ts';
import type { Part } from '../core/parts.ts';
import type { Principal } from '../core/principal.ts';
import type { Key } from '../store/idempotency-keys.ts';
import type { FinishedTurn } from '../core/message.ts';
import type { Wire } from '../wire/wire.ts';
import type { Sink } from './follow/sink.ts';

export const ON_BUSY = ['reject', 'interrupt', 'queue'] as const;
export type OnBusy = (typeof ON_BUSY)[number];

/** What a turn answers. Further forms (results of tools, a whole transcript) are further members. */
export type TurnInput =
  | {
      kind: 'message';
      /** What the user says; with some text. */
      parts: Part[];
      /** The answer that the message follows; undefined: the active path's last, null: a new beginning. */
      parentId?: string | null;
      /** True for an edited message, which stands wherever the old one stood. */
      parentMayBeQuestion?: boolean;
    }
  /** Answers a stored message of the user's again, beside the answers that it has. */
  | { kind: 'regenerate'; promptId: string };

/** A turn that somebody asks for. */
export interface TurnRequest {
  conversationId: string;
  principal: Principal;
  /** Set when the turn begins a conversation. */
  create?: {
    userId: string;
    title: string | null;
    mode: Mode;
    model: string | null;
    instructions: string | null;
  };
  input: TurnInput;
  /** For this turn; null: the conversation's. */
  model: string | null;
  onBusy: OnBusy;
  /** Join the running turn, instead of being refused, when it answers the very same text. */
  joinSameText: boolean;
  idempotency?: Key;
}

/** How somebody reads a turn. */
export interface StreamOptions {
  wire: Wire;
  /** Send an id with no data at once. */
  initialId: boolean;
  onDisconnect: OnDisconnect;
}

/** Whether a turn is cancelled when a client that asked for that goes away. */
export type OnDisconnect = 'continue' | 'cancel';

export interface TurnAddress {
  turnId: string;
  conversationId: string;
}

/** A turn on its way to one client. It is read once, by one of these methods. */
export interface TurnStream extends TurnAddress {
  /** Writes the turn to a sink as it comes, with no stream in between. */
  pipe(sink: Sink): void;
  /** Returns the turn's bytes, pulled as the client takes them. */
  readable(): ReadableStream<Uint8Array>;
  /** Goes away: nothing more is wanted. */
  leave(): void;
}

/** A turn that somebody waits for as a whole. */
export interface TurnRun extends TurnAddress {
  /**
   * Resolves with the turn when it is over and stored.
   * @param signal aborted when whoever waits has gone; it then rejects
   */
  finished(signal?: AbortSignal): Promise<FinishedTurn>;
}

/** Who asks for a turn, a `Request` for one. The signal is made when first looked at: most never wait. */
export interface Asker {
  readonly signal: AbortSignal;
}

/**
 * Where turns run and are read: in process on Node; on Workers each conversation has a Durable Object.
 * Everything that crosses this interface can cross a network.
 */
export interface TurnService {
  /**
   * Accepts a turn and streams it; it then runs whether or not anybody reads.
   * @param asker tells when it goes away: a queued request is dropped when its client disconnects
   * @throws ParleyError `not_found`, `turn_in_progress`, `idempotency_key_reused`, `queue_full`,
   *   `unknown_model`, `database_unavailable`, `shutting_down`
   */
  start(request: TurnRequest, options: StreamOptions, asker?: Asker): Promise<TurnStream>;
  /** Accepts a turn, as {@link start} does, and gives it as a whole when it is over. */
  run(request: TurnRequest, onDisconnect: OnDisconnect, asker?: Asker): Promise<TurnRun>;
  /**
   * Streams a turn that exists, in any state, from a cursor on; undefined when nothing is left after it.
   * @param cursor as it was given out; without, from the start
   * @throws ParleyError `not_found`, `invalid_cursor`
   */
  follow(
    turn: TurnAddress,
    options: StreamOptions,
    cursor?: string,
  ): Promise<TurnStream | undefined>;
  /** Gives a turn that exists, in any state, as a whole when it is over. @throws ParleyError `not_found` */
  wait(turn: TurnAddress, onDisconnect: OnDisconnect): Promise<TurnRun>;
  /** Cancels a turn and waits for its end, or, where another instance runs it, for a little while. */
  cancel(turn: TurnAddress): Promise<void>;
  /** Ends what runs in a conversation that has been deleted. */
  close(conversationId: string): Promise<void>;
}
