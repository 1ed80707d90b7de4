import type { Failure } from './errors.ts';
import type { Part } from './parts.ts';

/** How an answer stands; only a finish that the provider declared, with no error before it, is `complete`. User messages are always `complete`. */
export type Status =
  | 'streaming'
  | 'complete'
  | 'truncated'
  | 'filtered'
  | 'cancelled'
  | 'interrupted'
  | 'failed';

export type Role = 'user' | 'assistant';

export interface Usage {
  inputTokens: number;
  outputTokens: number;
  /** True when any of the two is our estimate and not the provider's count. */
  estimated: boolean;
}

export interface Message {
  id: string;
  conversationId: string;
  turnId: string | null;
  role: Role;
  status: Status;
  /** From 1, without gaps, unique in its conversation. */
  sequenceNumber: number;
  parts: Part[];
  model: string | null;
  inputTokens: number | null;
  /** An answer's output tokens; a user message's own estimate. */
  outputTokens: number | null;
  tokensEstimated: boolean;
  finishReason: FinishReason | null;
  /** Milliseconds from the acceptance of the turn to its first token, and to its end. */
  firstTokenMs: number | null;
  durationMs: number | null;
  /** Milliseconds since the epoch, by the database's clock. */
  createdAt: number;
}

export type FinishReason = 'stop' | 'length' | 'content_filter' | 'tool_calls';

/** What a client needs to know of a turn that has begun. */
export interface TurnHead {
  turnId: string;
  conversationId: string;
  /** True when this very turn created the conversation. */
  created: boolean;
  title: string | null;
  model: string;
  userMessage: { id: string; sequenceNumber: number; text: string };
  assistantMessage: { id: string; sequenceNumber: number };
  /** When the turn was accepted and its messages were stored, and when its conversation was made: milliseconds since the epoch, by the database's clock. */
  acceptedAt: number;
  conversationCreatedAt: number;
}

/** How a turn ended, as it is stored. */
export interface Outcome {
  message: Message;
  error?: Failure;
}

/** A turn and its answer as they stand in the database. */
export interface StoredTurn {
  head: TurnHead;
  running: boolean;
  /** Its owner has given a sign of life since it accepted the turn. */
  hasHeartbeat: boolean;
  message: Message;
  error?: Failure;
}

export function usageOf(message: Message): Usage {
  return {
    inputTokens: message.inputTokens ?? 0,
    outputTokens: message.outputTokens ?? 0,
    estimated: message.tokensEstimated,
  };
}

/** The name of the event that ends a turn with this status. */
export function terminalEvent(status: Status): 'turn.completed' | 'turn.cancelled' | 'turn.failed' {
  if (status === 'complete' || status === 'truncated' || status === 'filtered')
    return 'turn.completed';
  return status === 'cancelled' ? 'turn.cancelled' : 'turn.failed';
}
