/** A turn as OpenAI's Responses show it, with every key that Open Responses requires. */
import type { ErrorCode, Failure } from '../../core/errors.ts';
import { usageOf, type Message, type Status, type TurnHead } from '../../core/message.ts';
import type { ClientTool, ResponseFormat, TurnParameters } from '../../core/parameters.ts';
import { conversationId, responseId } from './ids.ts';
import { outputItems } from './items.ts';

export type ResponseStatus = 'in_progress' | 'completed' | 'incomplete' | 'cancelled' | 'failed';

/** The status of a response: incomplete is only what a limit or a filter has ended. */
const STATUSES: Record<Status, ResponseStatus> = {
  streaming: 'in_progress',
  complete: 'completed',
  truncated: 'incomplete',
  filtered: 'incomplete',
  interrupted: 'failed',
  cancelled: 'cancelled',
  failed: 'failed',
};

/** The reason why an answer is incomplete. */
const REASONS: Partial<Record<Status, string>> = {
  truncated: 'max_output_tokens',
  filtered: 'content_filter',
};

/** OpenAI's codes for what a response failed of, by ours; the rest are `server_error`. */
const ERROR_CODES: Partial<Record<ErrorCode, string>> = {
  rate_limited: 'rate_limit_exceeded',
  quota_exceeded: 'rate_limit_exceeded',
  model_rate_limited: 'rate_limit_exceeded',
  model_quota_exceeded: 'rate_limit_exceeded',
  context_too_long: 'invalid_prompt',
  model_refused: 'invalid_prompt',
};

const BROKEN_OFF: Failure = { code: 'turn_lost', detail: 'The answer was interrupted' };

/** The fields of a request that every answer repeats, where the request left them out. */
const UNSAID = {
  background: false,
  instructions: null,
  metadata: {},
  previous_response_id: null,
  prompt_cache_key: null,
  safety_identifier: null,
  store: true,
};

/**
 * Returns a turn as a response.
 * @param outcome its answer as it stands; undefined for a turn that has just begun
 */
export function responseResource(
  head: TurnHead,
  outcome?: { message: Message; error?: Failure | undefined },
) {
  const { parameters = {} } = head;
  const message = outcome?.message;
  const status = STATUSES[message?.status ?? 'streaming'];
  const { conversation, ...shown } = parameters.shown ?? {};
  return {
    id: responseId(head.turnId),
    object: 'response' as const,
    created_at: seconds(head.acceptedAt),
    completed_at:
      status === 'completed' ? seconds(head.acceptedAt + (message?.durationMs ?? 0)) : null,
    status,
    error: errorOf(status, outcome?.error),
    incomplete_details: reasonOf(message),
    model: message?.model ?? head.model,
    output: message && status !== 'in_progress' ? outputItems(message) : [],
    usage: message && status !== 'in_progress' ? usageOfResponse(message) : null,
    conversation: conversation === true ? { id: conversationId(head.conversationId) } : null,
    ...UNSAID,
    ...shown,
    ...askedOf(parameters),
  };
}

export type ResponseResource = ReturnType<typeof responseResource>;

function seconds(milliseconds: number): number {
  return Math.trunc(milliseconds / 1000);
}

function errorOf(status: ResponseStatus, error: Failure | undefined) {
  if (status !== 'failed') return null;
  const { code, detail: message } = error ?? BROKEN_OFF;
  return { code: ERROR_CODES[code] ?? 'server_error', message };
}

function reasonOf(message: Message | undefined) {
  const reason = message && REASONS[message.status];
  return reason === undefined ? null : { reason };
}

/** Returns what an answer has used. */
export function usageOfResponse(message: Message) {
  const { inputTokens, outputTokens } = usageOf(message);
  return {
    input_tokens: inputTokens,
    // Of the parts of a count only the ledger knows.
    input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: inputTokens + outputTokens,
  };
}

/** Returns what was asked of the model, with the defaults of what was not. */
function askedOf(parameters: TurnParameters) {
  const { tool_choice: choice = 'auto' } = parameters;
  return {
    tools: (parameters.tools ?? []).map(shownTool),
    tool_choice: typeof choice === 'string' ? choice : { type: 'function', name: choice.name },
    // What does not fit the model's window is left out.
    truncation: 'auto',
    parallel_tool_calls: true,
    text: { format: shownFormat(parameters.response_format) },
    top_p: 1,
    presence_penalty: 0,
    frequency_penalty: 0,
    top_logprobs: 0,
    temperature: parameters.temperature ?? 1,
    reasoning: { effort: parameters.reasoning_effort ?? null, summary: null },
    max_output_tokens: parameters.max_output_tokens ?? null,
    max_tool_calls: null,
    service_tier: 'default',
  };
}

function shownTool({ name, description, input_schema: parameters }: ClientTool) {
  const type = 'function' as const;
  return { type, name, description: description ?? null, parameters, strict: null };
}

function shownFormat(format: ResponseFormat = { type: 'text' }) {
  if (format.type !== 'json_schema') return { type: format.type };
  const { name, description = '', schema, strict = null } = format.json_schema;
  return { type: 'json_schema' as const, name, description, schema, strict };
}
