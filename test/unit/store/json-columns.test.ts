import { expect, it } from 'vitest';
import { parseFailure, parseHeadings, parseMetadata } from '../../../src/store/json-columns.ts';

it('a stored failure is read with its fields', () => {
  const failure = { code: 'not_found', detail: 'gone', errors: [{ path: 'a', message: 'b' }] };
  expect(parseFailure(JSON.stringify({ ...failure, retryAfter: 1, more: 2 }))).toEqual({
    ...failure,
    retryAfter: 1,
  });
});

it('a failure with a code of another release is an internal error', () => {
  const stored = JSON.stringify({ code: 'from_the_future', detail: 'x' });
  expect(parseFailure(stored)).toEqual({ code: 'internal_error', detail: 'x' });
});

it.each(['null', '[]', '1', '{"code":"not_found"}', '{'])('%s is no failure', (text) => {
  expect(() => parseFailure(text)).toThrow();
});

it('metadata are an object', () => {
  expect(parseMetadata('{"a":[1,null]}')).toEqual({ a: [1, null] });
  for (const text of ['[]', 'null', '"a"', '1', '']) expect(() => parseMetadata(text)).toThrow();
});

it('headings are a list of strings', () => {
  expect(parseHeadings('["a","b"]')).toEqual(['a', 'b']);
  for (const text of ['{}', 'null', '[1]', '"a"']) expect(() => parseHeadings(text)).toThrow();
});
