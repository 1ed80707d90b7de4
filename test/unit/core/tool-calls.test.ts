import { expect, it } from 'vitest';
import type { ContextMessage } from '../../../src/core/context.ts';
import type { Part } from '../../../src/core/parts.ts';
import { answersIn, settleCalls, waitingCalls } from '../../../src/core/tool-calls.ts';

const text = (said: string): Part => ({ type: 'text', text: said });
const call = (tool_call_id: string): Part => ({
  type: 'tool_call',
  tool_call_id,
  name: 'look',
  input: {},
});
const result = (tool_call_id: string, output = 'seen'): Part => ({
  type: 'tool_result',
  tool_call_id,
  output,
});
const asksApproval = (approval_id: string, tool_call_id: string): Part => ({
  type: 'tool_approval',
  approval_id,
  tool_call_id,
  name: 'look',
  input: {},
});
const approval = (approval_id: string, approved: boolean): Part => ({
  type: 'approval',
  approval_id,
  approved,
});
const user = (...parts: Part[]): ContextMessage => ({ role: 'user', parts });
const assistant = (...parts: Part[]): ContextMessage => ({ role: 'assistant', parts });

it('leaves a history without calls as it is', () => {
  const history = [user(text('hi')), assistant(text('hello'))];
  expect(settleCalls(history)).toEqual(history);
});

it('brings a result back to its call, and drops a message that held nothing else', () => {
  const history = [user(text('hi')), assistant(call('a')), user(result('a'), text('and now?'))];
  expect(settleCalls([...history, assistant(text('well')), user(result('a', 'twice'))])).toEqual([
    user(text('hi')),
    { ...assistant(call('a'), result('a')), hasNewResults: undefined },
    user(text('and now?')),
    assistant(text('well')),
  ]);
});

it('says of the newest message alone that its results are new', () => {
  const history = [
    assistant(call('a')),
    user(result('a')),
    assistant(call('b')),
    user(result('b')),
  ];
  expect(settleCalls(history).map(({ hasNewResults = false }) => hasNewResults)).toEqual([
    false,
    true,
  ]);
});

it('closes a call that nobody answered, and says so of one that was allowed', () => {
  const history = [
    assistant(call('a'), call('b'), asksApproval('p', 'b'), call('c'), asksApproval('q', 'c')),
    user(approval('p', true), approval('q', false)),
  ];
  const [settled, ...others] = settleCalls(history);
  expect(others).toEqual([]);
  expect(settled?.parts.slice(3)).toMatchObject([
    { tool_call_id: 'a', is_error: true, output: { error: 'Nobody answered this call' } },
    { tool_call_id: 'b', is_error: true, output: { error: expect.stringContaining('allowed') } },
    { tool_call_id: 'c', is_error: true, output: { error: 'Nobody answered this call' } },
  ]);
});

it('leaves the history that it was given alone', () => {
  const history = [assistant(call('a')), user(result('a'))];
  const before = structuredClone(history);
  settleCalls(history);
  expect(history).toEqual(before);
});

it('finds the calls that the client has to answer', () => {
  const parts = [call('a'), call('b'), result('b'), call('c'), asksApproval('p', 'c')];
  expect(waitingCalls(parts)).toEqual([call('a')]);
  expect(waitingCalls([text('hi')])).toEqual([]);
});

it('tells what a message answers', () => {
  expect(answersIn([text('hi')])).toBeUndefined();
  expect(answersIn([result('a'), approval('p', false), text('hi')])).toEqual({
    calls: ['a'],
    approvals: ['p'],
  });
});
