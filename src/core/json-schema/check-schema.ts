/**
 * Checks that a client's value is a JSON Schema which models and our own check can take (JSON
 * Schema 2020-12, and what draft 7 has in common with it).
 */
import type { Json } from '../parts.ts';
import { isObject, subschemasOf } from './subschemas.ts';

/** The longest schema, in UTF-16 units of JSON. */
const LONGEST_SCHEMA = 100_000;
/** The most schemas in a schema, and how deep they may lie in each other. */
const MOST_SUBSCHEMAS = 1_000;
const DEEPEST = 50;

const TYPES = new Set(['array', 'boolean', 'integer', 'null', 'number', 'object', 'string']);

/** The kinds of the keywords that a mistake is most likely in. */
const KINDS: Readonly<Record<string, (value: Json) => boolean>> = {
  type: (value) => (Array.isArray(value) ? value.length > 0 && value.every(isType) : isType(value)),
  properties: isObject,
  $defs: isObject,
  definitions: isObject,
  required: isListOfStrings,
  enum: (value) => Array.isArray(value) && value.length > 0,
  allOf: isFullList,
  anyOf: isFullList,
  oneOf: isFullList,
  description: (value) => typeof value === 'string',
  minimum: isNumber,
  maximum: isNumber,
  minLength: isCount,
  maxLength: isCount,
  minItems: isCount,
  maxItems: isCount,
};

export interface SchemaMistake {
  path: string;
  message: string;
}

/** Returns the first mistake in a schema; undefined where there is none. */
export function checkSchema(schema: { [keyword: string]: Json }): SchemaMistake | undefined {
  if (JSON.stringify(schema).length > LONGEST_SCHEMA)
    return { path: '', message: `must be at most ${LONGEST_SCHEMA} characters of JSON` };
  let count = 0;
  const check = (
    path: string,
    value: Json | undefined,
    depth: number,
  ): SchemaMistake | undefined => {
    if (typeof value === 'boolean') return undefined;
    if (!isObject(value)) return { path, message: 'must be a JSON Schema: an object or a boolean' };
    if (++count > MOST_SUBSCHEMAS || depth > DEEPEST)
      return { path: '', message: 'has too many schemas in it, or too deep in each other' };
    const mistake = keywordMistake(path, value) ?? referenceMistake(path, value, schema);
    if (mistake) return mistake;
    for (const inner of subschemasOf(value, path)) {
      const found = check(inner.path, inner.schema, depth + 1);
      if (found) return found;
    }
    return undefined;
  };
  return check('', schema, 0);
}

function keywordMistake(path: string, schema: { [keyword: string]: Json }) {
  for (const [keyword, value] of Object.entries(schema)) {
    const isKind = Object.hasOwn(KINDS, keyword) ? KINDS[keyword] : undefined;
    if (!isKind || isKind(value)) continue;
    return {
      path: path === '' ? keyword : `${path}.${keyword}`,
      message: 'is not what JSON Schema has there',
    };
  }
  return undefined;
}

/** A reference must lead to a place in the schema itself. */
function referenceMistake(path: string, { $ref }: { [keyword: string]: Json }, root: Json) {
  if ($ref === undefined) return undefined;
  const isFound = typeof $ref === 'string' && referencedIn(root, $ref) !== undefined;
  return isFound
    ? undefined
    : { path, message: '$ref must lead to a place in this schema, as #/…' };
}

/** Finds what a reference within a schema leads to; undefined where there is nothing. */
export function referencedIn(root: Json, reference: string): Json | undefined {
  if (reference !== '#' && !reference.startsWith('#/')) return undefined;
  let at: Json | undefined = root;
  for (const encoded of reference.slice(2).split('/').filter(Boolean)) {
    const name = decode(encoded);
    if (Array.isArray(at)) at = at[Number(name)];
    else at = isObject(at) && Object.hasOwn(at, name) ? at[name] : undefined;
  }
  return at;
}

/** Decodes a step of a JSON pointer in a fragment (RFC 6901 §6). */
function decode(step: string): string {
  try {
    return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return step;
  }
}

function isType(value: Json): boolean {
  return typeof value === 'string' && TYPES.has(value);
}

function isFullList(value: Json): boolean {
  return Array.isArray(value) && value.length > 0;
}

function isListOfStrings(value: Json): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isNumber(value: Json): boolean {
  return typeof value === 'number';
}

function isCount(value: Json): boolean {
  return Number.isInteger(value) && Number(value) >= 0;
}
