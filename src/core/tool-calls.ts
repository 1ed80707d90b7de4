/**
 * The calls of a model and their results in a history. A call that the client answers, or allows,
 * has its result in a later message: here it comes back to its call.
 */
import type { ContextMessage } from './context.ts';
import type { Part } from './parts.ts';

export type ToolCall = Extract<Part, { type: 'tool_call' }>;
export type ToolResult = Extract<Part, { type: 'tool_result' }>;
export type Approval = Extract<Part, { type: 'approval' }>;

/** The result of a call that nobody answered before the conversation went on. */
const UNANSWERED = { error: 'Nobody answered this call' };
/** The result of a call that was allowed, in a turn that broke off or failed. */
const UNKNOWN = { error: 'This call was allowed; what became of it is not known' };

/**
 * Returns a history in which every call has its result in the same message. Results without a call
 * are left out, messages that held nothing else disappear, and a call that nobody answered is
 * closed by an error.
 * @param history oldest first
 */
export function settleCalls(history: readonly ContextMessage[]): ContextMessage[] {
  if (!history.some(({ parts }) => parts.some(isAboutTools))) return [...history];
  const waiting = new Map<string, ContextMessage>();
  const allowed = allowedIn(history);
  const settled: ContextMessage[] = [];
  for (const original of history) {
    const message: ContextMessage = { ...original, parts: [] };
    for (const part of original.parts) {
      if (part.type === 'tool_result') answer(part, waiting, original === history.at(-1));
      else if (!isApproval(part)) message.parts.push(part);
      if (part.type === 'tool_call') waiting.set(part.tool_call_id, message);
    }
    if (message.parts.length > 0) settled.push(message);
  }
  for (const [tool_call_id, { parts }] of waiting)
    parts.push({
      type: 'tool_result',
      tool_call_id,
      output: allowed.has(tool_call_id) ? UNKNOWN : UNANSWERED,
      is_error: true,
    });
  return settled;
}

/** Returns the ids of the calls that the user has allowed. */
function allowedIn(history: readonly ContextMessage[]): ReadonlySet<string> {
  const parts = history.flatMap((message) => message.parts);
  const approved = new Set(
    parts.map((part) => (part.type === 'approval' && part.approved ? part.approval_id : undefined)),
  );
  const isApproved = (part: Part) =>
    part.type === 'tool_approval' && approved.has(part.approval_id);
  return new Set(
    parts.flatMap((part) =>
      part.type === 'tool_approval' && isApproved(part) ? [part.tool_call_id] : [],
    ),
  );
}

function isApproval({ type }: Part): boolean {
  return type === 'tool_approval' || type === 'approval';
}

/** Adds a result to the message of its call. */
function answer(result: ToolResult, waiting: Map<string, ContextMessage>, isNew: boolean): void {
  const caller = waiting.get(result.tool_call_id);
  if (!caller) return;
  caller.parts.push(result);
  if (isNew) caller.hasNewResults = true;
  waiting.delete(result.tool_call_id);
}

function isAboutTools(part: Part): boolean {
  return part.type === 'tool_call' || part.type === 'tool_result' || isApproval(part);
}

/** Returns the calls of an answer that its client has to answer: of the others, it holds more. */
export function waitingCalls(parts: readonly Part[]): ToolCall[] {
  const calls = parts.filter((part): part is ToolCall => part.type === 'tool_call');
  if (calls.length === 0) return calls;
  const settled = new Set(
    parts.map((part) =>
      part.type === 'tool_result' || part.type === 'tool_approval' ? part.tool_call_id : undefined,
    ),
  );
  return calls.filter(({ tool_call_id: id }) => !settled.has(id));
}

/** The calls of client's tools and requests for approval that a message answers, by ids. */
export interface Answers {
  calls: string[];
  approvals: string[];
}

/**
 * Returns what these parts of a message answer; undefined for a message that only says something.
 */
export function answersIn(parts: readonly Part[]): Answers | undefined {
  const answers: Answers = { calls: [], approvals: [] };
  for (const part of parts) {
    if (part.type === 'tool_result') answers.calls.push(part.tool_call_id);
    if (part.type === 'approval') answers.approvals.push(part.approval_id);
  }
  return answers.calls.length + answers.approvals.length > 0 ? answers : undefined;
}
