/** Reads JSON of unknown shape: a value that is missing or has another type reads as empty. */

/** Returns the value when it is a plain object, else an empty one. */
export function asRecord(value: unknown): Record<string, unknown> {
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
  // The check above is the proof; TypeScript cannot turn `object` into an index signature itself.
  return isRecord ? (value as Record<string, unknown>) : {};
}

/** Returns the value when it is an array, else an empty one. */
export function asArray(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Returns the value when it is a string, else an empty one. */
export function asText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Returns the parsed JSON, or undefined when the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
