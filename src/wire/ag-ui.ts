/**
 * The wire of AG-UI 1.0: the events of a run, in chunks that its client opens and closes. Each has
 * a cursor as its id, so that a client can come back, which the protocol's own client cannot.
 */
import type { Outcome, TurnHead } from '../core/message.ts';
import type { Part } from '../core/parts.ts';
import { waitingCalls } from '../core/tool-calls.ts';
import { EVENT_STREAM_HEADERS } from './sse.ts';
import { BrokenOff, type Encoder, type Wire } from './wire.ts';

/** The names that a client gave, and the answer where it comes back. */
export interface AgUiRun {
  threadId: string;
  runId: string;
  /** The answer's id, for a reader that does not begin at the start. */
  messageId?: string;
}

const NAME = 'ag-ui ';

/** Returns the wire of a run. */
export function agUiWire(run: AgUiRun): Wire {
  return {
    name: NAME + JSON.stringify(run),
    headers: EVENT_STREAM_HEADERS,
    isEventStream: true,
    isStateless: false,
    encoder: () => new AgUiEncoder(run),
  };
}

/** Returns the wire that another instance named; undefined for another kind. */
export function agUiWireNamed(name: string): Wire | undefined {
  // Only `agUiWire` makes such names.
  return name.startsWith(NAME)
    ? agUiWire(JSON.parse(name.slice(NAME.length)) as AgUiRun)
    : undefined;
}

class AgUiEncoder implements Encoder {
  readonly #ids: { threadId: string; runId: string };
  #messageId: string;

  constructor({ threadId, runId, messageId = '' }: AgUiRun) {
    this.#ids = { threadId, runId };
    this.#messageId = messageId;
  }

  initialId(cursor: string): string {
    return `id: ${cursor}\n\n`;
  }

  started(head: TurnHead, cursor: string): string {
    this.#messageId = head.assistantMessage.id;
    return event({ type: 'RUN_STARTED', ...this.#ids }, cursor);
  }

  text(delta: string, start: number, position: { at(offset: number): string }): string {
    const chunk = { messageId: this.#messageId, role: 'assistant', delta };
    return event({ type: 'TEXT_MESSAGE_CHUNK', ...chunk }, position.at(start + delta.length));
  }

  reasoning(delta: string, cursor: string): string {
    const messageId = `${this.#messageId}-reasoning`;
    return event({ type: 'REASONING_MESSAGE_CHUNK', messageId, delta }, cursor);
  }

  part(part: Exclude<Part, { text: string }>, cursor: string): string {
    switch (part.type) {
      case 'tool_call': {
        const { tool_call_id: toolCallId, name: toolCallName, input } = part;
        const parentMessageId = this.#messageId;
        const call = { toolCallId, toolCallName, parentMessageId, delta: JSON.stringify(input) };
        return event({ type: 'TOOL_CALL_CHUNK', ...call }, cursor);
      }
      case 'tool_result': {
        const { tool_call_id: toolCallId, output } = part;
        const content = typeof output === 'string' ? output : JSON.stringify(output);
        const result = { messageId: `${toolCallId}-result`, toolCallId, content, role: 'tool' };
        return event({ type: 'TOOL_CALL_RESULT', ...result }, cursor);
      }
      case 'sources':
        return event({ type: 'CUSTOM', name: 'sources', value: part.sources }, cursor);
      case 'steered':
        return event({ type: 'CUSTOM', name: 'steered', value: part.message }, cursor);
      case 'tool_approval': // Told as an interrupt, at the end.
      case 'approval':
      case 'file':
        return '';
    }
  }

  ended(_: TurnHead, outcome: Outcome, cursor: string): string {
    const { message, error } = outcome;
    // The answer may or may not be stored: nothing that could be said here is certain.
    if (error?.code === 'not_stored') throw new BrokenOff();
    const usage = usageIn(message);
    if (error && message.status !== 'cancelled')
      return event({ type: 'RUN_ERROR', message: error.detail, code: error.code, usage }, cursor);
    return event(
      { type: 'RUN_FINISHED', ...this.#ids, outcome: outcomeOf(message), usage },
      cursor,
    );
  }

  keepAlive(): string {
    return ': keep-alive\n\n';
  }

  refused(_: unknown, failure: { code: string; detail: string }): string {
    return event({ type: 'RUN_ERROR', message: failure.detail, code: failure.code });
  }
}

function event(data: { type: string; [field: string]: unknown }, cursor?: string): string {
  const id = cursor === undefined ? '' : `id: ${cursor}\n`;
  return `${id}data: ${JSON.stringify(data)}\n\n`;
}

function usageIn({ model, inputTokens, outputTokens }: Outcome['message']) {
  return [
    {
      ...(model === null ? {} : { model }),
      inputTokens: inputTokens ?? 0,
      outputTokens: outputTokens ?? 0,
    },
  ];
}

function outcomeOf({ status, parts }: Outcome['message']): object {
  if (status === 'cancelled') return { type: 'cancelled' };
  const asked = parts.flatMap((part) => (part.type === 'tool_approval' ? [part] : []));
  if (asked.length > 0)
    return {
      type: 'interrupt',
      interrupts: asked.map(({ approval_id: id, tool_call_id: toolCallId, name, input }) => ({
        id,
        reason: 'tool_approval',
        message: `May ${name} run?`,
        toolCallId,
        metadata: { name, input },
      })),
    };
  const pendingToolCallIds = waitingCalls(parts).map(({ tool_call_id: id }) => id);
  return pendingToolCallIds.length === 0
    ? { type: 'success' }
    : { type: 'success', pendingToolCallIds };
}
