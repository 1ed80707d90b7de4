import { expect, it } from 'vitest';
import { failureOf, notFound, ParleyError } from '../../../src/core/errors.ts';
import { errorCodes, problemOf, problemResponse } from '../../../src/wire/problem.ts';

it.each(errorCodes)('%s has a status that is an error, and a title', (code) => {
  const problem = problemOf({ code, detail: 'd' }, 'request-1');
  expect(problem).toMatchObject({ code, detail: 'd', instance: 'request-1' });
  expect(problem.status).toBeGreaterThanOrEqual(400);
  expect(problem.status).toBeLessThan(600);
  expect(problem.status).not.toBe(422);
  expect(problem.title).not.toBe('');
  expect(URL.canParse(problem.type)).toBe(true);
});

it('Retry-After is in whole seconds, at least one', async () => {
  for (const [retryAfter, header] of [
    [7, '7'],
    [0, '1'],
    [0.2, '1'],
    [1.5, '2'],
    [undefined, null],
  ] as const) {
    const response = problemResponse({ code: 'model_rate_limited', detail: 'd', retryAfter }, 'r');
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe(header);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toMatchObject({ status: 429, code: 'model_rate_limited' });
  }
});

it('an unexpected error reveals nothing', () => {
  const failure = failureOf(new Error('SQLITE_ERROR near "secret"'));
  expect(JSON.stringify(problemOf(failure, 'r'))).not.toContain('secret');
  expect(failure.code).toBe('internal_error');
  expect(failureOf('secret')).toEqual(failure);
});

it('an expected failure shows its detail and not its cause', () => {
  const error = new ParleyError(
    { code: 'not_stored', detail: 'd' },
    { cause: new Error('secret') },
  );
  expect(JSON.stringify(problemOf(failureOf(error), 'r'))).not.toContain('secret');
  expect(failureOf(notFound('Chat'))).toMatchObject({
    code: 'not_found',
    detail: 'Chat not found',
  });
});
