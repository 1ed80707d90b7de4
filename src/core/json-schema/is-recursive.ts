/** Says whether a JSON Schema leads back to itself. */
import type { Json } from '../parts.ts';
import { referencedIn } from './check-schema.ts';
import { isObject, subschemasOf } from './subschemas.ts';

/** The longest way that is followed: a schema that was accepted has no more schemas in it. */
const DEEPEST = 1_000;

/**
 * Returns true for a schema in which some schema holds itself, by its parts or by references: many
 * models' services refuse it, and what it describes has no end.
 * @param root as `checkSchema` has accepted it
 */
export function isRecursive(root: { [keyword: string]: Json }): boolean {
  const open = new Set<Json>();
  const done = new Set<Json>();
  const leadsBack = (schema: Json | undefined): boolean => {
    if (!isObject(schema) || done.has(schema) || open.size > DEEPEST) return false;
    if (open.has(schema)) return true;
    open.add(schema);
    const inner = subschemasOf(schema, '').map((each) => each.schema);
    const { $ref } = schema;
    const target = typeof $ref === 'string' ? referencedIn(root, $ref) : undefined;
    const isBack = [...inner, target].some(leadsBack);
    open.delete(schema);
    done.add(schema);
    return isBack;
  };
  return leadsBack(root);
}
