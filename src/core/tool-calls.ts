/**
 * The calls of a model and their results in a history. A call that the client answers, or allows,
 * has its result in a later message: here it comes back to its call.
 */
import type { ContextMessage } from './context.ts';
import type { Part } from './parts.ts';

type ToolResult = Extract<Part, { type: 'tool_result' }>;

/** The result of a call that nobody answered before the conversation went on. */
const UNANSWERED = { error: 'Nobody answered this call' };

/**
 * Returns a history in which every call has its result in the same message. Results without a call
 * are left out, messages that held nothing else disappear, and a call that nobody answered is
 * closed by an error.
 * @param history oldest first
 */
export function settleCalls(history: readonly ContextMessage[]): ContextMessage[] {
  if (!history.some(({ parts }) => parts.some(isAboutTools))) return [...history];
  const waiting = new Map<string, ContextMessage>();
  const settled: ContextMessage[] = [];
  for (const original of history) {
    const message: ContextMessage = { ...original, parts: [] };
    for (const part of original.parts) {
      if (part.type === 'tool_result') answer(part, waiting, original === history.at(-1));
      else message.parts.push(part);
      if (part.type === 'tool_call') waiting.set(part.tool_call_id, message);
    }
    if (message.parts.length > 0) settled.push(message);
  }
  for (const [tool_call_id, { parts }] of waiting)
    parts.push({ type: 'tool_result', tool_call_id, output: UNANSWERED, is_error: true });
  return settled;
}

/** Adds a result to the message of its call. */
function answer(result: ToolResult, waiting: Map<string, ContextMessage>, isNew: boolean): void {
  const caller = waiting.get(result.tool_call_id);
  if (!caller) return;
  caller.parts.push(result);
  if (isNew) caller.hasNewResults = true;
  waiting.delete(result.tool_call_id);
}

function isAboutTools({ type }: Part): boolean {
  return type === 'tool_call' || type === 'tool_result';
}

/** Returns the ids of the calls that the results among these parts answer. */
export function answeredBy(parts: readonly Part[]): string[] {
  return parts.flatMap((part) => (part.type === 'tool_result' ? [part.tool_call_id] : []));
}
