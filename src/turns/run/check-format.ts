/** Checks an answer that should be JSON, when it is over. Nothing is ever repaired. */
import { matchSchema } from '../../core/json-schema/matches-schema.ts';
import { wantsJson, type TurnParameters } from '../../core/parameters.ts';
import { contentOf, type Json } from '../../core/parts.ts';
import type { Ending } from '../../store/turns/end-turn.ts';

/** The longest answer that is checked, in UTF-16 units. */
const LONGEST_CHECKED = 200_000;

/**
 * Returns whether an answer is the JSON that was asked for; undefined when none was, when the
 * answer is not over, or when checking it would take too long.
 */
export async function isAsAsked(
  parameters: TurnParameters | undefined,
  { status, finishReason, parts }: Ending,
): Promise<boolean | undefined> {
  const isOver = status === 'complete' || status === 'truncated' || status === 'filtered';
  if (!parameters || !wantsJson(parameters) || !isOver) return undefined;
  // The answer goes on once the client has answered the calls.
  if (finishReason === 'tool_calls') return undefined;
  const text = contentOf(parts);
  if (text.length > LONGEST_CHECKED) return undefined;
  const value = parse(text);
  if (value === undefined) return false;
  const format = parameters.response_format;
  if (format?.type !== 'json_schema') return typeof value === 'object' && value !== null;
  const { fit } = await matchSchema(value, format.json_schema.schema);
  return fit === 'unchecked' ? undefined : fit === 'matches';
}

function parse(text: string): Json | undefined {
  try {
    const value: Json = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}
