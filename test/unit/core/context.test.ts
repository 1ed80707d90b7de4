import { describe, expect, it } from 'vitest';
import {
  chooseContext,
  textOf,
  type ContextLimits,
  type ContextMessage,
} from '../../../src/core/context.ts';
import { estimateTokens } from '../../../src/core/tokens.ts';

const defaults: ContextLimits = { windowMessages: 20, minMessages: 10, tokenBudget: 1_000_000 };

/** A conversation of `count` messages that ends with the user's. */
function conversation(count: number, text = (index: number) => `m${index}`): ContextMessage[] {
  return Array.from({ length: count }, (_message, index) => ({
    role: (count - index) % 2 === 1 ? 'user' : 'assistant',
    parts: [{ type: 'text' as const, text: text(index) }],
  }));
}

function said(role: ContextMessage['role'], text: string): ContextMessage {
  return { role, parts: [{ type: 'text', text }] };
}

function choose(history: ContextMessage[], limits: Partial<ContextLimits> = {}, reserved = 0) {
  return chooseContext({ history, limits: { ...defaults, ...limits }, reserved });
}

function texts(messages: ContextMessage[]): string[] {
  return messages.map(textOf);
}

describe('how many messages are sent', () => {
  it('begins with the user, or with the greeting that the conversation began with', () => {
    const greeting = said('assistant', 'Welcome');
    const rest = [said('user', 'Hi'), said('assistant', 'Yes?'), said('user', 'Tell me')];
    expect(texts(choose([greeting, ...rest]))).toEqual(['Hi', 'Yes?', 'Tell me']);
    const known = [{ ...greeting, isGreeting: true as const }, ...rest];
    expect(texts(choose(known))).toEqual(['Welcome', 'Hi', 'Yes?', 'Tell me']);
    expect(texts(choose(known, { windowMessages: 3 }))).toEqual(['Hi', 'Yes?', 'Tell me']);
  });

  it.each([
    [1, 1],
    [2, 1],
    [19, 19],
    [20, 19],
    [21, 19],
    [101, 19],
  ])('the newest messages are sent, of %i with the user last: %i', (count, sent) => {
    const history = conversation(count);
    const chosen = choose(history);
    expect(texts(chosen)).toEqual(texts(history.slice(-sent)));
    expect(chosen[0]?.role).toBe('user');
  });

  it('twenty where the twentieth newest is the user’s', () => {
    // An answer was left out: two messages of the user are neighbours, and one for the model.
    const history = conversation(41).filter((_message, index) => index !== 39);
    const chosen = choose(history);
    expect(texts(chosen)).toEqual([...texts(history.slice(-20, -2)), 'm38\n\nm40']);
  });

  it('at least one message is sent, whatever the limits', () => {
    const tight = { windowMessages: 1, minMessages: 1, tokenBudget: 1 };
    expect(texts(choose(conversation(9), tight))).toEqual(['m8']);
  });
});

describe('the budget', () => {
  const long = (index: number) => `${index} ${'word '.repeat(200)}`;
  const each = estimateTokens(long(1));

  it('lets the newest in that fit, whole', () => {
    const history = conversation(31, long);
    const chosen = choose(history, { tokenBudget: each * 15 + 5 });
    expect(texts(chosen)).toEqual(texts(history.slice(-15)));
  });

  it.each([0, 1, -100])(
    'the budget of %i still sends the newest ten, less a leading answer',
    (tokenBudget) => {
      const history = conversation(31, long);
      expect(texts(choose(history, { tokenBudget }))).toEqual(texts(history.slice(-9)));
    },
  );

  it('is shared with the instructions', () => {
    const history = conversation(31, long);
    const chosen = choose(history, { tokenBudget: each * 15 + 5 }, each * 2);
    expect(texts(chosen)).toEqual(texts(history.slice(-13)));
  });

  it('never skips a long message to fit an older short one', () => {
    const history = conversation(31, (index) =>
      index === 18 ? 'word '.repeat(5000) : `m${index}`,
    );
    expect(texts(choose(history, { tokenBudget: 300 }))[0]).toBe('m20');
  });
});

it('merges neighbouring messages of the user, where answers were left out', () => {
  const history: ContextMessage[] = [
    said('user', 'one'),
    said('user', 'two'),
    said('assistant', 'yes'),
    said('user', 'three'),
  ];
  const before = structuredClone(history);
  expect(choose(history)).toEqual([
    said('user', 'one\n\ntwo'),
    said('assistant', 'yes'),
    said('user', 'three'),
  ]);
  expect(history).toEqual(before);
});

describe('tool calls of earlier turns', () => {
  const call = {
    type: 'tool_call',
    tool_call_id: 'c1',
    name: 'search',
    input: { q: 'x' },
  } as const;
  const result = { type: 'tool_result', tool_call_id: 'c1', output: 'word '.repeat(500) } as const;
  const answered: ContextMessage = {
    role: 'assistant',
    parts: [call, result, { type: 'text', text: 'found' }],
  };
  const history = [said('user', 'one'), answered, said('user', 'two')];

  it('are sent with their results', () => {
    expect(choose(history)[1]).toEqual(answered);
  });

  it('are left out in pairs where they do not fit, and the text stays', () => {
    const chosen = choose(history, { tokenBudget: 50, minMessages: 1 });
    expect(chosen[1]).toEqual(said('assistant', 'found'));
  });
});
