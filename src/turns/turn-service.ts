/** The rooms, as the rest sees them: where turns run and are read. In process on Node; on Workers each conversation's room is a Durable Object. Everything that crosses this border can cross a network. */
import type { Mode } from '../core/conversation.ts';
import type { Key } from '../store/idempotency-keys.ts';
import type { WireName } from '../wire/wire.ts';

export type OnBusy = 'reject' | 'interrupt' | 'queue';

/** A turn that somebody asks for. */
export interface TurnRequest {
  conversationId: string;
  /** Who asks; null where the conversation's id alone suffices. */
  userId: string | null;
  /** Set when the turn begins a conversation. */
  create?: {
    userId: string;
    title: string | null;
    mode: Mode;
    model: string | null;
    instructions: string | null;
  };
  /** What the user says; never empty. */
  text: string;
  /** For this turn; null: the conversation's. */
  model: string | null;
  onBusy: OnBusy;
  /** Join the running turn, instead of being refused, when it answers the very same text. */
  joinSameText: boolean;
  idempotency?: Key;
}

/** How somebody reads a turn. */
export interface StreamOptions {
  wire: WireName;
  /** Send an id with no data at once. */
  initialId: boolean;
  /** Whether this reader's leaving cancels the turn. */
  onDisconnect: 'continue' | 'cancel';
}

export interface TurnAddress {
  turnId: string;
  conversationId: string;
}

/** A turn on its way to one reader. */
export interface TurnStream extends TurnAddress {
  body: ReadableStream<Uint8Array>;
}

/** Who asks for a turn, a `Request` for one. The signal is made when it is first looked at, and most never wait. */
export interface Asker {
  readonly signal: AbortSignal;
}

export interface TurnService {
  /**
   * Accepts a turn and delivers it; it then runs whether or not anybody reads.
   * @param asker tells when it goes away: one who waits in the queue is then out
   * @throws ParleyError `not_found`, `turn_in_progress`, `idempotency_key_reused`, `queue_full`, `unknown_model`, `database_unavailable`, `shutting_down`
   */
  start(command: TurnRequest, view: StreamOptions, asker?: Asker): Promise<TurnStream>;
  /**
   * Delivers a turn that exists, in any state, from a cursor on; undefined when nothing is left after it.
   * @param cursor as it was given out; without, from the start
   * @throws ParleyError `not_found`, `invalid_cursor`
   */
  follow(turn: TurnAddress, view: StreamOptions, cursor?: string): Promise<TurnStream | undefined>;
  /** Cancels a turn and waits for its end, or, where another instance runs it, for a little while. */
  cancel(turn: TurnAddress): Promise<void>;
  /** Ends what runs in a conversation that has been deleted. */
  close(conversationId: string): Promise<void>;
}
