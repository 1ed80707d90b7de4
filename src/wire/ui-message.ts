/** Messages in the form of the AI SDK: its `UIMessage`, and the metadata that ours carry in it. */
import { terminalEvent, type Message, type Outcome, type TurnHead } from '../core/message.ts';
import type { Citation, FilePart, Part } from '../core/parts.ts';
import { uiToolPart } from './ui-tool-part.ts';
import { time, usageView } from './views.ts';

/** Returns the metadata of an answer that begins. */
export function startedMetadata(head: TurnHead) {
  return {
    turn_id: head.turnId,
    conversation_id: head.conversationId,
    message_id: head.assistantMessage.id,
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

/** Makes a source a part of a message, or a chunk of a stream: both have the same form. */
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
 * Messages that the client of a chat has as one: a question, or an answer with what answered its
 * calls and how it went on.
 */
export type UiGroup = [Message, ...Message[]];

/** Parts the messages of a path, oldest first, as the client of a chat has them. */
export function uiGroups(messages: readonly Message[]): UiGroup[] {
  const groups: UiGroup[] = [];
  for (const message of messages) {
    const group = groups.at(-1);
    if (group && isPartOf(group, message)) group.push(message);
    else groups.push([message]);
  }
  return groups;
}

function isPartOf([first]: UiGroup, message: Message): boolean {
  if (first.role === 'user') return false;
  return message.role === 'assistant' ? message.clientId === uiId([first]) : saysNothing(message);
}

function saysNothing({ parts }: Message): boolean {
  return parts.length > 0 && parts.every(isCallAnswer);
}

function isCallAnswer({ type }: Part): boolean {
  return type === 'tool_result' || type === 'approval';
}

/** Returns the name of a message to the client of a chat. */
export function uiId([first]: UiGroup): string {
  return first.clientId ?? first.id;
}

/** Returns stored messages as the client of a chat would have built them. */
export function uiMessages(messages: readonly Message[]) {
  const groups = uiGroups(messages);
  return groups.map((group, at) => uiMessage(group, groups[at + 1]?.[0].parts ?? []));
}

/** @param after parts of the next message, which may answer calls of this one */
function uiMessage(group: UiGroup, after: readonly Part[]) {
  const [first] = group;
  const parts = group.flatMap((message) => message.parts);
  return {
    id: uiId(group),
    role: first.role,
    metadata: metadataOf(group),
    parts: uiParts(parts, group, after),
  };
}

function metadataOf(group: UiGroup) {
  const [first] = group;
  const position = {
    message_id: first.id,
    parent_id: first.parentId,
    siblings: first.siblings,
    created_at: time(first.createdAt),
  };
  if (first.role === 'user') return { ...position, ...(first.isRefused && { refused: true }) };
  const message = group.findLast(({ role }) => role === 'assistant') ?? first;
  const { turnId, conversationId, model } = message;
  const head = { turn_id: turnId, conversation_id: conversationId, model };
  return { ...position, message_id: message.id, ...head, ...endedMetadata({ message }) };
}

function uiParts(parts: readonly Part[], group: UiGroup, after: readonly Part[]) {
  const said = [...parts, ...after.filter(isCallAnswer)];
  const isGrowing = group.at(-1)?.status === 'streaming';
  const state = isGrowing ? ('streaming' as const) : ('done' as const);
  let hasResult = group[0].role === 'assistant';
  return parts.flatMap((part) => {
    const step = hasResult && startsStep(part) ? [{ type: 'step-start' as const }] : [];
    if (step.length > 0) hasResult = false;
    if (part.type === 'tool_result') hasResult = true;
    return [...step, ...uiPart(part, said, state)];
  });
}

/** Tells whether a part is what a call of the model begins with, once there are results. */
export function startsStep({ type }: Pick<Part, 'type'>): boolean {
  return type === 'text' || type === 'reasoning' || type === 'tool_call' || type === 'steered';
}

function uiPart(part: Part, said: readonly Part[], state: 'streaming' | 'done') {
  switch (part.type) {
    case 'text':
      return [{ type: 'text' as const, text: part.text, state }];
    case 'reasoning':
      return [{ type: 'reasoning' as const, text: part.text, state }];
    case 'sources':
      return part.sources.map(sourcePart);
    case 'file':
      return [filePart(part)];
    case 'tool_call':
      return [uiToolPart(part, said)];
    case 'steered': {
      const { id, content } = part.message;
      return [{ type: 'steering-message' as const, id, parts: [{ type: 'text', text: content }] }];
    }
    default:
      return [];
  }
}

function filePart({ file_id, name, mime_type: mediaType }: FilePart) {
  return { type: 'file' as const, mediaType, filename: name, url: `/files/${file_id}` };
}

/** Tells how a turn ended, in the words of the AI SDK. */
export function uiFinishReason({ status, finishReason }: Message) {
  if (terminalEvent(status) === 'turn.failed') return 'interrupted';
  if (finishReason === 'content_filter') return 'content-filter';
  if (finishReason === 'tool_calls') return 'tool-calls';
  return finishReason ?? 'other';
}
