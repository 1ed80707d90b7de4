import type { Failure } from './errors.ts';
import type { Budget } from './limits.ts';
import type { TurnParameters } from './parameters.ts';
import type { Part, SteeredMessage } from './parts.ts';

/**
 * The states of a message. An answer is `complete` only when the provider declared that it finished
 * and no error came before; user messages are always `complete`.
 */
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

/** The states of a turn. The result of an ended turn is the status of its answer. */
export const TURN_STATES = ['running', 'ended'] as const;

export interface Usage {
  inputTokens: number;
  outputTokens: number;
  /** True when at least one of the two is our estimate and not the provider's count. */
  estimated: boolean;
}

export interface Message {
  id: string;
  conversationId: string;
  turnId: string | null;
  /** The message that this one follows; null for the first of a branch. */
  parentId: string | null;
  /** The place of this message among those with the same parent, in the order of their creation. */
  siblings: Siblings;
  role: Role;
  status: Status;
  /** The message's number in the order of creation in its conversation, from 1. */
  sequenceNumber: number;
  parts: Part[];
  model: string | null;
  inputTokens: number | null;
  /** The output tokens of an answer, or the estimated tokens of a user message. */
  outputTokens: number | null;
  tokensEstimated: boolean;
  finishReason: FinishReason | null;
  /**
   * Of an answer that should be JSON: whether it is JSON that fits the schema. Not set for any
   * other, and where checking would have taken too long.
   */
  isValid?: boolean | null;
  /**
   * True for a user message that a provider refused for good: clients see it, but no model is sent
   * it again.
   */
  isRefused: boolean;
  /** Milliseconds from the acceptance of the turn to its first token. */
  firstTokenMs: number | null;
  durationMs: number | null;
  /** The name that a client gave a user message; null without one. */
  clientId: string | null;
  /** Milliseconds since the epoch, by the database's clock. */
  createdAt: number;
}

/** A position among siblings; `index` counts from 1. */
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

/** The facts about a turn that a client needs when it begins. */
export interface TurnHead {
  turnId: string;
  conversationId: string;
  /** True when this turn created the conversation. */
  created: boolean;
  title: string | null;
  model: string;
  /** The message that is answered, which may be new or stored before. */
  userMessage: PromptMessage;
  assistantMessage: {
    id: string;
    sequenceNumber: number;
    siblings: Siblings;
    /** The name that a client gave it. */
    clientId?: string | null;
  };
  /**
   * The time when the turn was accepted and its messages were stored, in milliseconds since the
   * epoch by the database's clock.
   */
  acceptedAt: number;
  conversationCreatedAt: number;
  /** The parameters that the request had for the model; undefined for a plain turn. */
  parameters?: TurnParameters | undefined;
}

/** The result of a turn, as it is stored. */
export interface Outcome {
  message: Message;
  error?: Failure;
  /** The user's budget after the turn; known to those who saw it end. */
  limits?: Budget | undefined;
}

/** A turn that has ended, with its result. */
export interface FinishedTurn extends Outcome {
  head: TurnHead;
}

/** A turn and its answer as they are stored. */
export interface StoredTurn {
  head: TurnHead;
  running: boolean;
  /** True when the owner has renewed the turn's lease since it accepted the turn. */
  hasHeartbeat: boolean;
  message: Message;
  error?: Failure;
  limits?: Budget | undefined;
}

export function usageOf(message: Message): Usage {
  return {
    inputTokens: message.inputTokens ?? 0,
    outputTokens: message.outputTokens ?? 0,
    estimated: message.tokensEstimated,
  };
}

/** Returns the name of the event that ends a turn with this status. */
export function terminalEvent(status: Status): 'turn.completed' | 'turn.cancelled' | 'turn.failed' {
  if (status === 'complete' || status === 'truncated' || status === 'filtered')
    return 'turn.completed';
  return status === 'cancelled' ? 'turn.cancelled' : 'turn.failed';
}

/** A turn as it is read for its reader: with what it answers, and what waits for it. */
export interface ReadTurn extends StoredTurn {
  /** The parts of the message that is answered. */
  promptParts: Part[];
  /** The messages that wait to join it, or to be answered after it. */
  waiting: SteeredMessage[];
}
