import { expect, it } from 'vitest';
import { OPERATIONS, wrongIn, wrongInError } from './judge.ts';

const model = { id: 'm', object: 'model', created: 1, owned_by: 'me' };
const delta = {
  type: 'response.output_text.delta',
  ...{ sequence_number: 4, item_id: 'msg_1', output_index: 0, content_index: 0 },
  ...{ delta: 'x', logprobs: [] },
};

it('passes what is as described', () => {
  expect(wrongIn('get /models/{model}', 'json', model)).toEqual([]);
  expect(wrongIn('post /responses', 'stream', delta)).toEqual([]);
  const error = { message: 'No', type: 'not_found_error', param: null, code: null };
  expect(wrongInError({ error })).toEqual([]);
});

it('finds a key that is missing, a value of another type and an event of no type', () => {
  const { created: _, ...lacking } = model;
  expect(wrongIn('get /models/{model}', 'json', lacking).join()).toContain('"created"');
  expect(wrongIn('get /models/{model}', 'json', { ...model, id: 1 }).join()).toContain('#/id');
  const wrong = wrongIn('post /responses', 'stream', { ...delta, delta: null });
  expect(wrong.join()).toContain('#/delta');
  expect(wrongIn('post /responses', 'stream', {})).not.toEqual([]);
  expect(wrongInError({ error: 'No' })).not.toEqual([]);
});

it('knows operations and events by name, and no other', () => {
  expect(OPERATIONS).toHaveLength(18);
  expect(() => wrongIn('get /nothing', 'json', {})).toThrow('not');
  expect(() => wrongIn('get /models', 'stream', {})).toThrow('no stream');
  const unknown = { ...delta, type: 'response.invented' };
  expect(() => wrongIn('post /responses', 'stream', unknown)).toThrow('response.invented');
});

it('has a schema for everything that it judges', () => {
  const empty = OPERATIONS.filter((operation) => wrongIn(operation, 'json', {}).length === 0);
  expect(empty).toEqual([]);
});
