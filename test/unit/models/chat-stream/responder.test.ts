import { expect, it } from 'vitest';
import { responderIn } from '../../../../src/models/chat-stream/responder.ts';

it.each([
  ['chat completions', { id: 'a', model: 'm-1', choices: [] }, { id: 'a', model: 'm-1' }],
  ['Responses', { type: 'x', response: { id: 'r', model: 'm' } }, { id: 'r', model: 'm' }],
  ['Gemini', { responseId: 'g', modelVersion: 'gem' }, { id: 'g', model: 'gem' }],
  ['a server that gives no ids', { model: 'm' }, { id: undefined, model: 'm' }],
])('finds what answers in an event of %s', (_, event, found) => {
  expect(responderIn(event)).toEqual(found);
});

it.each([[null], ['text'], [{}], [{ model: 7 }], [{ model: 'm'.repeat(129) }]])(
  'finds nothing in %j',
  (event) => {
    expect(responderIn(event)).toBeUndefined();
  },
);
