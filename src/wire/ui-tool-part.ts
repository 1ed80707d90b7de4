/** A call of a tool as a part of a message of the AI SDK, in whatever state it is. */
import type { Json, Part } from '../core/parts.ts';

type PartOf<Type extends Part['type']> = Extract<Part, { type: Type }>;

/**
 * Returns the words of a failed call of a tool. Tools of our own tell their failures as text or as
 * an object.
 */
export function errorText(output: Json): string {
  return typeof output === 'string' ? output : JSON.stringify(output);
}

/** @param said what was said of this call and others: results, requests and approvals */
export function uiToolPart(call: PartOf<'tool_call'>, said: readonly Part[]) {
  const { tool_call_id: toolCallId, name, input } = call;
  const result = said.find(
    (part) => part.type === 'tool_result' && part.tool_call_id === toolCallId,
  );
  const base = { type: `tool-${name}`, toolCallId, input };
  const approval = approvalOf(toolCallId, said);
  const allowed = approval ? { ...base, approval } : base;
  if (result?.type !== 'tool_result') return { ...allowed, state: waitingState(approval) };
  if (result.is_denied) return { ...allowed, state: 'output-denied' };
  return result.is_error
    ? { ...allowed, state: 'output-error', errorText: errorText(result.output) }
    : { ...allowed, state: 'output-available', output: result.output };
}

interface UiApproval {
  id: string;
  approved?: boolean;
  reason?: string;
}

function approvalOf(toolCallId: string, said: readonly Part[]): UiApproval | undefined {
  const request = said.find(
    (part) => part.type === 'tool_approval' && part.tool_call_id === toolCallId,
  );
  if (request?.type !== 'tool_approval') return undefined;
  const { approval_id: id } = request;
  const answer = said.find((part) => part.type === 'approval' && part.approval_id === id);
  if (answer?.type !== 'approval') return { id };
  const { approved, reason } = answer;
  return { id, approved, ...(reason === undefined ? {} : { reason }) };
}

function waitingState(approval: UiApproval | undefined) {
  if (!approval) return 'input-available';
  return approval.approved === undefined ? 'approval-requested' : 'approval-responded';
}
