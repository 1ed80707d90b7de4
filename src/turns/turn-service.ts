/** The interface of the turn service, and the requests that it takes. */
import type { Mode } from '../core/conversation.ts';
import type { HistoryEnd } from '../core/exchange.ts';
import type { TurnParameters } from '../core/parameters.ts';
import type { Part } from '../core/parts.ts';
import type { Budget, OpenStreams } from '../core/limits.ts';
import type { Principal } from '../core/principal.ts';
import type { SpanPlace } from '../core/telemetry.ts';
import type { Key } from '../store/idempotency-keys.ts';
import type { FinishedTurn, StoredTurn } from '../core/message.ts';
import type { TurnStanding } from '../store/turns/read.ts';
import type { Wire } from '../wire/wire.ts';
import type { Sink } from './follow/sink.ts';

export const ON_BUSY = ['reject', 'interrupt', 'queue', 'steer'] as const;
export type OnBusy = (typeof ON_BUSY)[number];

/** The input that a turn answers. */
export type TurnInput =
  | {
      kind: 'message';
      /**
       * The parts of the message: text, and results of calls that the answer before it ended with.
       * A message of results alone lets the model go on.
       */
      parts: Part[];
      /**
       * The answer that the message follows; undefined for the last of the active path, null for a
       * new beginning.
       */
      parentId?: string | null;
      /** True for an edited message, which has the same parent as the old one. */
      parentMayBeQuestion?: boolean;
      /** The name that the client gives the message. */
      clientId?: string;
      /** The hash of the history that the client sent with it. */
      historyHash?: string;
      /**
       * The end of that history, in place of `parentId`: the service knows which answer it is, and
       * that the user has not asked the same after it. Else it is `not_found`.
       */
      after?: HistoryEnd;
    }
  /**
   * Answers a stored user message again; the new answer becomes a sibling of the earlier ones. The
   * hash is that of the history up to the message, where the client has sent one.
   */
  | { kind: 'regenerate'; promptId: string; historyHash?: string };

/** A request for a turn. */
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
    clientId: string | null;
    isTemporary?: boolean;
    unlessAsked?: string;
  };
  input: TurnInput;
  /** The model of this turn; null for the conversation's. */
  model: string | null;
  /** The parameters that the request has for the model; undefined for a plain turn. */
  parameters?: TurnParameters;
  onBusy: OnBusy;
  /** Joins the running turn, instead of failing, when that answers exactly the same text. */
  joinSameText: boolean;
  idempotency?: Key;
  /** The name that the client gives the answer. */
  answerClientId?: string;
  /** The streams of its caller that are open, where one more is asked for; counted by the host. */
  openStreams?: OpenStreams;
  /** The span of the request, where somebody watches; its `traceparent` across a network. */
  traceparent?: SpanPlace | string;
  /**
   * The owner of the conversation, where this is likely to be its first question, and its mode
   * `rag`.
   */
  searchesFor?: string | undefined;
}

/** Options for reading a turn. */
export interface StreamOptions {
  wire: Wire;
  /** Sends an id without data at once. */
  initialId: boolean;
  onDisconnect: OnDisconnect;
  /** The span of the request, where somebody watches; its `traceparent` across a network. */
  traceparent?: SpanPlace | string;
}

/** Says whether the turn continues or is cancelled when the last client leaves. */
export type OnDisconnect = 'continue' | 'cancel';

/** The extent of a caller's reading of a turn: all of it, or its state. */
export type FoundTurn = StoredTurn | TurnStanding;

export interface TurnAddress {
  turnId: string;
  conversationId: string;
}

/** A turn as one client reads it. It is read once, by one of these methods. */
export interface TurnStream extends TurnAddress {
  /** The message that is the answer, where that is known. */
  readonly answerId?: string | undefined;
  /** The user's budget when the turn was accepted, where there are limits. */
  readonly limits?: Budget | undefined;
  /** Writes the turn to a sink, with no stream in between. */
  pipe(sink: Sink): void;
  /** Returns the turn as a stream of bytes, read at the client's pace. */
  readable(): ReadableStream<Uint8Array>;
  /** Ends the reading before the end of the turn. */
  leave(): void;
}

/** A turn that a client waits for as a whole. */
export interface TurnRun extends TurnAddress {
  /** The message that is the answer, where that is known. */
  readonly answerId?: string | undefined;
  /** The user's budget when the turn was accepted, where there are limits. */
  readonly limits?: Budget | undefined;
  /**
   * Resolves with the turn when it is over and stored.
   * @param signal aborted when the waiting client has left; the promise then rejects
   */
  finished(signal?: AbortSignal): Promise<FinishedTurn>;
}

/**
 * The client that asks for a turn, for instance a `Request`. The signal is made when first read,
 * since most turns never wait.
 */
export interface Asker {
  readonly signal: AbortSignal;
}

/**
 * Runs turns and reads them: in process on Node, in a Durable Object for each conversation on
 * Workers. Everything that crosses this interface can cross a network.
 */
export interface TurnService {
  /**
   * Accepts a turn and streams it. The turn then runs whether or not anybody reads it.
   * @param asker whose signal says that the client has left: a queued request is then dropped
   * @throws ParleyError `not_found`, `turn_in_progress`, `idempotency_key_reused`, `queue_full`,
   *   `unknown_model`, `unsupported_parameter`, `database_unavailable`, `shutting_down`
   */
  start(request: TurnRequest, options: StreamOptions, asker?: Asker): Promise<TurnStream>;
  /** Accepts a turn, as {@link start} does, and returns a handle to wait for its end. */
  run(request: TurnRequest, onDisconnect: OnDisconnect, asker?: Asker): Promise<TurnRun>;
  /**
   * Returns the conversation in which the last answer of a history was given by way of this
   * service lately, for an input that comes `after` that. It is a hint, which may be wrong;
   * undefined where none is known, and where the history with its question was answered here, too.
   * @param asked the hash of the history with its question
   */
  recall(end: HistoryEnd, asked: string): Promise<string | undefined>;
  /**
   * True when {@link follow} needs no more of the turn than how it stands: it runs here, or was
   * read here lately.
   */
  holds(turnId: string): boolean;
  /**
   * Streams an existing turn, in any state, from a cursor on; undefined when nothing is left after
   * it.
   * @param cursor a cursor that was given out; without it, the stream begins at the start
   * @param found what was read of the turn just now, so that it need not be read again
   * @throws ParleyError `not_found`, `invalid_cursor`
   */
  follow(
    turn: TurnAddress,
    options: StreamOptions,
    cursor?: string,
    found?: FoundTurn,
  ): Promise<TurnStream | undefined>;
  /**
   * Returns a handle to wait for the end of an existing turn, in any state.
   * @throws ParleyError `not_found`
   */
  wait(turn: TurnAddress, onDisconnect: OnDisconnect): Promise<TurnRun>;
  /** Cancels a turn and waits for its end, or for a short time when another instance runs it. */
  cancel(turn: TurnAddress): Promise<void>;
  /** Ends the turns that run in a deleted conversation. */
  close(conversationId: string): Promise<void>;
}
