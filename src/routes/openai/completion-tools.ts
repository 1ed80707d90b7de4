/** The tools of a chat completion: functions that its client runs. */
import { z } from '@hono/zod-openapi';
import type { ClientTool, ToolChoice, TurnParameters } from '../../core/parameters.ts';
import { invalidInput } from '../shared/invalid-input.ts';
import { jsonSchema, parameterFields } from '../shared/parameters.ts';

const functionTool = z.looseObject({
  type: z.literal('function'),
  function: z.looseObject({
    name: z.string(),
    description: z.string().nullish(),
    parameters: jsonSchema.nullish(),
    strict: z.boolean().nullish(),
  }),
});

const named = z.looseObject({
  type: z.literal('function'),
  function: z.looseObject({ name: z.string() }),
});

export const toolFields = {
  tools: z.array(functionTool).nullish(),
  tool_choice: z.union([z.enum(['none', 'auto', 'required']), named]).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
};

type ToolFields = z.output<z.ZodObject<typeof toolFields>>;

/** The input of a function that declares none. */
const TAKES_NOTHING = { type: 'object', properties: {} };

/**
 * Returns the tools of a request in our own form.
 * @throws ParleyError `invalid_request` that names what is wrong with one of them
 */
export function toolsIn({
  tools,
  tool_choice: choice,
  parallel_tool_calls: parallel,
}: ToolFields): Pick<TurnParameters, 'tools' | 'tool_choice' | 'parallel_tool_calls'> {
  if (!tools || tools.length === 0) return choice === 'none' ? { tool_choice: choice } : {};
  return {
    tools: checked(tools.map(clientTool)),
    ...(choice ? { tool_choice: choiceOf(choice) } : {}),
    ...(parallel === false ? { parallel_tool_calls: false } : {}),
  };
}

function clientTool({ function: called }: z.output<typeof functionTool>): ClientTool {
  const { name, description, parameters } = called;
  return {
    name,
    ...(description ? { description } : {}),
    // A schema without a type is an object's all the same.
    input_schema: parameters ? { type: 'object', ...parameters } : TAKES_NOTHING,
    ...(called.strict === true ? { strict: true } : {}),
  };
}

const OURS = z.object({ tools: parameterFields.tools });

/** Holds tools against the rules of our own API, whose form has no place for `strict`. */
function checked(tools: ClientTool[]): ClientTool[] {
  const { error } = OURS.safeParse({ tools: tools.map(({ strict: _, ...tool }) => tool) });
  if (!error) return tools;
  const issues = error.issues.map((issue) => ({ ...issue, path: issue.path.flatMap(pathInBody) }));
  throw invalidInput({ issues });
}

/** Returns where the client has what our own form has at this step of a path: `tools.0.name`. */
function pathInBody(step: PropertyKey, at: number): PropertyKey[] {
  if (at !== 2) return [step];
  return ['function', step === 'input_schema' ? 'parameters' : step];
}

function choiceOf(choice: NonNullable<ToolFields['tool_choice']>): ToolChoice {
  return typeof choice === 'string' ? choice : { name: choice.function.name };
}
