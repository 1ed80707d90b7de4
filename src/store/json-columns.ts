/** Columns that hold JSON: written as values, and checked once, here, when they are read. */
import { customType } from 'drizzle-orm/sqlite-core';
import { z } from 'zod';
import { ERROR_CODES, type Failure } from '../core/errors.ts';
import type { TurnParameters } from '../core/parameters.ts';
import { SCOPES, type Scope } from '../core/principal.ts';
import { decodeParts, encodeParts, type Json, type Part, type ResultFile } from '../core/parts.ts';
import { decodeSteering, encodeSteering, type Steering } from '../core/steering.ts';

/** Declares a text column whose values are JSON. @param parse makes a value of its text */
export function json<Value>(parse: (text: string) => Value) {
  return customType<{ data: Value; driverData: string }>({
    dataType: () => 'text',
    toDriver: (value) => JSON.stringify(value),
    fromDriver: parse,
  });
}

const failure = z.object({
  // A newer release, which was taken back since, may have known more of them.
  code: z.enum(ERROR_CODES).catch('internal_error'),
  detail: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  retryAfter: z.number().optional(),
}) satisfies z.ZodType<Failure>;

/** The parts of a message, a JSON object a line. */
export const parts = customType<{ data: Part[]; driverData: string }>({
  dataType: () => 'text',
  toDriver: encodeParts,
  fromDriver: decodeParts,
});

/** The messages that steer a turn, a JSON object a line. */
export const steering = customType<{ data: Steering[]; driverData: string }>({
  dataType: () => 'text',
  toDriver: encodeSteering,
  fromDriver: decodeSteering,
});

/** @throws Error when the text holds no failure */
export function parseFailure(text: string): Failure {
  return failure.parse(JSON.parse(text));
}

/**
 * Reads the parameters of a turn. A claim alone writes them, after they were checked.
 * @throws Error when the text is no JSON
 */
export function parseParameters(text: string): TurnParameters {
  return JSON.parse(text) as TurnParameters;
}

/** The result of a call that a user has allowed. */
export interface StoredOutput {
  output: Json;
  isError: boolean;
  files?: ResultFile[];
}

/**
 * Reads what a tool gave. The run of a tool alone writes it.
 * @throws Error when the text is no JSON
 */
export function parseToolOutput(text: string): StoredOutput {
  return JSON.parse(text) as StoredOutput;
}

/** @throws Error when the text is no JSON object */
export function parseMetadata(text: string): Record<string, Json> {
  const value: Json = JSON.parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TypeError('a column of metadata holds something else');
  return value;
}

/** @throws Error when the text is no JSON list of strings */
export function parseHeadings(text: string): string[] {
  const value: Json = JSON.parse(text);
  if (!Array.isArray(value)) throw new TypeError('a column of headings holds something else');
  return value.map((heading) => {
    if (typeof heading !== 'string') throw new TypeError('a heading is no text');
    return heading;
  });
}

/** Returns the scopes that a text lists; one that this release does not know is left out. */
export function parseScopes(text: string): Scope[] {
  const value: Json = JSON.parse(text);
  return Array.isArray(value) ? SCOPES.filter((scope) => value.includes(scope)) : [];
}
