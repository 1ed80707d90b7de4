import type { Failure } from './errors.ts';
import type { Part } from './parts.ts';

/** How an answer stands; only a finish that the provider declared, with no error before it, is `complete`. User messages are always `complete`. */
export const STATUSES = [
  'streaming',
  'complete',
  'truncated',
  'filtered',
  'cancelled',
  'interrupted',
  'failed',
] as const;
export type Status = (typeof STATUSES)[number];

export const ROLES = ['user', 'assistant'] as const;
export type Role = (typeof ROLES)[number];

/** How a turn stands; what became of it is its answer's status. */
export const TURN_STATES = ['running', 'ended'] as const;

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
  /** The message that this one follows; null for the first of a branch. */
  parentId: string | null;
  /** Which of the messages after the same parent this one is, in the order in which they were made. */
  siblings: Siblings;
  role: Role;
  status: Status;
  /** The order in which messages were made in their conversation, from 1. */
  sequenceNumber: number;
  parts: Part[];
  model: string | null;
  inputTokens: number | null;
  /** An answer's output tokens; a user message's own estimate. */
  outputTokens: number | null;
  tokensEstimated: boolean;
  finishReason: FinishReason | null;
  /** True for a user message that a model's service refused for good: it is shown and not sent again. */
  isRefused: boolean;
  /** Milliseconds from the acceptance of the turn to its first token, and to its end. */
  firstTokenMs: number | null;
  durationMs: number | null;
  /** Milliseconds since the epoch, by the database's clock. */
  createdAt: number;
}

/** A place among siblings: `index` counts from 1. */
export interface Siblings {
  index: number;
  count: number;
}

export const ONLY_CHILD: Siblings = { index: 1, count: 1 };

export const FINISH_REASONS = ['stop', 'length', 'content_filter', 'tool_calls'] as const;
export type FinishReason = (typeof FINISH_REASONS)[number];

export interface PromptMessage {
  id: string;
  sequenceNumber: number;
  parentId: string | null;
  siblings: Siblings;
  text: string;
}

/** What a client needs to know of a turn that has begun. */
export interface TurnHead {
  turnId: string;
  conversationId: string;
  /** True when this very turn created the conversation. */
  created: boolean;
  title: string | null;
  model: string;
  /** The message that is answered: a new one, or one that is answered again. */
  userMessage: PromptMessage;
  assistantMessage: { id: string; sequenceNumber: number; siblings: Siblings };
  /** When the turn was accepted and its messages were stored, and when its conversation was made: milliseconds since the epoch, by the database's clock. */
  acceptedAt: number;
  conversationCreatedAt: number;
}

/** How a turn ended, as it is stored. */
export interface Outcome {
  message: Message;
  error?: Failure;
}

/** A turn that is over. */
export interface FinishedTurn extends Outcome {
  head: TurnHead;
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
