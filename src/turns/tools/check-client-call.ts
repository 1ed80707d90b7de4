/** Checks the input of a call of a client's tool, before the client is asked to run it. */
import { matchSchema } from '../../core/json-schema/matches-schema.ts';
import type { ClientTool } from '../../core/parameters.ts';
import type { Json } from '../../core/parts.ts';

/** The longest input, in UTF-16 units of JSON. */
const LONGEST_INPUT = 200_000;

/** Returns what is wrong with an input; undefined when it fits, or when checking is too costly. */
export async function clientCallMistake(
  { input_schema: schema }: ClientTool,
  input: Json,
): Promise<string | undefined> {
  if (JSON.stringify(input).length > LONGEST_INPUT) return 'it is too long';
  const result = await matchSchema(input, schema);
  return result.fit === 'differs' ? result.why : undefined;
}
