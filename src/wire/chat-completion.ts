/** Answers in the form of OpenAI's chat completions: whole, and in chunks. */
import { failureMayPass, type Failure } from '../core/errors.ts';
import type { FinishReason, Message, Outcome, TurnHead } from '../core/message.ts';
import { usageOf } from '../core/message.ts';
import { contentOf, type Part } from '../core/parts.ts';
import { waitingCalls } from '../core/tool-calls.ts';
import { openAiError } from './openai-error.ts';
import { DONE, EVENT_STREAM_HEADERS } from './sse.ts';
import { BrokenOff, type Encoder, type Wire } from './wire.ts';

const LAST_CHUNK = `data: ${DONE}\n\n`;

/** The chunks of a completion. */
export const completionChunks = completionWire('completion', false);

/** The same, with the tokens at the end: `stream_options: {include_usage: true}`. */
export const completionChunksWithUsage = completionWire('completion-usage', true);

function completionWire(name: string, withUsage: boolean): Wire {
  return {
    name,
    headers: EVENT_STREAM_HEADERS,
    // Its readers do not reconnect by themselves.
    isEventStream: false,
    isStateless: false,
    encoder: () => completionEncoder(withUsage),
  };
}

function completionEncoder(withUsage: boolean): Encoder {
  /** All that a chunk says beside its delta; known when the turn has begun. */
  let opening = '';
  const chunk = (delta: object, reason: string | null = null, more = '') =>
    `${opening}"choices":[{"index":0,"delta":${JSON.stringify(delta)},"finish_reason":${JSON.stringify(reason)}}]${more}}\n\n`;
  return {
    initialId: () => '',
    started(head) {
      const { id, created, model } = completionHead(head);
      const object = 'chat.completion.chunk';
      opening = `data: ${JSON.stringify({ id, object, created, model }).slice(0, -1)},`;
      return chunk({ role: 'assistant', content: '' });
    },
    text: (delta) => chunk({ content: delta }),
    reasoning: (delta) => chunk({ reasoning_content: delta }),
    // What the server's own tools do is not the client's to answer; its own calls come at the end.
    part: () => '',
    ended(_, outcome) {
      const { message } = outcome;
      const failure = cutOf(outcome);
      if (failure) return refusal(failure);
      const usage = `"usage":${JSON.stringify(completionUsage(message))}`;
      const calls = toolCallsIn(message.parts).map((call, index) =>
        chunk({ tool_calls: [{ index, ...call }] }),
      );
      // Clients of Groq ask for no tokens and look for them here; others pass over the field.
      const last = chunk({}, reasonOf(message), `,"x_groq":{${usage}}`);
      const asked = withUsage ? `${opening}"choices":[],${usage}}\n\n` : '';
      return calls.join('') + last + asked + LAST_CHUNK;
    },
    keepAlive: () => ': keep-alive\n\n',
    refused(_, failure) {
      if (failureMayPass(failure)) throw new BrokenOff();
      return refusal(failure);
    },
  };
}

/** Clients throw for an error among the chunks, while an end without one passes for an answer. */
function refusal(failure: Failure): string {
  return `data: ${JSON.stringify(openAiError(failure))}\n\n${LAST_CHUNK}`;
}

/**
 * Returns why an answer is not whole; undefined for one that is.
 * @throws BrokenOff where it is not known whether it is stored
 */
export function cutOf({ message, error }: Outcome): Failure | undefined {
  if (error?.code === 'not_stored') throw new BrokenOff();
  const { status } = message;
  if (status === 'complete' || status === 'truncated' || status === 'filtered') return undefined;
  if (error) return error;
  const detail = status === 'cancelled' ? 'The answer was stopped' : 'The answer was interrupted';
  return { code: status === 'cancelled' ? 'turn_cancelled' : 'model_error', detail };
}

/** Returns a whole answer. */
export function chatCompletion(head: TurnHead, message: Message) {
  const { id, created, model } = completionHead(head);
  const reasoning = reasoningOf(message.parts);
  const content = contentOf(message.parts);
  const calls = toolCallsIn(message.parts);
  return {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: content === '' && calls.length > 0 ? null : content,
          refusal: null,
          ...(calls.length === 0 ? {} : { tool_calls: calls }),
          ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
        },
        logprobs: null,
        finish_reason: reasonOf(message),
      },
    ],
    usage: completionUsage(message),
  };
}

function completionHead(head: TurnHead) {
  return {
    id: `chatcmpl-${head.turnId}`,
    created: Math.trunc(head.acceptedAt / 1000),
    model: head.model,
  };
}

/** Returns why an answer ended. One that waits for somebody else has no calls for the client. */
function reasonOf({ finishReason, parts }: Message): FinishReason {
  const isForOthers = finishReason === 'tool_calls' && waitingCalls(parts).length === 0;
  return isForOthers ? 'stop' : (finishReason ?? 'stop');
}

/** Returns the calls that the client has to answer. */
function toolCallsIn(parts: readonly Part[]) {
  return waitingCalls(parts).map(({ tool_call_id: id, name, input }) => ({
    id,
    type: 'function' as const,
    function: { name, arguments: JSON.stringify(input) },
  }));
}

function reasoningOf(parts: readonly Part[]): string {
  return parts.map((part) => (part.type === 'reasoning' ? part.text : '')).join('');
}

function completionUsage(message: Message) {
  const { inputTokens, outputTokens } = usageOf(message);
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  };
}
