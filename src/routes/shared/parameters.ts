/** The fields by which a request says how it is to be answered, besides its message. */
import { z } from '@hono/zod-openapi';
import { invalid } from '../../core/errors.ts';
import { TOOL_NAMES } from '../../core/tool-names.ts';
import { checkSchema } from '../../core/json-schema/check-schema.ts';
import { isRecursive } from '../../core/json-schema/is-recursive.ts';
import { REASONING_EFFORTS, type TurnParameters } from '../../core/parameters.ts';
import { documentIds, metadataFilter } from './document-filter.ts';
import { bodyOf } from './known-fields.ts';
import { plainText } from './plain-text.ts';

/** No model writes more; what a model can write is usually far less. */
const MOST_OUTPUT_TOKENS = 1_000_000;
const MOST_STOPS = 4;
const LONGEST_STOP = 200;
const LONGEST_DESCRIPTION = 10_000;
/** The names that every service takes. */
const NAME = /^[A-Za-z0-9_-]{1,64}$/;

export const nameOfOne = z
  .string()
  .regex(NAME, 'must be 1 to 64 letters, digits, underscores or hyphens');
export const description = plainText(LONGEST_DESCRIPTION);

/** A JSON Schema; what it may hold is in `checkSchema`. */
export const jsonSchema = z
  .record(z.string(), z.json())
  .superRefine((schema, context) => {
    const mistake = checkSchema(schema);
    if (mistake)
      context.addIssue({
        code: 'custom',
        path: mistake.path === '' ? [] : mistake.path.split('.'),
        message: mistake.message,
      });
  })
  .openapi({ type: 'object', description: 'A JSON Schema' });

const responseFormat = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('text') }),
    z.object({ type: z.literal('json_object') }),
    z.object({
      type: z.literal('json_schema'),
      json_schema: bodyOf({
        name: nameOfOne,
        description: description.optional(),
        schema: jsonSchema,
        strict: z.boolean().optional(),
      }),
    }),
  ])
  .openapi('ResponseFormat');

const stop = z
  .union([plainText(LONGEST_STOP), z.array(plainText(LONGEST_STOP)).min(1).max(MOST_STOPS)])
  .transform((value) => (typeof value === 'string' ? [value] : value))
  .openapi({
    anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' }, maxItems: MOST_STOPS }],
    description: 'Texts at which the model stops; they are not part of the answer',
  });

const toolChoice = z
  .union([z.enum(['auto', 'none', 'required']), bodyOf({ name: nameOfOne })])
  .openapi('ToolChoice');

/**
 * The most tools of a request, and the longest that they may be together, in UTF-16 units of JSON.
 */
const MOST_TOOLS = 128;
const LONGEST_TOOLS = 300_000;

const OUR_TOOLS: ReadonlySet<string> = new Set(TOOL_NAMES);

const tool = bodyOf({
  name: nameOfOne.refine((name) => !OUR_TOOLS.has(name), 'is the name of a built-in tool'),
  description: description.optional(),
  input_schema: jsonSchema
    .refine((schema) => schema['type'] === 'object', {
      path: ['type'],
      error: 'must be object',
    })
    .refine((schema) => !isRecursive(schema), 'must not lead back to itself'),
}).openapi('ClientTool');

const tools = z
  .array(tool)
  .min(1)
  .max(MOST_TOOLS)
  .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'must differ in name')
  .refine(
    (all) => JSON.stringify(all).length <= LONGEST_TOOLS,
    `must be at most ${LONGEST_TOOLS} characters of JSON`,
  )
  .openapi({ description: 'Tools that the client runs: a call of one ends the turn' });

export const parameterFields = {
  temperature: z.number().min(0).max(2).optional(),
  max_output_tokens: z
    .int()
    .min(1)
    .max(MOST_OUTPUT_TOKENS)
    .optional()
    .openapi({ description: 'The most tokens that the model may write in the whole turn' }),
  stop: stop.optional(),
  seed: z.int().min(0).max(2_147_483_647).optional(),
  response_format: responseFormat.optional(),
  reasoning_effort: z.enum(REASONING_EFFORTS).optional(),
  tools: tools.optional(),
  tool_choice: toolChoice.optional(),
  document_ids: documentIds.optional(),
  document_metadata: metadataFilter.optional(),
};

const NAMES = Object.keys(parameterFields) as (keyof typeof parameterFields)[];

type ParameterFields = {
  [Name in keyof typeof parameterFields]?: z.output<(typeof parameterFields)[Name]>;
};

/**
 * Returns the parameters among the fields of a request; undefined when it names none.
 * @throws ParleyError `invalid_request` for a choice of tools that the request does not bring
 */
export function parametersOf(fields: ParameterFields): TurnParameters | undefined {
  const given = NAMES.filter((name) => fields[name] !== undefined);
  if (given.length === 0) return undefined;
  requireChosenTool(fields);
  return Object.fromEntries(given.map((name) => [name, fields[name]])) as TurnParameters;
}

function requireChosenTool({ tools: given = [], tool_choice: choice }: ParameterFields): void {
  if (choice === 'required' && given.length === 0) throw invalid('tool_choice', 'needs tools');
  if (typeof choice !== 'object' || given.some(({ name }) => name === choice.name)) return;
  throw invalid('tool_choice.name', 'names none of the tools');
}
