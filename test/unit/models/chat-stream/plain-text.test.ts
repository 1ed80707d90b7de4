/** The short way reads an event as the long way does, or leaves it to that. */
import { expect, it } from 'vitest';
import { readChatEvent } from '../../../../src/models/chat-stream/chat-event.ts';
import { plainTextOf } from '../../../../src/models/chat-stream/plain-text.ts';
import { errorIn } from '../../../../src/models/chat-stream/reported-error.ts';

type Fields = Record<string, unknown>;

const PLAIN = {
  ...{ thought: '', refusal: '', toolCalls: [], finish: '', usage: undefined },
  isWhole: false,
};
/** Fields that say something in some service's events, by where they stand. */
const FIELDS = {
  event: ['error', 'errors', 'x_groq', 'usage', 'object', 'type', 'code', 'model'],
  choice: ['finish_reason', 'usage', 'error', 'text', 'message', 'index', 'logprobs'],
  delta: [
    ...['content', 'reasoning_content', 'reasoning', 'thinking', 'refusal', 'role'],
    ...['tool_calls', 'function_call', 'reasoning_details', 'reasoning_text'],
  ],
};
const COUNTS = { prompt_tokens: 1, completion_tokens: 2 };
const CALL = { id: 'a', function: { name: 'f', arguments: '{}' } };
const VALUES = [
  ...[null, '', 'error', 'stop', 'words', 0, 1, true, false, {}, [], COUNTS, CALL, [CALL]],
  [{ text: 'thought' }],
  ...[{ content: 'more' }, { usage: COUNTS }, { message: 'overloaded' }, { error: { code: 500 } }],
];

function event({ event = {}, choice = {}, delta = {} }: Partial<Record<string, Fields>>): Fields {
  return { choices: [{ index: 0, delta: { content: 'Hi', ...delta }, ...choice }], ...event };
}

function expectReadAlike(value: Fields): void {
  const text = plainTextOf(value);
  if (text === undefined) return;
  expect(readChatEvent(value)).toEqual({ ...PLAIN, text });
  expect(errorIn(value, '')).toBeUndefined();
}

const places = Object.entries(FIELDS).flatMap(([place, names]) =>
  names.map((name) => ({ place, name })),
);

it.each(places)('any value of $name in the $place, alone and beside others', ({ place, name }) => {
  for (const value of VALUES) {
    const own = { [place]: { [name]: value } };
    expectReadAlike(event(own));
    for (const other of places.filter((one) => one.place !== place))
      for (const beside of VALUES)
        expectReadAlike(event({ ...own, [other.place]: { [other.name]: beside } }));
  }
});

it.each([
  ['of OpenAI', event({ event: { usage: null }, choice: { finish_reason: null, logprobs: null } })],
  ['of one that says too much', event({ delta: { role: 'assistant', refusal: null } })],
  ['of the opening', event({ delta: { role: 'assistant', content: '' } })],
])('an event %s that adds text alone is read the short way', (_, value) => {
  expect(plainTextOf(value)).toBe(readChatEvent(value).text);
});

it.each([undefined, null, 5, 'text', [], [event({})], { choices: {} }, { choices: [[]] }])(
  '%j is left to the long way',
  (value) => expect(plainTextOf(value)).toBeUndefined(),
);
