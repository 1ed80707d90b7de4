/** Builds the input of a turn from a client's fields. */
import { invalid } from '../core/errors.ts';
import type { Json, Part } from '../core/parts.ts';
import { clean, cleanJson } from '../core/safe-text.ts';
import type { MessageAddress } from '../store/tree/find-message.ts';
import type { Attachment } from '../core/file.ts';
import type { AskedInput } from './attachments.ts';
import type { TurnInput } from '../turns/turn-service.ts';

/** A user message as clients send it; one of `message` and `content` is set. */
export interface MessageFields {
  message?: string;
  content?: string;
  /** Files that it has. */
  attachments?: readonly Attachment[];
  /** Results of calls that the answer before ended with. */
  tool_results?: readonly ToolResultFields[];
  /** The user's word on calls for which the answer before asked approval. */
  approvals?: readonly ApprovalFields[];
  /**
   * The answer that it follows; null for a new beginning, undefined for the end of the active path.
   */
  parent_message_id?: string | null;
}

/** The result of a call: what the tool gave, or why it gave nothing. */
export type ToolResultFields =
  | { tool_call_id: string; output: Json }
  | { tool_call_id: string; error: string };

export interface ApprovalFields {
  approval_id: string;
  approved: boolean;
  reason?: string;
  always?: true;
}

/** Returns the input of a new message. */
export function messageInput(fields: MessageFields): AskedInput {
  const { attachments, parent_message_id: parentId } = fields;
  return { kind: 'message', parts: partsOf(fields), parentId, attachments };
}

/**
 * Returns the input that answers a user message again. For an answer, that is the message that it
 * answers.
 */
export function regenerateInput({
  id,
  role,
  parentId,
}: Pick<MessageAddress, 'id' | 'role' | 'parentId'>): TurnInput {
  return { kind: 'regenerate', promptId: role === 'user' ? id : (parentId ?? id) };
}

/**
 * Returns the input for an edited message, which keeps all of the old one but its text, and its
 * files where others are given.
 * @throws ParleyError `invalid_request` for an answer
 */
export function editInput(message: MessageAddress, fields: MessageFields): AskedInput {
  if (message.role !== 'user') throw invalid('id', 'only a user message can be edited');
  const { attachments } = fields;
  const isKept = ({ type }: Part) => type !== 'text' && !(type === 'file' && attachments);
  const parts = [...message.parts.filter(isKept), ...partsOf(fields)];
  const { parentId } = message;
  return { kind: 'message', parts, parentId, parentMayBeQuestion: true, attachments };
}

function partsOf({ message, content, tool_results = [], approvals = [] }: MessageFields): Part[] {
  const text = message ?? content;
  return [
    ...tool_results.map(resultPart),
    ...approvals.map(approvalPart),
    ...(text === undefined ? [] : [{ type: 'text' as const, text }]),
  ];
}

function approvalPart({ reason, ...approval }: ApprovalFields): Part {
  return { type: 'approval', ...approval, ...(reason ? { reason: clean(reason) } : {}) };
}

function resultPart(result: ToolResultFields): Part {
  const { tool_call_id } = result;
  if ('output' in result)
    return { type: 'tool_result', tool_call_id, output: cleanJson(result.output) };
  const output = { error: clean(result.error) };
  return { type: 'tool_result', tool_call_id, output, is_error: true };
}
