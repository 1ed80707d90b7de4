/**
 * The wire of the AI SDK's chats: chunks of a UI message, as `useChat` reads them. Every reader
 * begins at the start, since the first chunk resets the message that the client has.
 */
import { failureMayPass } from '../core/errors.ts';
import type { Outcome, TurnHead } from '../core/message.ts';
import { isGrowing, type GrowingType, type Part } from '../core/parts.ts';
import { DONE, EVENT_STREAM_HEADERS } from './sse.ts';
import {
  endedMetadata,
  sourcePart,
  startedMetadata,
  startsStep,
  uiFinishReason,
} from './ui-message.ts';
import { errorText } from './ui-tool-part.ts';
import { BrokenOff, type Encoder, type Wire } from './wire.ts';

const LAST_CHUNK = `data: ${DONE}\n\n`;

export const uiMessageStream: Wire = {
  name: 'ui-message',
  headers: { ...EVENT_STREAM_HEADERS, 'X-Vercel-AI-UI-Message-Stream': 'v1' },
  // Its readers do not reconnect by themselves.
  isEventStream: false,
  isStateless: false,
  encoder: uiMessageEncoder,
};

/** A piece of the message that has begun and not ended. */
interface OpenPart {
  type: GrowingType;
  id: string;
}

/** Writes the parts of a message, and opens and closes the steps that they belong to. */
function partWriter() {
  let open: OpenPart | undefined;
  let parts = 0;
  let isInStep = false;
  /** True once a result was told: what the model says next is another step. */
  let hasResult = false;

  const close = () => {
    const ended = open ? chunk({ type: `${open.type}-end`, id: open.id }) : '';
    open = undefined;
    return ended;
  };
  const endStep = () => {
    const ended = close() + (isInStep ? chunk({ type: 'finish-step' }) : '');
    isInStep = false;
    return ended;
  };
  const nextStep = (part: Pick<Part, 'type'>) => {
    if (!startsStep(part) || (isInStep && !hasResult)) return '';
    const begun = endStep() + chunk({ type: 'start-step' });
    isInStep = true;
    hasResult = false;
    return begun;
  };
  const grow = (type: GrowingType, delta: string) => {
    let begun = '';
    if (open?.type !== type) {
      begun = close() + nextStep({ type });
      open = { type, id: `${type}-${parts++}` };
      begun += chunk({ type: `${type}-start`, id: open.id });
    }
    return `${begun}data: {"type":"${type}-delta","id":"${open.id}","delta":${JSON.stringify(delta)}}\n\n`;
  };
  const add = (part: Exclude<Part, { text: string }>) => {
    const before = close() + nextStep(part);
    if (part.type === 'tool_result') hasResult = true;
    return before + chunksOf(part).map(chunk).join('');
  };
  return { grow, add, endStep };
}

function uiMessageEncoder(): Encoder {
  const { grow, add, endStep } = partWriter();
  return {
    initialId: () => '',
    started: (head) =>
      chunk({
        type: 'start',
        messageId: head.assistantMessage.clientId ?? head.assistantMessage.id,
        messageMetadata: startedMetadata(head),
      }),
    text: (delta) => grow('text', delta),
    reasoning: (delta) => grow('reasoning', delta),
    part: (part) => add(part),
    ended: (head, outcome) => endStep() + endOf(head, outcome) + LAST_CHUNK,
    keepAlive: () => ': keep-alive\n\n',
    refused(_, failure) {
      // A client that is told of an error does not ask again.
      if (failureMayPass(failure)) throw new BrokenOff();
      return chunk({ type: 'error', errorText: failure.detail }) + LAST_CHUNK;
    },
  };
}

/** Returns the chunks of a message that was begun earlier, for a reader that has nothing of it. */
export function earlierChunks(messageId: string, parts: readonly Part[]): string {
  const { grow, add, endStep } = partWriter();
  const told = parts.map((part) => (isGrowing(part) ? grow(part.type, part.text) : add(part)));
  return chunk({ type: 'start', messageId }) + told.join('') + endStep();
}

function chunk(data: { type: string; [field: string]: unknown }): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

function chunksOf(part: Exclude<Part, { text: string }>) {
  switch (part.type) {
    case 'sources':
      return [
        ...part.sources.map(sourcePart),
        { type: 'data-sources', id: 'sources', data: part.sources },
      ];
    case 'tool_call': {
      const { tool_call_id: toolCallId, name: toolName, input } = part;
      return [{ type: 'tool-input-available', toolCallId, toolName, input }];
    }
    case 'tool_result': {
      const { tool_call_id: toolCallId, output, is_error: isError } = part;
      if (part.is_denied) return [{ type: 'tool-output-denied', toolCallId }];
      return isError
        ? [{ type: 'tool-output-error', toolCallId, errorText: errorText(output) }]
        : [{ type: 'tool-output-available', toolCallId, output }];
    }
    case 'tool_approval': {
      const { approval_id: approvalId, tool_call_id: toolCallId } = part;
      return [{ type: 'tool-approval-request', approvalId, toolCallId }];
    }
    case 'approval': {
      const { approval_id: approvalId, approved, reason } = part;
      return [{ type: 'tool-approval-response', approvalId, approved, reason }];
    }
    case 'steered': {
      const { id, content } = part.message;
      return [{ type: 'steering-message', id, parts: [{ type: 'text', text: content }] }];
    }
    case 'file':
      // Part of a question, never of an answer.
      return [];
  }
}

/**
 * Returns the end of a turn. A stopped turn is shown as stopped by its metadata, since the client
 * forgets what `abort` said.
 */
function endOf(head: TurnHead, outcome: Outcome): string {
  const { message, error } = outcome;
  // The answer may or may not be stored: nothing that could be said here is certain.
  if (error?.code === 'not_stored') throw new BrokenOff();
  const messageMetadata = { ...startedMetadata(head), ...endedMetadata(outcome) };
  const metadata = chunk({ type: 'message-metadata', messageMetadata });
  if (message.status === 'cancelled')
    return metadata + chunk({ type: 'abort', reason: 'The answer was stopped' });
  if (message.status === 'failed') {
    const text = error?.detail ?? 'The answer failed';
    return metadata + chunk({ type: 'error', errorText: text });
  }
  const finishReason = uiFinishReason(message);
  return chunk({ type: 'finish', finishReason, messageMetadata });
}
