/** Walks through a JSON Schema: which of its values are schemas themselves. */
import type { Json } from '../parts.ts';

/** Keywords whose value is a schema, a list of schemas, or schemas by name. */
const SCHEMA = [
  'additionalItems',
  'additionalProperties',
  'contains',
  'else',
  'if',
  'items',
  'not',
  'propertyNames',
  'then',
  'unevaluatedItems',
  'unevaluatedProperties',
];
const LIST = ['allOf', 'anyOf', 'items', 'oneOf', 'prefixItems'];
const BY_NAME = ['$defs', 'definitions', 'dependentSchemas', 'patternProperties', 'properties'];

export interface Subschema {
  /** Its place, as the path of a problem: `properties.city.items`. */
  path: string;
  schema: Json | undefined;
}

/** Returns the schemas directly inside a schema, as they are: perhaps no schemas at all. */
export function subschemasOf(schema: { [keyword: string]: Json }, path: string): Subschema[] {
  const found: Subschema[] = [];
  const at = (...names: (string | number)[]) =>
    [path, ...names].filter((name) => name !== '').join('.');
  for (const [keyword, value] of Object.entries(schema)) {
    if (Array.isArray(value)) {
      if (!LIST.includes(keyword)) continue;
      found.push(...value.map((item, index) => ({ path: at(keyword, index), schema: item })));
    } else if (SCHEMA.includes(keyword)) {
      found.push({ path: at(keyword), schema: value });
    } else if (BY_NAME.includes(keyword) && isObject(value)) {
      for (const [name, item] of Object.entries(value))
        found.push({ path: at(keyword, name), schema: item });
    }
  }
  return found;
}

export function isObject(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
