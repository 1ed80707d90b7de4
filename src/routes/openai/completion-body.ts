/** The body of a chat completion, and what it asks for. */
import { z } from '@hono/zod-openapi';
import type { TurnParameters } from '../../core/parameters.ts';
import { completionMessage, textOf, type CompletionMessage } from './completion-history.ts';
import { toolFields, toolsIn } from './completion-tools.ts';
import { parameterFields, parametersOf } from '../shared/parameters.ts';
import * as schemas from '../shared/schemas.ts';
import { joinSystemMessages } from '../shared/system-messages.ts';
import type { Unhonoured } from '../shared/unhonoured.ts';

/** The most messages of a history. */
const MOST_MESSAGES = 2_000;

/** Further fields pass: clients send many that mean nothing here. */
export const completionBody = z
  .looseObject({
    model: schemas.modelName.nullish(),
    messages: z
      .array(completionMessage)
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
    ...toolFields,
  })
  .openapi('ChatCompletionRequest');

export type CompletionBody = z.output<typeof completionBody>;

/** Fields that change the answer and that we do not honour, with the values that change nothing. */
export const NOT_HONOURED: Unhonoured = {
  n: [1],
  logprobs: [false],
  top_logprobs: [0],
  logit_bias: [],
  top_p: [1],
  // Not OpenAI's, and asked of servers that speak as it does.
  top_k: [0, -1],
  min_p: [0],
  repetition_penalty: [1],
  presence_penalty: [0],
  frequency_penalty: [0],
  audio: [],
  modalities: [['text']],
  moderation: [],
  prediction: [],
  service_tier: ['auto', 'default'],
  verbosity: ['medium'],
  functions: [],
  function_call: ['none', 'auto'],
  web_search_options: [],
};

/** Returns what a body asks of the model besides its question. */
export function parametersIn(body: CompletionBody): TurnParameters {
  const { temperature, stop, seed, response_format, reasoning_effort } = body;
  const most = body.max_completion_tokens ?? body.max_tokens;
  const instructions = instructionsIn(body.messages);
  const { parallel_tool_calls, ...tools } = toolsIn(body);
  return {
    ...parametersOf({
      temperature: temperature ?? undefined,
      stop: stop ?? undefined,
      seed: seed ?? undefined,
      response_format: response_format ?? undefined,
      reasoning_effort: reasoning_effort ?? undefined,
      max_output_tokens: most ?? undefined,
      ...tools,
    }),
    ...(parallel_tool_calls === false ? { parallel_tool_calls } : {}),
    ...(instructions === '' ? {} : { instructions }),
    // This API has no way of asking.
    without_approvals: true,
  };
}

function instructionsIn(messages: readonly CompletionMessage[]): string {
  const said = messages.filter(({ role }) => role === 'system' || role === 'developer');
  return joinSystemMessages(said.map((given) => textOf(given)));
}
