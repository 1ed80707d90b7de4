import type { z } from '@hono/zod-openapi';
import { ParleyError } from '../../core/errors.ts';

/** Returns the error with the issues that a schema found, one for each field. */
export function invalidInput({ issues }: Pick<z.ZodError, 'issues'>): ParleyError {
  const errors = issues.map(({ path, message }) => ({ path: path.join('.'), message }));
  const detail = errors
    .map(({ path, message }) => (path ? `${path}: ${message}` : message))
    .join('; ');
  return new ParleyError({ code: 'invalid_request', detail, errors });
}
