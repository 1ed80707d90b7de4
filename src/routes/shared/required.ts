import { notFound } from '../../core/errors.ts';

/**
 * Returns the value.
 * @throws ParleyError `not_found` when it is undefined
 */
export function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw notFound(what);
  return value;
}
