/** Messages in the form of the AI SDK: its `UIMessage`, and the metadata that ours carry in it. */
import { terminalEvent, type Message, type Outcome, type TurnHead } from '../core/message.ts';
import type { Citation, Json, Part } from '../core/parts.ts';
import { time, usageView } from './views.ts';

/** Returns the metadata of an answer that begins. */
export function startedMetadata(head: TurnHead) {
  return {
    turn_id: head.turnId,
    conversation_id: head.conversationId,
    user_message_id: head.userMessage.id,
    model: head.model,
    created_at: time(head.acceptedAt),
  };
}

/** Returns the metadata that an answer has besides, once it is over. */
export function endedMetadata({ message, error }: Outcome) {
  return {
    status: message.status,
    usage: usageView(message),
    ...(message.finishReason ? { finish_reason: message.finishReason } : {}),
    ...(error ? { error: { code: error.code, detail: error.detail } } : {}),
  };
}

/** A source as a part of a message or a chunk of a stream: both have the same form. */
export function sourcePart({ n, document_id, chunk_id, title, url }: Citation) {
  const sourceId = chunk_id;
  const name = title ?? `Document ${n}`;
  return url === undefined
    ? {
        type: 'source-document' as const,
        sourceId,
        mediaType: 'text/plain',
        title: name,
        filename: document_id,
      }
    : { type: 'source-url' as const, sourceId, url, title: name };
}

/**
 * Returns the words of a failed call of a tool. Tools of our own tell their failures as text or as
 * an object.
 */
export function errorText(output: Json): string {
  return typeof output === 'string' ? output : JSON.stringify(output);
}

/** Returns a stored message as the client of a chat would have built it. */
export function uiMessage(message: Message) {
  return {
    id: message.clientId ?? message.id,
    role: message.role,
    metadata: metadataOf(message),
    parts: uiParts(message),
  };
}

function metadataOf(message: Message) {
  const position = {
    message_id: message.id,
    parent_id: message.parentId,
    siblings: message.siblings,
    created_at: time(message.createdAt),
  };
  if (message.role === 'user') return { ...position, ...(message.isRefused && { refused: true }) };
  const { turnId, conversationId, model } = message;
  const head = { turn_id: turnId, conversation_id: conversationId, model };
  return { ...position, ...head, ...endedMetadata({ message }) };
}

function uiParts(message: Message) {
  const results = new Map(
    message.parts.flatMap((part) =>
      part.type === 'tool_result' ? [[part.tool_call_id, part] as const] : [],
    ),
  );
  const state = message.status === 'streaming' ? ('streaming' as const) : ('done' as const);
  const isAnswer = message.role === 'assistant';
  let hasResult = isAnswer;
  return message.parts.flatMap((part) => {
    const step = hasResult && startsStep(part) ? [{ type: 'step-start' as const }] : [];
    if (step.length > 0) hasResult = false;
    if (part.type === 'tool_result') hasResult = true;
    return [...step, ...uiPart(part, results, state)];
  });
}

/** Tells whether a part is what a call of the model begins with, once there are results. */
export function startsStep({ type }: Pick<Part, 'type'>): boolean {
  return type === 'text' || type === 'reasoning' || type === 'tool_call';
}

type Result = Extract<Part, { type: 'tool_result' }>;

function uiPart(part: Part, results: Map<string, Result>, state: 'streaming' | 'done') {
  switch (part.type) {
    case 'text':
      return [{ type: 'text' as const, text: part.text, state }];
    case 'reasoning':
      return [{ type: 'reasoning' as const, text: part.text, state }];
    case 'sources':
      return part.sources.map(sourcePart);
    case 'tool_call':
      return [uiToolPart(part, results.get(part.tool_call_id))];
    default:
      return [];
  }
}

function uiToolPart(call: Extract<Part, { type: 'tool_call' }>, result: Result | undefined) {
  const base = { type: `tool-${call.name}`, toolCallId: call.tool_call_id, input: call.input };
  if (!result) return { ...base, state: 'input-available' };
  return result.is_error
    ? { ...base, state: 'output-error', errorText: errorText(result.output) }
    : { ...base, state: 'output-available', output: result.output };
}

/** Tells how a turn ended, in the words of the AI SDK. */
export function uiFinishReason({ status, finishReason }: Message) {
  if (terminalEvent(status) === 'turn.failed') return 'interrupted';
  if (finishReason === 'content_filter') return 'content-filter';
  if (finishReason === 'tool_calls') return 'tool-calls';
  return finishReason ?? 'other';
}
