/**
 * Says which parameters a model cannot honour, as far as that is known. Of an unknown model nothing
 * is assumed: its service is asked, and refuses what it does not take.
 */
import { ParleyError } from '../../core/errors.ts';
import { wantsJson, type TurnParameters } from '../../core/parameters.ts';
import { isOffline } from './catalog.ts';

export interface Unsupported {
  parameter: keyof TurnParameters;
  why: string;
}

/** OpenAI's models that think: o1, o3 …, gpt-5 and later, but not those made for chat. */
const OPENAI_THINKS = /^openai\/(?:o\d|gpt-(?:[5-9]|\d\d)(?!.*-chat))/;
/** Those of them that sample as asked while they do not think. */
const MAY_NOT_THINK = /^openai\/gpt-5\.[1-9]/;
const DOES_NOT_THINK = /^(?:openai\/gpt-[34]|groq\/(?:llama|gemma|mixtral|meta-llama))/;

/** Models of other services of which the same is known. */
const OTHERS_THINK = /^(?:groq\/(?:openai\/gpt-oss|qwen\/qwen3)|google\/gemini-(?:2\.5|[3-9]))/;

/** Tells whether a model is known to think, and so to take an effort. */
export function isKnownToThink(model: string): boolean {
  return OPENAI_THINKS.test(model) || OTHERS_THINK.test(model);
}

const RULES: readonly ((
  model: string,
  parameters: TurnParameters,
) => Unsupported | undefined | false)[] = [
  (model, parameters) =>
    isOffline(model) &&
    wantsJson(parameters) && {
      parameter: 'response_format',
      why: 'it writes plain sentences only',
    },
  (model, { reasoning_effort: effort }) =>
    isOffline(model) &&
    effort !== undefined &&
    effort !== 'none' && { parameter: 'reasoning_effort', why: 'it does not think' },
  (model, { tools, parallel_tool_calls: isParallel }) =>
    model.startsWith('google/') &&
    tools !== undefined &&
    isParallel === false && {
      parameter: 'parallel_tool_calls',
      why: 'it may call several tools at once',
    },
  (model, { tool_choice: choice }) =>
    isOffline(model) &&
    choice !== undefined &&
    choice !== 'auto' &&
    choice !== 'none' && {
      parameter: 'tool_choice',
      why: 'it calls a tool only when a message says so',
    },
  (model, { temperature, reasoning_effort: effort }) =>
    OPENAI_THINKS.test(model) &&
    !(effort === 'none' && MAY_NOT_THINK.test(model)) &&
    temperature !== undefined &&
    temperature !== 1 && { parameter: 'temperature', why: 'models that think take none' },
  (model, { stop }) =>
    OPENAI_THINKS.test(model) &&
    stop !== undefined && { parameter: 'stop', why: 'models that think take none' },
  (model, { reasoning_effort: effort }) =>
    DOES_NOT_THINK.test(model) &&
    effort !== undefined && { parameter: 'reasoning_effort', why: 'it does not think' },
  (model, { response_format: format }) =>
    model === 'groq/llama-3.1-8b-instant' &&
    format?.type === 'json_schema' && {
      parameter: 'response_format',
      why: 'it writes JSON, but by no schema',
    },
];

/** Returns the first parameter that a model is known not to honour. */
export function unsupportedBy(model: string, parameters: TurnParameters): Unsupported | undefined {
  for (const rule of RULES) {
    const found = rule(model, parameters);
    if (found) return found;
  }
  return undefined;
}

/** Returns the first parameter that OpenAI's Responses API has no field for. */
export function unsupportedByResponses({ stop, seed }: TurnParameters): Unsupported | undefined {
  const why = 'the Responses API takes none';
  if (stop !== undefined) return { parameter: 'stop', why };
  return seed === undefined ? undefined : { parameter: 'seed', why };
}

/** Returns the error that names the parameter and the model. */
export function unsupportedParameter(model: string, { parameter, why }: Unsupported): ParleyError {
  const message = `${model} cannot honour ${parameter}: ${why}`;
  return new ParleyError({
    code: 'unsupported_parameter',
    detail: message,
    errors: [{ path: parameter, message }],
  });
}
