import type { z } from '@hono/zod-openapi';
import { ParleyError, type FieldError } from '../../core/errors.ts';

type Issue = z.core.$ZodIssue;

/** Returns the error with the issues that a schema found, one for each field. */
export function invalidInput({ issues }: Pick<z.ZodError, 'issues'>): ParleyError {
  const errors = oneForEach(issues.flatMap((issue) => fieldErrors(issue)));
  const detail = errors
    .map(({ path, message }) => (path ? `${path}: ${message}` : message))
    .join('; ');
  return new ParleyError({ code: 'invalid_request', detail, errors });
}

/** Of a value of a wrong type, what is said of its size besides is none of its faults. */
const OF_TYPE = /^Invalid input: expected .*, received /u;

/** Returns one error for each field: that of its type, or else the last, which is the narrowest. */
function oneForEach(errors: readonly FieldError[]): FieldError[] {
  const found = new Map<string | FieldError, FieldError>();
  for (const error of errors) {
    const before = found.get(error.path);
    // What is said of the whole is about several things.
    if (error.path === '') found.set(error, error);
    else if (!before || !OF_TYPE.test(before.message)) found.set(error.path, error);
  }
  return [...found.values()];
}

/** Says an issue in words for somebody who does not know the schema. */
function fieldErrors(issue: Issue, parent: readonly PropertyKey[] = []): FieldError[] {
  const path = [...parent, ...issue.path];
  if (issue.code === 'invalid_union') {
    const nearest = nearestOf(issue.errors);
    if (nearest) return nearest.flatMap((inner) => fieldErrors(inner, path));
  }
  return [{ path: path.join('.'), message: wordsOf(issue) }];
}

/**
 * Returns the issues of the alternative that the value fits best: the one that got furthest into
 * it, or whose type it has. Undefined when none got anywhere.
 */
function nearestOf(alternatives: readonly Issue[][]): Issue[] | undefined {
  return (
    alternatives.find((issues) => issues.every(({ path }) => path.length > 0)) ??
    alternatives.find((issues) => issues.every(({ code }) => code !== 'invalid_type'))
  );
}

function wordsOf(issue: Issue): string {
  if (issue.code === 'invalid_union') return expectedBy(issue.errors) ?? issue.message;
  return issue.message.endsWith(', received undefined') ? 'is required' : issue.message;
}

/** Joins what several alternatives expected. */
function expectedBy(alternatives: readonly Issue[][]): string | undefined {
  const expected = alternatives.flatMap((issues) => issues.map(({ message }) => message));
  const words = expected.flatMap(
    (message) => /: (expected .*?)(?:, received|$)/.exec(message)?.[1] ?? [],
  );
  return words.length === 0 ? undefined : `Invalid input: ${words.join(' or ')}`;
}
