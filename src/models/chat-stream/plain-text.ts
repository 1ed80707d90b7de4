/** The event that nearly all of an answer consists of: it adds text and says nothing else. */
import type { JsonRecord } from '../../core/json.ts';

/**
 * Returns the text of an event that says nothing else; undefined for any other. It looks at every
 * field that the reader of all events knows, in one function and without an object, because it
 * runs for each token.
 * @param value JSON that nobody has checked
 */
export function plainTextOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const event = value as JsonRecord;
  const choices = event['choices'];
  const choice: unknown = Array.isArray(choices) && choices.length === 1 ? choices[0] : undefined;
  if (typeof choice !== 'object' || choice === null) return undefined;
  const { delta, finish_reason, usage, error } = choice as JsonRecord;
  if (typeof delta !== 'object' || delta === null || finish_reason || usage) return undefined;
  const said = delta as JsonRecord;
  const text = said['content'];
  if (typeof text !== 'string' || saysMore(said) || (text === '' && saysLess(said)))
    return undefined;
  const report = error ?? event['error'] ?? event['errors'] ?? event['x_groq'] ?? event['usage'];
  const isError = event['object'] === 'error' || event['type'] === 'error';
  return isError || (report !== undefined && report !== null) ? undefined : text;
}

function saysMore(said: JsonRecord): unknown {
  return (
    said['tool_calls'] ||
    said['function_call'] ||
    said['reasoning_content'] ||
    said['reasoning'] ||
    said['thinking'] ||
    said['refusal']
  );
}

/** Fields that count in an event without text. */
function saysLess(said: JsonRecord): unknown {
  return said['reasoning_details'] || said['reasoning_text'];
}
