import { expect, it } from 'vitest';
import type { Part } from '../../../src/core/parts.ts';
import { triggerOf, runInput } from '../../../src/routes/ag-ui/run-input.ts';
import { agUiWire, agUiWireNamed } from '../../../src/wire/ag-ui.ts';

const RUN = { threadId: 'a thread', runId: 'a "run"', messageId: 'm1' };
const CALL = { tool_call_id: 'c1', name: 'delete_all', input: { of: 'alice' } };
const PARTS: Part[] = [
  { type: 'text', text: 'I may do that. ' },
  { type: 'tool_call', ...CALL },
  { type: 'tool_approval', approval_id: 'a1', ...CALL },
];

it('tells of a call that needs an approval as an interrupt', () => {
  const encoder = agUiWire(RUN).encoder();
  const message = { status: 'complete', parts: PARTS, model: 'm', inputTokens: 1, outputTokens: 2 };
  // Only these fields of a message are looked at.
  const text = encoder.ended(undefined as never, { message } as never, 'end');
  expect(JSON.parse(text.split('data: ')[1] ?? '')).toEqual({
    type: 'RUN_FINISHED',
    threadId: 'a thread',
    runId: 'a "run"',
    outcome: {
      type: 'interrupt',
      interrupts: [
        {
          id: 'a1',
          reason: 'tool_approval',
          message: 'May delete_all run?',
          toolCallId: 'c1',
          metadata: { name: 'delete_all', input: { of: 'alice' } },
        },
      ],
    },
    usage: [{ model: 'm', inputTokens: 1, outputTokens: 2 }],
  });
});

it.each([
  ['resolved', undefined, { approved: true }],
  ['resolved', { approved: false, reason: 'not today' }, { approved: false, reason: 'not today' }],
  ['cancelled', undefined, { approved: false }],
])('takes an interrupt that is %s with %o for an answer', (status, payload, answer) => {
  const input = runInput.parse({
    threadId: 't',
    runId: 'r',
    messages: [{ id: 'm1', role: 'assistant', content: 'I may do that. ' }],
    resume: [{ interruptId: 'a1', status, payload }],
  });
  expect(triggerOf(input)).toEqual({
    kind: 'answer',
    answerId: 'm1',
    parts: [{ type: 'approval', approval_id: 'a1', ...answer }],
  });
});

it('is the same wire for another instance', () => {
  const wire = agUiWire(RUN);
  const other = agUiWireNamed(wire.name);
  expect(other?.name).toBe(wire.name);
  expect(other?.encoder().reasoning('hm', 'c')).toBe(wire.encoder().reasoning('hm', 'c'));
  expect(agUiWireNamed('native')).toBeUndefined();
});
