/**
 * Implements OpenAI's chat completions and Groq's dialect of it: usage in `x_groq` of the finishing
 * chunk, `delta.reasoning` for models that think, tool calls in one piece.
 */
import { asArray, asRecord, asText } from '../json.ts';
import { upstreamWords } from './behaviour.ts';
import { encodeJson, textTokens, type AnswerPlan, type ModelRequest } from './plan.ts';
import type { Frame, Wire } from './wire.ts';

export type ChatDialect = 'openai' | 'groq';

const roles = new Set(['system', 'developer', 'user', 'assistant', 'tool']);

export function chatWire(dialect: ChatDialect): Wire {
  return {
    read: readChatRequest,
    refuse: refuseChatRequest,
    frames: (plan) => chatFrames(dialect, plan),
    whole: (plan) => wholeCompletion(dialect, plan),
    errorFrame: () =>
      `${dialect === 'groq' ? 'event: error\n' : ''}data: ${JSON.stringify(errorBody(500, `The server had an error (${upstreamWords})`))}\n\n`,
    errorBody,
  };
}

function readChatRequest(body: unknown): ModelRequest {
  const request = asRecord(body);
  const messages = asArray(request['messages']).map(asRecord);
  const lastUser = messages.findLastIndex((message) => message['role'] === 'user');
  const steps = messages
    .slice(lastUser + 1)
    .filter((message) => asArray(message['tool_calls']).length > 0);
  return {
    model: asText(request['model']),
    stream: request['stream'] === true,
    lastUserText: contentText(messages[lastUser]?.['content']),
    stepsDone: steps.length,
    promptCharacters: messages.reduce(
      (sum, message) => sum + contentText(message['content']).length,
      0,
    ),
    wantsUsage: asRecord(request['stream_options'])['include_usage'] === true,
  };
}

function contentText(content: unknown): string {
  if (typeof content === 'string') return content;
  return asArray(content)
    .map((part) => asText(asRecord(part)['text']))
    .join('');
}

function refuseChatRequest(body: unknown): string | undefined {
  const messages = asArray(asRecord(body)['messages']).map(asRecord);
  if (messages.length === 0) return "'messages' must be a non-empty array";
  const unknown = messages.find((message) => !roles.has(asText(message['role'])));
  return unknown === undefined ? undefined : `Invalid value: '${asText(unknown['role'])}' for role`;
}

function* chatFrames(dialect: ChatDialect, plan: AnswerPlan): Generator<Frame> {
  const running = plan.usageScript === 'running' ? usageJson(plan) : null;
  const frame = (kind: Frame['kind'], delta: object, finish: string | null = null): Frame => ({
    kind,
    text: sse(chunk(dialect, plan, [choice(delta, finish)], running, kind)),
  });
  yield frame('open', {
    role: 'assistant',
    content: '',
    ...(dialect === 'openai' && { refusal: null }),
  });
  for (const piece of plan.reasoning) yield frame('token', reasoningDelta(dialect, piece));
  for (const delta of toolDeltas(dialect, plan)) yield frame('token', delta);
  for (const token of textTokens(plan)) yield frame('token', { content: token });
  if (plan.finishReason !== undefined) yield frame('finish', {}, plan.finishReason);

  const usage: Frame = { kind: 'end', text: sse(chunk(dialect, plan, [], usageJson(plan), 'end')) };
  const wanted = plan.wantsUsage && plan.usageScript !== 'missing' && plan.usageScript !== 'late';
  if (wanted) yield usage;
  if (wanted && plan.usageScript === 'duplicated') yield usage;
  if (plan.doneMarker) yield { kind: 'end', text: 'data: [DONE]\n\n' };
  if (plan.usageScript === 'late') yield usage;
}

function reasoningDelta(dialect: ChatDialect, piece: string): object {
  // OpenAI does not show reasoning in this API; compatible servers use this name.
  return dialect === 'groq'
    ? { reasoning: piece, channel: 'analysis' }
    : { reasoning_content: piece };
}

function* toolDeltas(dialect: ChatDialect, plan: AnswerPlan): Generator<object> {
  for (const [index, call] of plan.toolCalls.entries()) {
    const head = { index, id: call.id, type: 'function' };
    if (dialect === 'groq') {
      const whole = { name: call.name, arguments: call.argumentPieces.join('') };
      yield { tool_calls: [{ ...head, function: whole }] };
      continue;
    }
    yield { tool_calls: [{ ...head, function: { name: call.name, arguments: '' } }] };
    for (const piece of call.argumentPieces) {
      yield { tool_calls: [{ index, function: { arguments: piece } }] };
    }
  }
}

function choice(delta: object, finish: string | null) {
  return { index: 0, delta, logprobs: null, finish_reason: finish };
}

function chunk(
  dialect: ChatDialect,
  plan: AnswerPlan,
  choices: object[],
  usage: object | null,
  kind: Frame['kind'],
) {
  const head = {
    id: `chatcmpl-${plan.id}`,
    object: 'chat.completion.chunk',
    created: plan.created,
    model: plan.model,
    system_fingerprint: 'fp_upstream',
    choices,
  };
  if (dialect === 'openai') {
    const withUsage = plan.wantsUsage || usage !== null ? { usage } : {};
    return { ...head, service_tier: 'default', ...withUsage, obfuscation: 'aZ3x' };
  }
  const groqUsage =
    plan.usageScript === 'missing' || plan.usageScript === 'late' ? {} : { usage: usageJson(plan) };
  if (kind === 'open') return { ...head, x_groq: { id: `req_${plan.id}` } };
  if (kind === 'finish') return { ...head, x_groq: { id: `req_${plan.id}`, ...groqUsage } };
  return kind === 'end' ? { ...head, usage, x_groq: { id: `req_${plan.id}`, usage } } : head;
}

function usageJson(plan: AnswerPlan) {
  return {
    prompt_tokens: plan.usage.input,
    completion_tokens: plan.usage.output,
    total_tokens: plan.usage.total,
    ...(plan.usage.cached !== undefined && {
      prompt_tokens_details: {
        cached_tokens: plan.usage.cached,
        cache_write_tokens: plan.usage.written,
      },
    }),
    ...(plan.usage.reasoning > 0 && {
      completion_tokens_details: { reasoning_tokens: plan.usage.reasoning },
    }),
  };
}

function wholeCompletion(dialect: ChatDialect, plan: AnswerPlan) {
  const message = {
    role: 'assistant',
    content: plan.toolCalls.length > 0 ? null : plan.text.join(''),
    ...(plan.reasoning.length > 0 && dialect === 'groq' && { reasoning: plan.reasoning.join('') }),
    ...(plan.toolCalls.length > 0 && {
      tool_calls: plan.toolCalls.map(({ id, name, argumentPieces }) => ({
        id,
        type: 'function',
        function: { name, arguments: argumentPieces.join('') },
      })),
    }),
  };
  return {
    id: `chatcmpl-${plan.id}`,
    object: 'chat.completion',
    created: plan.created,
    model: plan.model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: plan.finishReason ?? null }],
    ...(plan.usageScript !== 'missing' && { usage: usageJson(plan) }),
  };
}

function errorBody(status: number, message: string) {
  const types: Record<number, string> = {
    400: 'invalid_request_error',
    401: 'invalid_request_error',
    429: 'rate_limit_exceeded',
  };
  return { error: { message, type: types[status] ?? 'server_error', param: null, code: null } };
}

function sse(data: unknown): string {
  return `data: ${encodeJson(data)}\n\n`;
}
