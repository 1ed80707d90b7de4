/**
 * Refuses unknown fields of clients' objects, since ignoring one would hide the client's mistake.
 */
import { z } from '@hono/zod-openapi';
import { ParleyError } from '../../core/errors.ts';

/** The fields that only the server sets. A client that sends one has a wrong idea of the API. */
const SERVER_FIELDS: ReadonlySet<string> = new Set([
  'role',
  'id',
  'created_at',
  'updated_at',
  'status',
  'sequence_number',
  'tokens_used',
  'parts',
  'turn_id',
]);

/**
 * Returns a schema for a body of these fields. An unknown field is refused by name, with the
 * nearest known one as a hint.
 */
export function bodyOf<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const known = Object.keys(shape);
  return z.preprocess((value, context) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    for (const name of Object.keys(value)) {
      if (Object.hasOwn(shape, name)) continue;
      const message = whyUnknown(name, known);
      context.issues.push({ code: 'custom', input: value, path: [name], message });
    }
    return value;
  }, z.strictObject(shape));
}

/**
 * Checks that all parameters of a query, or fields of a form, are known.
 * @throws ParleyError `invalid_request` that names the unknown one
 */
export function requireKnownNames(given: readonly string[], known: readonly string[]): void {
  const name = given.find((candidate) => !known.includes(candidate));
  if (name === undefined) return;
  const message = whyUnknown(name, known);
  const errors = [{ path: name, message }];
  throw new ParleyError({ code: 'invalid_request', detail: `${name}: ${message}`, errors });
}

function whyUnknown(name: string, known: readonly string[]): string {
  if (SERVER_FIELDS.has(name)) return 'is set by the server';
  const nearest = nearestOf(name, known);
  return nearest === undefined ? 'unknown' : `unknown; did you mean ${nearest}?`;
}

/** Returns the known name that is most similar; undefined when none is similar enough. */
function nearestOf(name: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((candidate) => ({
      candidate,
      distance: distanceOf(name.toLowerCase(), candidate.toLowerCase()),
      longer: Math.abs(name.length - candidate.length),
    }))
    // Of two that are as near, the one of the same length: letters are swapped more than left out.
    .sort((a, b) => a.distance - b.distance || a.longer - b.longer);
  return best && best.distance <= Math.max(1, Math.floor(name.length / 3))
    ? best.candidate
    : undefined;
}

/**
 * Returns the number of slips: a letter too many, too few or another (Levenshtein 1966), or two
 * neighbours swapped (Damerau 1964).
 */
function distanceOf(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = isSwap ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY;
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, swap));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
