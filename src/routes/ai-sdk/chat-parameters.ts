/** The parameters that a chat has for the model. */
import { z } from '@hono/zod-openapi';
import type { TurnParameters } from '../../core/parameters.ts';
import { invalidInput } from '../shared/invalid-input.ts';
import { jsonSchema, parameterFields, parametersOf } from '../shared/parameters.ts';
import * as schemas from '../shared/schemas.ts';

/** The tools of a page by their names, as some libraries for pages send them. */
const toolsByName = z.record(
  z.string(),
  z.looseObject({ description: z.string().nullish(), parameters: jsonSchema.nullish() }),
);

export const chatParameterFields = {
  ...parameterFields,
  tools: z
    .union([parameterFields.tools.unwrap(), toolsByName])
    .optional()
    .openapi({ description: 'Tools that the page runs: a list as elsewhere, or by their names' }),
  system: schemas.instructions.nullish().openapi({
    description: 'Instructions for this answer, in place of the conversation’s',
  }),
};

type ChatParameters = z.output<z.ZodObject<typeof chatParameterFields>>;

/**
 * Returns the parameters of a body; undefined when it names none.
 * @param more what its system messages say
 * @throws ParleyError `invalid_request` that names what is wrong
 */
export function chatParameters(
  { tools, system, ...others }: ChatParameters,
  more: string,
): TurnParameters | undefined {
  const parameters = parametersOf({ ...others, tools: listOf(tools) });
  if (!system && more === '') return parameters;
  return {
    ...parameters,
    ...(system ? { instructions: system } : {}),
    ...(more === '' ? {} : { more_instructions: more }),
  };
}

const OURS = z.object({ tools: parameterFields.tools });

function listOf(tools: ChatParameters['tools']) {
  if (!tools || Array.isArray(tools)) return tools;
  const list = Object.entries(tools).map(([name, { description, parameters }]) => ({
    name,
    ...(description ? { description } : {}),
    input_schema: { type: 'object', ...parameters },
  }));
  if (list.length === 0) return undefined;
  const { data, error } = OURS.safeParse({ tools: list });
  if (error) throw invalidInput(error);
  return data.tools;
}
