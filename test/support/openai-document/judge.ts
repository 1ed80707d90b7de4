/** Judges bodies and events by OpenAI's own description of its API; see README.md. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Validator } from '@cfworker/json-schema';
import { asArray, asRecord, asText } from '../json.ts';

type Sent = 'request' | 'json' | 'stream';

const described = asRecord(
  JSON.parse(readFileSync(resolve(import.meta.dirname, 'vendor/schemas.json'), 'utf8')),
);
const $defs = asRecord(described['$defs']);
const operations = asRecord(described['operations']);
const validators = new Map<string, Validator>();

/** All operations that are described here, such as `post /embeddings`. */
export const OPERATIONS: readonly string[] = Object.keys(operations);

/** The schema of every error. */
const ERROR = { $ref: '#/$defs/ErrorResponse' };

/**
 * Returns what is wrong with a body or with an event.
 * @param operation such as `post /chat/completions`
 * @returns nothing where it fits
 * @throws Error for an operation that is not described, which would pass everything
 */
export function wrongIn(operation: string, sent: Sent, value: unknown): string[] {
  const schema = asRecord(operations[operation])[sent];
  if (schema === undefined) throw new Error(`${operation} has no ${sent} in the description`);
  return wrongBy(sent === 'stream' ? alternativeFor(value, schema) : schema, value);
}

/** Returns what is wrong with the body of an error; nothing where it fits. */
export function wrongInError(value: unknown): string[] {
  return wrongBy(ERROR, value);
}

/** Returns the names of the fields that a request to an operation may have. */
export function fieldsOfRequest(operation: string): string[] {
  const names = new Set<string>();
  const visit = (schema: unknown) => {
    const { $ref, properties, allOf, anyOf } = asRecord(schema);
    for (const name of Object.keys(asRecord(properties))) names.add(name);
    for (const part of [...asArray(allOf), ...asArray(anyOf)]) visit(part);
    if ($ref !== undefined) visit(resolved(schema));
  };
  visit(asRecord(operations[operation])['request']);
  return [...names];
}

/**
 * Returns the schema of an event's own type, so that what is wrong with it can be said; the whole
 * union for events without a type.
 * @throws Error for an event whose type is not described
 */
function alternativeFor(event: unknown, schema: unknown): unknown {
  const alternatives = asArray(resolved(schema)['anyOf']);
  const type = asText(asRecord(event)['type']);
  if (alternatives.length === 0 || type === '') return schema;
  const found = alternatives.find((alternative) => {
    const typeOf = asRecord(asRecord(resolved(alternative)['properties'])['type']);
    return asArray(typeOf['enum']).includes(type);
  });
  if (!found) throw new Error(`no event is described as ${type}`);
  return found;
}

function resolved(schema: unknown): Record<string, unknown> {
  const name = /^#\/\$defs\/(.+)$/u.exec(asText(asRecord(schema)['$ref']))?.[1];
  return name === undefined ? asRecord(schema) : asRecord($defs[name]);
}

function wrongBy(schema: unknown, value: unknown): string[] {
  const key = JSON.stringify(schema);
  const validator = validators.get(key) ?? new Validator({ ...asRecord(schema), $defs }, '2020-12');
  validators.set(key, validator);
  const { errors } = validator.validate(value);
  // What lies deepest says most.
  return errors.map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`).toReversed();
}
