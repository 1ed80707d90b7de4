/** The parameters of a turn as the options of a model call. */
import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import type { ModelWindow } from '../../models/chat/catalog.ts';
import type { ResponseFormat, ToolChoice, TurnParameters } from '../../core/parameters.ts';

type ModelOptions = Pick<
  LanguageModelV4CallOptions,
  | 'maxOutputTokens'
  | 'providerOptions'
  | 'reasoning'
  | 'responseFormat'
  | 'seed'
  | 'stopSequences'
  | 'temperature'
>;

/**
 * The providers that write by a schema strictly unless they are told not to, and that call several
 * tools in a step.
 */
const TAKE_OPTIONS = ['openai', 'groq'];

/**
 * Returns the options of one call.
 * @param written the tokens that the model has written in earlier steps of the turn
 */
export function modelOptions(
  parameters: TurnParameters | undefined,
  written: number,
): ModelOptions {
  if (!parameters) return {};
  const { temperature, seed, stop, max_output_tokens: most } = parameters;
  return {
    ...(temperature === undefined ? {} : { temperature }),
    ...(seed === undefined ? {} : { seed }),
    ...(stop ? { stopSequences: stop } : {}),
    ...(most === undefined ? {} : { maxOutputTokens: Math.max(1, most - written) }),
    ...(parameters.reasoning_effort ? { reasoning: parameters.reasoning_effort } : {}),
    ...formatOptions(parameters.response_format),
    ...ownOptions(parameters),
  };
}

function formatOptions(format: ResponseFormat | undefined): ModelOptions {
  if (!format || format.type === 'text') return {};
  if (format.type === 'json_object') return { responseFormat: { type: 'json' } };
  const { name, description, schema } = format.json_schema;
  return { responseFormat: { type: 'json', name, description, schema } };
}

/** Returns what only some providers know. */
function ownOptions({ response_format: format, tools, ...parameters }: TurnParameters) {
  const options = {
    ...(format?.type === 'json_schema'
      ? { strictJsonSchema: format.json_schema.strict ?? false }
      : {}),
    ...(tools && parameters.parallel_tool_calls === false ? { parallelToolCalls: false } : {}),
  };
  if (Object.keys(options).length === 0) return {};
  return {
    providerOptions: Object.fromEntries(TAKE_OPTIONS.map((provider) => [provider, options])),
  };
}

/**
 * Returns which tools a step may call. What the request asks for holds for the first step: a model
 * that had to call a tool in every step would never answer.
 */
export function toolChoiceOf(
  choice: ToolChoice | undefined,
  step: number,
): NonNullable<LanguageModelV4CallOptions['toolChoice']> {
  if (choice === undefined || (step > 1 && choice !== 'none')) return { type: 'auto' };
  return typeof choice === 'string' ? { type: choice } : { type: 'tool', toolName: choice.name };
}

/**
 * Returns a model's window with room for the answer that the request allows, but never with less
 * than half of it for the prompt.
 */
export function windowFor(
  window: ModelWindow,
  parameters: TurnParameters | undefined,
): ModelWindow {
  const most = Math.min(parameters?.max_output_tokens ?? 0, window.context / 2);
  return most > window.answer ? { ...window, answer: most } : window;
}

/** Returns true when the model has written all that it may. */
export function hasWrittenAll(parameters: TurnParameters | undefined, written: number): boolean {
  return written >= (parameters?.max_output_tokens ?? Number.POSITIVE_INFINITY);
}
