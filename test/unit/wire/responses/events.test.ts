import { expect, it } from 'vitest';
import { responseEvents } from '../../../../src/wire/responses/events.ts';

it('tells why a turn that waited was refused, in both forms that clients look for', () => {
  const encoder = responseEvents().encoder({ textOf: () => '' });
  const failure = { code: 'not_found' as const, detail: 'The conversation is gone' };
  const said = encoder.refused({ turnId: 't', conversationId: 'c' }, failure);
  const [name, data] = said.split('\n');
  const error = { code: 'not_found', message: 'The conversation is gone', param: null };
  expect(name).toBe('event: error');
  expect(JSON.parse(data?.slice('data: '.length) ?? '')).toEqual({
    type: 'error',
    sequence_number: 0,
    ...error,
    error: { ...error, type: 'not_found_error' },
  });
});
