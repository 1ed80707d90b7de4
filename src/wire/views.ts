/**
 * The domain's objects as the JSON that clients see. Routes choose from these views, so that each
 * field is written once.
 */
import type { Conversation } from '../core/conversation.ts';
import type { Failure } from '../core/errors.ts';
import {
  usageOf,
  type Message,
  type Outcome,
  type ReadTurn,
  type TurnHead,
} from '../core/message.ts';
import { contentOf, filesIn, type Part, type Citation } from '../core/parts.ts';
import { estimateTokens } from '../core/tokens.ts';
import { limitsView } from './limits-view.ts';
import { problemOf } from './problem.ts';

/** Formats a time as RFC 3339 in UTC, from milliseconds since the epoch. */
export function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

/**
 * Returns the view of a message. `tokens_used` is the output of an answer, or the estimate of a
 * user message.
 */
export function messageView(message: Message) {
  const content = contentOf(message.parts);
  return {
    id: message.id,
    conversation_id: message.conversationId,
    ...(message.turnId === null ? {} : { turn_id: message.turnId }),
    role: message.role,
    content,
    // `content` already holds a plain answer, so `parts` are only added when there is more than
    // text.
    ...partsView(message.parts),
    status: message.status,
    ...(message.isRefused ? { refused: true } : {}),
    sequence_number: message.sequenceNumber,
    parent_id: message.parentId,
    siblings: message.siblings,
    model: message.model,
    tokens_used: message.outputTokens ?? estimateTokens(content),
    tokens_estimated: message.tokensEstimated,
    ...(message.finishReason ? { finish_reason: message.finishReason } : {}),
    ...validView(message),
    ...(message.firstTokenMs === null ? {} : { first_token_ms: message.firstTokenMs }),
    ...(message.durationMs === null ? {} : { duration_ms: message.durationMs }),
    ...citedView(message),
    ...attachmentsView(message),
    ...(message.clientId === null ? {} : { client_id: message.clientId }),
    created_at: time(message.createdAt),
  };
}

/** Returns how an answer ended, for routes that show no whole message. */
export function resultView(message: Message) {
  return {
    status: message.status,
    ...(message.finishReason ? { finish_reason: message.finishReason } : {}),
    ...validView(message),
    ...partsView(message.parts),
    ...citedView(message),
  };
}

/** Returns whether an answer that should be JSON is valid; empty for any other. */
export function validView({ isValid }: Message): { valid?: boolean } {
  return typeof isValid === 'boolean' ? { valid: isValid } : {};
}

/** Returns the files of a user's message; empty for one without. */
export function attachmentsView({ parts }: Pick<Message, 'parts'>) {
  const files = filesIn(parts);
  if (files.length === 0) return {};
  return { attachments: files.map(({ type: _, text_tokens: _tokens, ...file }) => file) };
}

/**
 * Returns the sources of an answer and those that it cites; empty for an answer without sources.
 */
export function citedView(message: Message): { sources?: Citation[]; citations?: Citation[] } {
  const grounded = message.parts.filter((part) => part.type === 'sources');
  if (grounded.length === 0) return {};
  const sources = grounded.flatMap((part) => part.sources);
  return { sources, citations: citationsIn(contentOf(message.parts), sources) };
}

/** Returns the sources that the text cites. A number without a source is no citation. */
export function citationsIn(content: string, sources: readonly Citation[]): Citation[] {
  const cited = new Set(
    Array.from(content.matchAll(/\[(\d+(?:\s*,\s*\d+)*)\]/g), ([, list = '']) =>
      list.split(',').map(Number),
    ).flat(),
  );
  return sources.filter(({ n }) => cited.has(n));
}

/** Returns the parts of a message; empty for one that is its text and its sources. */
function partsView(parts: readonly Part[]): { parts?: Part[] } {
  return isPlainText(parts) ? {} : { parts: parts.map(shownPart) };
}

/** Returns a part without the fields that only providers need. */
export function shownPart<Shown extends Part>(part: Shown): Shown {
  if (part.type !== 'tool_call' || !part.provider_metadata) return part;
  const { provider_metadata: _, ...shown } = part;
  return shown as Shown;
}

function isPlainText(parts: readonly Part[]): boolean {
  return parts.every((part) => part.type === 'text' || part.type === 'sources');
}

export type MessageView = ReturnType<typeof messageView>;

/** Returns the tokens of a turn: input and output as the provider counted them, or `estimated`. */
export function usageView(message: Message) {
  const { inputTokens, outputTokens, estimated } = usageOf(message);
  return {
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    estimated,
  };
}

/** Returns the data of `turn.started`. */
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

/** Returns the data of the terminal events. */
export function endedView(head: TurnHead, { message, error, limits }: Outcome) {
  return {
    turn_id: head.turnId,
    message: messageView(message),
    usage: usageView(message),
    ...(limits && limits.length > 0 ? { limits: limitsView(limits) } : {}),
    ...(message.finishReason ? { finish_reason: message.finishReason } : {}),
    ...validView(message),
    ...errorView(error, head.turnId),
  };
}

/**
 * Returns the data of `turn.failed` for a turn that was never accepted, of which nothing is stored.
 */
export function refusedView(turnId: string, failure: Failure) {
  return { turn_id: turnId, error: problemOf(failure, turnId) };
}

/** Returns a turn as `GET /turns/{id}` shows it. */
export function turnView({ head, message, promptParts, waiting, error }: ReadTurn) {
  const { id, sequenceNumber, text } = head.userMessage;
  return {
    turn_id: head.turnId,
    conversation_id: head.conversationId,
    status: message.status,
    user_message: {
      id,
      sequence_number: sequenceNumber,
      content: text,
      ...partsView(promptParts),
      ...attachmentsView({ parts: promptParts }),
    },
    message: messageView(message),
    ...(waiting.length === 0 ? {} : { steering: waiting }),
    ...errorView(error, head.turnId),
  };
}

/**
 * Returns the problem document of a stored error.
 * @param instance the id that the problem refers to: the turn's, since its error outlives the
 *   request
 */
function errorView(error: Failure | undefined, instance: string) {
  return error ? { error: problemOf(error, instance) } : {};
}

/**
 * Returns the view of a conversation. It has both names of the id, since routes differ in which one
 * they use.
 */
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
    ...(conversation.clientId === null ? {} : { client_id: conversation.clientId }),
    created_at: time(conversation.createdAt),
    updated_at: time(conversation.updatedAt),
  };
}
