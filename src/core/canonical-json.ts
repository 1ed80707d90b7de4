/** JSON in one form, whatever the order of the names in it: for comparing and for hashes. */
import type { Json } from './parts.ts';

/** Returns the JSON of a value, with the names of each object in order. */
export function canonicalJson(value: Json): string {
  return JSON.stringify(value, (_, inner: Json) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
