/** Items as messages that are stored: questions and answers in turn. */
import { invalid } from '../../core/errors.ts';
import type { Part } from '../../core/parts.ts';
import type { GivenMessage } from '../../store/append-messages.ts';
import type { InputItem } from './input.ts';

/** Returns the messages that items make. Items of one side that follow each other are one. */
export function messagesOf(items: readonly InputItem[]): GivenMessage[] {
  const made: GivenMessage[] = [];
  for (const item of items) {
    if (item.kind === 'instructions') continue;
    const role = item.kind === 'answer' ? 'assistant' : 'user';
    const last = made.at(-1);
    if (last?.role === role) last.parts = joined(last.parts, partsOf(item));
    else made.push({ role, parts: partsOf(item), finishReason: null });
  }
  return made.filter(({ parts }) => parts.length > 0).map(finished);
}

function partsOf(item: Exclude<InputItem, { kind: 'instructions' }>): Part[] {
  if (item.kind === 'answer') return item.parts;
  if (item.files) throw invalid('items', 'items: files can only be sent with what is answered');
  if (item.kind === 'result') return [item.part];
  return item.text === '' ? [] : [{ type: 'text', text: item.text }];
}

function joined(before: readonly Part[], after: readonly Part[]): Part[] {
  const [last, first] = [before.at(-1), after[0]];
  if (last?.type !== 'text' || first?.type !== 'text') return [...before, ...after];
  const text = `${last.text}\n\n${first.text}`;
  return [...before.slice(0, -1), { type: 'text', text }, ...after.slice(1)];
}

/** An answer with calls waits for their results. */
function finished(message: GivenMessage): GivenMessage {
  if (message.role === 'user') return message;
  const calls = message.parts.some(({ type }) => type === 'tool_call');
  return { ...message, finishReason: calls ? 'tool_calls' : 'stop' };
}
