/** Answers in the form of Anthropic's Messages: whole, and as events. */
import { failureMayPass, type Failure } from '../core/errors.ts';
import { usageOf, type Message, type TurnHead } from '../core/message.ts';
import { isGrowing, type GrowingType, type Part } from '../core/parts.ts';
import { waitingCalls, type ToolCall } from '../core/tool-calls.ts';
import { anthropicError } from './anthropic-error.ts';
import { cutOf } from './chat-completion.ts';
import { EVENT_STREAM_HEADERS } from './sse.ts';
import { BrokenOff, type Encoder, type Wire } from './wire.ts';

export const anthropicMessages: Wire = {
  name: 'anthropic-messages',
  headers: EVENT_STREAM_HEADERS,
  // Its readers do not reconnect by themselves.
  isEventStream: false,
  isStateless: false,
  encoder: messagesEncoder,
};

const PING = event({ type: 'ping' });

function messagesEncoder(): Encoder {
  let open: GrowingType | undefined;
  let blocks = 0;
  let hidesThoughts = false;
  const close = () => {
    if (!open) return '';
    open = undefined;
    return event({ type: 'content_block_stop', index: blocks++ });
  };
  const grow = (type: GrowingType, delta: string) => {
    let begun = '';
    if (open !== type) {
      begun =
        close() + event({ type: 'content_block_start', index: blocks, content_block: EMPTY[type] });
      open = type;
    }
    const said =
      type === 'text' ? `"type":"text_delta","text"` : `"type":"thinking_delta","thinking"`;
    return `${begun}event: content_block_delta\ndata: {"type":"content_block_delta","index":${blocks},"delta":{${said}:${JSON.stringify(delta)}}}\n\n`;
  };
  return {
    initialId: () => '',
    started(head) {
      hidesThoughts = isWithoutThoughts(head);
      return event({ type: 'message_start', message: begunMessage(head) });
    },
    text: (delta) => grow('text', delta),
    reasoning: (delta) => (hidesThoughts ? '' : grow('reasoning', delta)),
    // What the server's own tools do is not the client's to answer.
    part: () => close(),
    ended(_, outcome) {
      const failure = cutOf(outcome);
      if (failure) return refusal(failure);
      const { message } = outcome;
      const calls = callsOf(message).map((call) => callEvents(call, blocks++));
      return close() + calls.join('') + endOf(message);
    },
    keepAlive: () => PING,
    refused(_, failure) {
      if (failureMayPass(failure)) throw new BrokenOff();
      return refusal(failure);
    },
  };
}

const EMPTY = {
  text: { type: 'text', text: '' },
  reasoning: { type: 'thinking', thinking: '', signature: '' },
};

function event(data: { type: string; [field: string]: unknown }): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}

function callEvents({ tool_call_id: id, name, input }: ToolCall, index: number): string {
  const content_block = { type: 'tool_use', id, name, input: {} };
  const delta = { type: 'input_json_delta', partial_json: JSON.stringify(input) };
  return (
    event({ type: 'content_block_start', index, content_block }) +
    event({ type: 'content_block_delta', index, delta }) +
    event({ type: 'content_block_stop', index })
  );
}

function endOf(message: Message): string {
  const delta = { stop_reason: stopReason(message), stop_sequence: null };
  const usage = messagesUsage(message);
  return event({ type: 'message_delta', delta, usage }) + event({ type: 'message_stop' });
}

function refusal(failure: Failure): string {
  return event(anthropicError(failure));
}

const NO_USAGE = {
  input_tokens: 0,
  output_tokens: 0,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
};

function begunMessage({ turnId, model }: TurnHead) {
  return {
    id: `msg_${turnId}`,
    type: 'message' as const,
    role: 'assistant' as const,
    model,
    content: [] as object[],
    stop_reason: null as string | null,
    stop_sequence: null,
    usage: NO_USAGE,
  };
}

/** Returns a whole answer. */
export function anthropicMessage(head: TurnHead, message: Message) {
  const hides = isWithoutThoughts(head);
  const said = message.parts.filter(isGrowing).filter(({ type }) => type === 'text' || !hides);
  return {
    ...begunMessage({ ...head, model: message.model ?? head.model }),
    content: [...said.map(blockOf), ...callsOf(message).map(callBlock)],
    stop_reason: stopReason(message),
    usage: messagesUsage(message),
  };
}

function isWithoutThoughts({ parameters }: TurnHead): boolean {
  return parameters?.without_thoughts === true;
}

function blockOf({ type, text }: Extract<Part, { text: string }>) {
  return type === 'text' ? { type, text } : { type: 'thinking', thinking: text, signature: '' };
}

function callBlock({ tool_call_id: id, name, input }: ToolCall) {
  return { type: 'tool_use', id, name, input };
}

/** Returns the calls that the client has to answer. */
function callsOf({ parts, finishReason }: Message): ToolCall[] {
  return finishReason === 'tool_calls' ? waitingCalls(parts) : [];
}

function stopReason(message: Message): string {
  if (message.finishReason === 'length') return 'max_tokens';
  if (message.finishReason === 'content_filter') return 'refusal';
  return callsOf(message).length > 0 ? 'tool_use' : 'end_turn';
}

function messagesUsage(message: Message) {
  const { inputTokens, outputTokens } = usageOf(message);
  return { ...NO_USAGE, input_tokens: inputTokens, output_tokens: outputTokens };
}
