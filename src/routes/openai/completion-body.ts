/** The body of a chat completion, and what it asks for. */
import { z } from '@hono/zod-openapi';
import type { History } from '../../actions/place-history.ts';
import { invalid } from '../../core/errors.ts';
import type { Exchange } from '../../core/exchange.ts';
import type { TurnParameters } from '../../core/parameters.ts';
import { parameterFields, parametersOf } from '../shared/parameters.ts';
import * as schemas from '../shared/schemas.ts';

/** The most messages of a history. */
const MOST_MESSAGES = 2_000;

const contentPart = z.looseObject({ type: z.string(), text: z.string().optional() });

const message = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
  content: z.union([z.string(), z.array(contentPart)]).nullish(),
});

type CompletionMessage = z.output<typeof message>;

/** Further fields pass: clients send many that mean nothing here. */
export const completionBody = z
  .looseObject({
    model: schemas.modelName.nullish(),
    messages: z
      .array(message)
      .min(1)
      .max(MOST_MESSAGES, `may have at most ${MOST_MESSAGES} messages`),
    stream: z.boolean().nullish(),
    stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
    user: schemas.userId.nullish(),
    metadata: z.record(z.string(), z.string()).nullish(),
    store: z.boolean().nullish(),
    temperature: parameterFields.temperature.nullable(),
    max_tokens: parameterFields.max_output_tokens.nullable(),
    max_completion_tokens: parameterFields.max_output_tokens.nullable(),
    stop: parameterFields.stop.nullable(),
    seed: parameterFields.seed.nullable(),
    response_format: parameterFields.response_format.nullable(),
    reasoning_effort: parameterFields.reasoning_effort.nullable(),
  })
  .openapi('ChatCompletionRequest');

export type CompletionBody = z.output<typeof completionBody>;

/** Fields that change the answer and that we do not honour, with the values that change nothing. */
const NOT_HONOURED: Record<string, readonly unknown[]> = {
  n: [1],
  logprobs: [false],
  top_logprobs: [0],
  logit_bias: [],
  top_p: [1],
  presence_penalty: [0],
  frequency_penalty: [0],
  audio: [],
  prediction: [],
  functions: [],
  function_call: ['none', 'auto'],
  tools: [],
  tool_choice: ['none', 'auto'],
  web_search_options: [],
};

/**
 * Checks that nothing is asked for that would be passed over.
 * @throws ParleyError `invalid_request` that names the field
 */
export function refuseUnhonoured(body: CompletionBody): void {
  for (const [name, neutral] of Object.entries(NOT_HONOURED)) {
    const value = body[name];
    if (value === undefined || value === null || neutral.includes(value) || isEmpty(value))
      continue;
    throw invalid(name, `${name} is not supported here`);
  }
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** Returns what a body asks of the model besides its question. */
export function parametersIn(body: CompletionBody): TurnParameters | undefined {
  const { temperature, stop, seed, response_format, reasoning_effort } = body;
  const most = body.max_completion_tokens ?? body.max_tokens;
  const instructions = instructionsIn(body.messages);
  const given = parametersOf({
    temperature: temperature ?? undefined,
    stop: stop ?? undefined,
    seed: seed ?? undefined,
    response_format: response_format ?? undefined,
    reasoning_effort: reasoning_effort ?? undefined,
    max_output_tokens: most ?? undefined,
  });
  return instructions === '' ? given : { ...given, instructions };
}

function instructionsIn(messages: readonly CompletionMessage[]): string {
  const said = messages.filter(({ role }) => role === 'system' || role === 'developer');
  const text = said.map(textOf).join('\n\n');
  const parsed = schemas.instructions.safeParse(text);
  if (!parsed.success) throw invalid('messages', 'the system messages are too long');
  return parsed.data;
}

/**
 * Returns the history in a body. Messages of one side that follow each other are one message.
 * @throws ParleyError `invalid_request` for a history that does not end with the user
 */
export function historyIn({ messages }: CompletionBody): History {
  const exchanges: Exchange[] = [];
  for (const given of messages) {
    if (given.role === 'system' || given.role === 'developer') continue;
    if (given.role === 'tool' || hasCalls(given))
      throw invalid('messages', 'calls of tools are not supported here');
    add(exchanges, given.role, textOf(given));
  }
  const last = exchanges.pop();
  if (!last || last.answer !== null)
    throw invalid('messages', 'the last message must be the user’s');
  return { before: exchanges, question: questionOf(last.question) };
}

function hasCalls(given: CompletionMessage): boolean {
  const calls = given['tool_calls'];
  return Array.isArray(calls) && calls.length > 0;
}

/** A greeting before the first question is left out: no model is sent one. */
function add(exchanges: Exchange[], role: 'user' | 'assistant', text: string): void {
  const last = exchanges.at(-1);
  if (role === 'user' && last?.answer === null) last.question = `${last.question}\n\n${text}`;
  else if (role === 'user') exchanges.push({ question: text, answer: null });
  else if (last) last.answer = [{ type: 'text', text: saidBefore(last) + text }];
}

function saidBefore({ answer }: Exchange): string {
  const [said] = answer ?? [];
  return said?.type === 'text' ? `${said.text}\n\n` : '';
}

function questionOf(text: string): string {
  const parsed = schemas.messageText.safeParse(text);
  if (parsed.success) return parsed.data;
  throw invalid('messages', `the last message ${parsed.error.issues[0]?.message ?? 'is invalid'}`);
}

/** Returns the text of a message. */
function textOf({ content }: CompletionMessage): string {
  const parts = typeof content === 'string' ? [{ type: 'text', text: content }] : (content ?? []);
  const other = parts.find(({ type }) => type !== 'text' && type !== 'refusal');
  if (other) throw invalid('messages', `a part of type ${other.type} is not supported here`);
  return parts
    .map(({ text = '' }) => text)
    .join('\n')
    .replaceAll('\0', '')
    .toWellFormed();
}
