/** The body of a request for a response, and what it asks of the model. */
import { checkTools } from '../shared/check-tools.ts';
import { z } from '@hono/zod-openapi';
import { invalid } from '../../core/errors.ts';
import type { TurnParameters } from '../../core/parameters.ts';
import {
  description,
  jsonSchema,
  nameOfOne,
  parameterFields,
  parametersOf,
} from '../shared/parameters.ts';
import * as schemas from '../shared/schemas.ts';
import { refuseUnhonoured, type Unhonoured } from '../shared/unhonoured.ts';
import { inputItem } from './input.ts';

/** The most items of an input. */
const MOST_ITEMS = 4_000;
/** As OpenAI has it: 16 pairs. */
const MOST_METADATA = 16;

const name = z.string().min(1).max(200);

const functionTool = z.looseObject({
  type: z.string(),
  name: nameOfOne.optional(),
  description: description.nullish(),
  parameters: jsonSchema.nullish(),
  strict: z.boolean().nullish(),
});

const format = z.looseObject({
  type: z.enum(['text', 'json_object', 'json_schema']),
  name: nameOfOne.optional(),
  description: description.nullish(),
  schema: jsonSchema.optional(),
  strict: z.boolean().nullish(),
});

const toolChoice = z.union([
  z.enum(['auto', 'none', 'required']),
  z.looseObject({ type: z.string(), name: nameOfOne.optional() }),
]);

/** Metadata as OpenAI's clients send it. */
export const metadata = z
  .record(z.string().max(64), schemas.text(512))
  .refine((pairs) => Object.keys(pairs).length <= MOST_METADATA, `at most ${MOST_METADATA} pairs`);

/** Further fields pass: clients send many that mean nothing here. */
export const responseBody = z
  .looseObject({
    model: schemas.modelName.nullish(),
    input: z
      .union([
        schemas.messageText,
        z.array(inputItem).min(1).max(MOST_ITEMS, `may have at most ${MOST_ITEMS} items`),
      ])
      .nullish(),
    instructions: schemas.instructions.nullish(),
    previous_response_id: name.nullish(),
    conversation: z.union([name, z.looseObject({ id: name })]).nullish(),
    store: z.boolean().nullish(),
    stream: z.boolean().nullish(),
    background: z.boolean().nullish(),
    metadata: metadata.nullish(),
    user: schemas.userId.nullish(),
    safety_identifier: schemas.text(512).nullish(),
    prompt_cache_key: schemas.text(512).nullish(),
    temperature: parameterFields.temperature.nullable(),
    max_output_tokens: parameterFields.max_output_tokens.nullable(),
    text: z.looseObject({ format: format.nullish(), verbosity: z.string().nullish() }).nullish(),
    reasoning: z
      .looseObject({ effort: parameterFields.reasoning_effort.nullable() })
      .nullish()
      .openapi({ description: 'What a model says of its thoughts is always part of the output' }),
    tools: z.array(functionTool).nullish(),
    tool_choice: toolChoice.nullish(),
    include: z.array(z.string()).nullish(),
  })
  .openapi('ResponseRequest');

export type ResponseBody = z.output<typeof responseBody>;

/** Fields that change the answer and that we do not honour, with the values that change nothing. */
const NOT_HONOURED: Unhonoured = {
  context_management: [],
  frequency_penalty: [0],
  // Only a socket has anything to warm up.
  generate: [true],
  max_tool_calls: [],
  moderation: [],
  parallel_tool_calls: [true],
  presence_penalty: [0],
  prompt: [],
  service_tier: ['auto', 'default'],
  top_logprobs: [0],
  top_p: [1],
  truncation: ['auto'],
  // Of chat completions: without them here, another answer would come than was asked for.
  ...{ logit_bias: [], max_completion_tokens: [], max_tokens: [], modalities: [['text']], n: [1] },
  ...{ reasoning_effort: [], response_format: [], seed: [], stop: [] },
};

/**
 * Checks that nothing is asked for that would be passed over.
 * @throws ParleyError `invalid_request` that names the field
 */
export function refuseOthers(body: ResponseBody): void {
  refuseUnhonoured(body, NOT_HONOURED);
  if (body.background && body.store === false)
    throw invalid('background', 'background needs a response that is stored');
  const verbosity = body.text?.verbosity ?? 'medium';
  if (verbosity !== 'medium') throw invalid('text.verbosity', 'text.verbosity must be medium');
  if (body.include?.includes('message.output_text.logprobs'))
    throw invalid('include', 'message.output_text.logprobs is not supported here');
}

/**
 * Returns what a body asks of the model besides its input and its instructions.
 * @throws ParleyError `invalid_request`
 */
export function parametersIn(body: ResponseBody): TurnParameters {
  const given = parametersOf({
    temperature: body.temperature ?? undefined,
    max_output_tokens: body.max_output_tokens ?? undefined,
    reasoning_effort: body.reasoning?.effort ?? undefined,
    response_format: formatIn(body),
    tools: toolsIn(body),
    tool_choice: toolChoiceIn(body),
  });
  return { ...given, shown: shownIn(body) };
}

/** Returns the fields that answers repeat as they came. */
function shownIn(body: ResponseBody): NonNullable<TurnParameters['shown']> {
  const { previous_response_id, conversation, ...fields } = body;
  const { instructions, store, background, metadata: pairs, user } = fields;
  const said = {
    instructions,
    store,
    background,
    metadata: pairs,
    user,
    previous_response_id,
    safety_identifier: fields.safety_identifier,
    prompt_cache_key: fields.prompt_cache_key,
    conversation: conversation ? true : undefined,
  };
  const given = Object.entries(said).flatMap(([field, value]) =>
    value === undefined || value === null ? [] : [[field, value] as const],
  );
  return Object.fromEntries(given);
}

function formatIn({ text }: ResponseBody): TurnParameters['response_format'] {
  const asked = text?.format;
  if (!asked) return undefined;
  if (asked.type !== 'json_schema') return { type: asked.type };
  const { name: called, schema, strict, description: said } = asked;
  if (!called || !schema) throw invalid('text.format', 'text.format: name and schema are required');
  const optional = { ...(said ? { description: said } : {}), ...(strict ? { strict } : {}) };
  return { type: 'json_schema', json_schema: { name: called, schema, ...optional } };
}

function toolsIn({ tools }: ResponseBody): TurnParameters['tools'] {
  if (!tools || tools.length === 0) return undefined;
  const given = tools.map(({ type, name: called, description: said, parameters, strict }, at) => {
    if (type !== 'function')
      throw invalid(`tools.${at}.type`, `tools.${at}.type: ${type} is not supported here`);
    const input_schema = parameters ?? { type: 'object', properties: {} };
    return { name: called, input_schema, strict, ...(said ? { description: said } : {}) };
  });
  return checkTools(given, 'parameters');
}

function toolChoiceIn({ tool_choice: choice, tools }: ResponseBody): TurnParameters['tool_choice'] {
  if (!choice) return undefined;
  const isSaid = choice !== 'auto' || (tools && tools.length > 0);
  if (typeof choice === 'string') return isSaid ? choice : undefined;
  if (choice.type === 'function' && choice.name) return { name: choice.name };
  throw invalid('tool_choice', `tool_choice of type ${choice.type} is not supported here`);
}
