/**
 * Says whether a value fits a client's JSON Schema. Both come from outside, so the check has a
 * limit of steps, and keywords whose cost nobody can foresee are not checked: `pattern`,
 * `patternProperties` and `format` hold regular expressions, and `uniqueItems` compares all items
 * with each other. Models are sent them all the same.
 */
import type { Json } from '../parts.ts';
import { isObject, subschemasOf } from './subschemas.ts';

/** `unchecked`: the check would have taken too long. */
export type Fit = { fit: 'matches' | 'unchecked' } | { fit: 'differs'; why: string };

/** The most looks at a schema, each counted with the names and values in it: about 0.2 s. */
const MOST_STEPS = 200_000;

const UNCHECKED = [
  '$anchor',
  '$id',
  '$recursiveRef',
  '$schema',
  'format',
  'id',
  'pattern',
  'uniqueItems',
];
/** They say what is left over by `patternProperties`, which is not checked. */
const LEFT_OVER = ['patternProperties', 'additionalProperties', 'unevaluatedProperties'];

class OutOfSteps extends Error {}

/**
 * Checks a value.
 * @param schema as `checkSchema` has accepted it
 */
export async function matchSchema(value: Json, schema: { [keyword: string]: Json }): Promise<Fit> {
  const { Validator } = await import('@cfworker/json-schema');
  let steps = 0;
  const spend = (weight: number) => {
    steps += weight;
    if (steps > MOST_STEPS) throw new OutOfSteps();
  };
  try {
    const validator = new Validator(checkable(schema, spend), '2020-12');
    const { valid, errors } = validator.validate(value);
    const [first] = errors.toReversed();
    return valid ? { fit: 'matches' } : { fit: 'differs', why: reasonOf(first) };
  } catch (error) {
    // A schema that leads back to itself, or a value that is nested too deeply, ends the stack.
    if (error instanceof OutOfSteps || error instanceof RangeError) return { fit: 'unchecked' };
    throw error;
  }
}

function reasonOf(error: { instanceLocation: string; error: string } | undefined): string {
  if (!error) return 'it does not fit';
  const isUnknown = error.error === 'False boolean schema.';
  return `${error.instanceLocation}: ${isUnknown ? 'is not allowed' : error.error}`;
}

/**
 * Returns a copy of a schema without what is not checked, whose every schema counts how often the
 * library looks at it: the library reads `$ref` first, and has no limit of its own.
 */
function checkable(schema: { [keyword: string]: Json }, spend: (weight: number) => void) {
  const copy = structuredClone(schema);
  const prepare = (part: Json | undefined): void => {
    if (!isObject(part)) return;
    const left = Object.hasOwn(part, 'patternProperties')
      ? [...UNCHECKED, ...LEFT_OVER]
      : UNCHECKED;
    for (const keyword of left) delete part[keyword];
    for (const inner of subschemasOf(part, '')) prepare(inner.schema);
    const { $ref } = part;
    const weight = weightOf(part);
    const get = () => {
      spend(weight);
      return $ref;
    };
    Object.defineProperty(part, '$ref', { get, enumerable: false });
  };
  prepare(copy);
  return copy;
}

function weightOf({ enum: values, required, properties }: { [keyword: string]: Json }): number {
  const lists = [values, required, isObject(properties) ? Object.keys(properties) : []];
  return lists.reduce<number>((sum, list) => sum + (Array.isArray(list) ? list.length : 0), 1);
}
