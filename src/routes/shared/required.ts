import { notFound } from '../../core/errors.ts';

/** Returns a value that is there. @throws ParleyError `not_found` where it is not */
export function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw notFound(what);
  return value;
}
