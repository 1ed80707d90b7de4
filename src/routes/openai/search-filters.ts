/**
 * The filters of OpenAI's vector stores. A search here asks for documents whose metadata have one
 * of some values in each of some fields; a filter that says more than that is refused, since one
 * that was passed over would show what it should hide.
 */
import { z } from '@hono/zod-openapi';
import { invalid } from '../../core/errors.ts';

type Value = string | number | boolean;
type Wanted = Record<string, Value[]>;

const value = z.union([z.string().max(512), z.number(), z.boolean()]);
const key = z.string().min(1).max(512);
const comparison = z.union([
  z.strictObject({ type: z.literal('eq'), key, value }),
  z.strictObject({ type: z.literal('in'), key, value: z.array(value).min(1).max(100) }),
]);
const compound = z.strictObject({
  type: z.enum(['and', 'or']),
  filters: z.array(z.unknown()).min(1).max(20),
});

/** The deepest that filters may lie in each other. */
const DEEPEST = 4;

/**
 * Returns the metadata that a filter asks for; undefined without one.
 * @throws ParleyError `invalid_request` for a filter that cannot be honoured
 */
export function metadataIn(filters: unknown): Wanted | undefined {
  return filters === undefined || filters === null ? undefined : wantedBy(filters, 0);
}

function wantedBy(filter: unknown, depth: number): Wanted {
  const compared = comparison.safeParse(filter);
  if (compared.success) {
    const { key: field, value: wanted } = compared.data;
    return { [field]: Array.isArray(wanted) ? wanted : [wanted] };
  }
  const several = compound.safeParse(filter);
  if (!several.success || depth >= DEEPEST) throw notHonoured();
  const all = several.data.filters.map((one) => wantedBy(one, depth + 1));
  return several.data.type === 'and' ? allOf(all) : anyOf(all);
}

function allOf(wanted: Wanted[]): Wanted {
  const all: Wanted = {};
  for (const [field, values] of wanted.flatMap(Object.entries<Value[]>)) {
    const before = all[field];
    all[field] = before ? before.filter((one) => values.includes(one)) : values;
    if (all[field].length === 0) throw notHonoured();
  }
  return all;
}

/** Several fields cannot be asked for in turn, the values of one can. */
function anyOf(wanted: Wanted[]): Wanted {
  const fields = new Set(wanted.flatMap(Object.keys));
  const [field] = fields;
  if (field === undefined || fields.size > 1) throw notHonoured();
  return { [field]: wanted.flatMap((one) => one[field] ?? []) };
}

function notHonoured() {
  return invalid('filters', 'filters: only eq and in, by and, and by or over one key');
}
