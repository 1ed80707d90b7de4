/** The domain's shapes as the JSON that clients see. The doors pick from these; none of them spells a field twice. */
import type { Conversation } from '../core/conversation.ts';
import type { Failure } from '../core/errors.ts';
import {
  usageOf,
  type Message,
  type Outcome,
  type StoredTurn,
  type TurnHead,
} from '../core/message.ts';
import { contentOf, type Part, type Citation } from '../core/parts.ts';
import { estimateTokens } from '../core/tokens.ts';
import { problemOf } from './problem.ts';

/** A moment as RFC 3339 in UTC, from milliseconds since the epoch. */
export function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

/** A message as every door shows it; `tokens_used` is an answer's output, or the estimate of a user's message. */
export function messageView(message: Message) {
  const content = contentOf(message.parts);
  return {
    id: message.id,
    conversation_id: message.conversationId,
    ...(message.turnId === null ? {} : { turn_id: message.turnId }),
    role: message.role,
    content,
    // A plain answer is its content; only what is more than text is told twice.
    ...(isPlainText(message.parts) ? {} : { parts: message.parts.map(shownPart) }),
    status: message.status,
    ...(message.isRefused ? { refused: true } : {}),
    sequence_number: message.sequenceNumber,
    parent_id: message.parentId,
    siblings: message.siblings,
    model: message.model,
    tokens_used: message.outputTokens ?? estimateTokens(content),
    tokens_estimated: message.tokensEstimated,
    ...(message.finishReason ? { finish_reason: message.finishReason } : {}),
    ...(message.firstTokenMs === null ? {} : { first_token_ms: message.firstTokenMs }),
    ...(message.durationMs === null ? {} : { duration_ms: message.durationMs }),
    ...citedView(message),
    created_at: time(message.createdAt),
  };
}

/** What an answer was grounded on and what it cites of it; nothing for one that was not. */
export function citedView(message: Message): { sources?: Citation[]; citations?: Citation[] } {
  const grounded = message.parts.filter((part) => part.type === 'sources');
  if (grounded.length === 0) return {};
  const sources = grounded.flatMap((part) => part.sources);
  return { sources, citations: citationsIn(contentOf(message.parts), sources) };
}

/** The sources that the text really cites: a number that stands for no passage is no citation. */
export function citationsIn(content: string, sources: readonly Citation[]): Citation[] {
  const cited = new Set(
    Array.from(content.matchAll(/\[(\d+(?:\s*,\s*\d+)*)\]/g), ([, list = '']) =>
      list.split(',').map(Number),
    ).flat(),
  );
  return sources.filter(({ n }) => cited.has(n));
}

/** Returns a part without what is for providers alone. */
export function shownPart<Shown extends Part>(part: Shown): Shown {
  if (part.type !== 'tool_call' || !part.provider_metadata) return part;
  const { provider_metadata: _, ...shown } = part;
  return shown as Shown;
}

function isPlainText(parts: readonly Part[]): boolean {
  return parts.every((part) => part.type === 'text' || part.type === 'sources');
}

export type MessageView = ReturnType<typeof messageView>;

/** What a turn took: input and output as the provider counted them, or `estimated`. */
export function usageView(message: Message) {
  const { inputTokens, outputTokens, estimated } = usageOf(message);
  return {
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    estimated,
  };
}

/** The data of `turn.started`. */
export function startedView(head: TurnHead) {
  const { userMessage, assistantMessage } = head;
  return {
    turn_id: head.turnId,
    conversation_id: head.conversationId,
    title: head.title,
    model: head.model,
    user_message: { id: userMessage.id, sequence_number: userMessage.sequenceNumber },
    assistant_message: {
      id: assistantMessage.id,
      sequence_number: assistantMessage.sequenceNumber,
    },
  };
}

/** The data of the terminal events. */
export function endedView(head: TurnHead, { message, error }: Outcome) {
  return {
    turn_id: head.turnId,
    message: messageView(message),
    usage: usageView(message),
    ...(message.finishReason ? { finish_reason: message.finishReason } : {}),
    ...errorView(error, head.turnId),
  };
}

/** The data of `turn.failed` for a turn that was never accepted: nothing of it is stored. */
export function refusedView(turnId: string, failure: Failure) {
  return { turn_id: turnId, error: problemOf(failure, turnId) };
}

/** A turn as `GET /turns/{id}` shows it. */
export function turnView({ head, message, error }: StoredTurn) {
  return {
    turn_id: head.turnId,
    conversation_id: head.conversationId,
    status: message.status,
    message: messageView(message),
    ...errorView(error, head.turnId),
  };
}

/** @param instance what the problem speaks of: a turn's failure carries the turn's id, since it outlives the request */
function errorView(error: Failure | undefined, instance: string) {
  return error ? { error: problemOf(error, instance) } : {};
}

/** A conversation as every door shows it: under both of its ids, since the doors name it differently. */
export function conversationView(conversation: Conversation) {
  return {
    conversation_id: conversation.id,
    id: conversation.id,
    user_id: conversation.userId,
    title: conversation.title,
    mode: conversation.mode,
    model: conversation.model,
    instructions: conversation.instructions,
    message_count: conversation.messageCount,
    head_message_id: conversation.headMessageId,
    created_at: time(conversation.createdAt),
    updated_at: time(conversation.updatedAt),
  };
}
