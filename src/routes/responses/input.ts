/** The items of an input: what was said before, and what is new. */
import { z } from '@hono/zod-openapi';
import { invalid } from '../../core/errors.ts';
import type { Json, Part } from '../../core/parts.ts';
import { clean } from '../../core/safe-text.ts';
import { decodeSummary } from '../../wire/responses/compaction.ts';
import { parseItemId } from '../../wire/responses/ids.ts';
import { resultItem, type SaidItem } from '../shared/history-of-items.ts';
import { filesIn, itemContent, textOf } from './item-content.ts';

const callId = z.string().min(1).max(200);

/** An item as clients send it. Its type may be left out where it is a message. */
export const inputItem = z.looseObject({
  type: z.string().nullish(),
  id: z.string().max(200).nullish(),
  role: z.enum(['user', 'assistant', 'system', 'developer']).optional(),
  content: itemContent.nullish(),
  call_id: callId.optional(),
  name: z.string().max(200).optional(),
  arguments: z.string().optional(),
  output: itemContent.optional(),
  approval_request_id: callId.optional(),
  approve: z.boolean().optional(),
  reason: z.string().nullish(),
  encrypted_content: z.string().nullish(),
});

type Given = z.output<typeof inputItem>;

/** An item of an input, as we understand it. */
export type InputItem = { kind: 'instructions'; text: string } | (SaidItem & FromMessage);

interface FromMessage {
  /** The id of the message that it is of, where it is one of ours. */
  messageId?: string | undefined;
}

/**
 * Reads an input.
 * @throws ParleyError `invalid_request` that names the item
 */
export function itemsIn(input: string | readonly Given[]): InputItem[] {
  if (typeof input === 'string') return [{ kind: 'question', text: input }];
  return input.map((item, at) => itemFrom(item, `input.${at}`));
}

function itemFrom(item: Given, path: string): InputItem {
  switch (item.type ?? (item.role ? 'message' : 'item_reference')) {
    case 'message':
      return messageFrom(item, path);
    case 'function_call_output':
      return resultFrom(item, path);
    case 'mcp_approval_response':
      return approvalFrom(item, path);
    case 'compaction':
      return summaryFrom(item, path);
    case 'function_call':
      return answered(item, [callFrom(item, path)]);
    case 'reasoning':
    case 'mcp_approval_request':
      return answered(item, []);
    case 'item_reference':
      if (item.id && parseItemId(item.id)) return answered(item, []);
      throw invalid(`${path}.id`, `${path}: there is no item ${item.id ?? 'without an id'}`);
    default:
      throw invalid(`${path}.type`, `${path}: items of type ${item.type} are not supported here`);
  }
}

function answered(item: Given, parts: Part[]): InputItem {
  return { kind: 'answer', messageId: messageIdOf(item), parts };
}

function messageIdOf({ id }: Given): string | undefined {
  return id ? parseItemId(id)?.messageId : undefined;
}

function messageFrom(item: Given, path: string): InputItem {
  const isUsers = item.role === 'user';
  const files = isUsers ? filesIn(item.content ?? '', `${path}.content`) : [];
  const text = textOf(item.content ?? '', `${path}.content`, isUsers);
  if (item.role === 'assistant') return answered(item, text === '' ? [] : [{ type: 'text', text }]);
  const messageId = messageIdOf(item);
  if (isUsers) return { kind: 'question', messageId, text, ...(files.length > 0 ? { files } : {}) };
  if (item.role) return { kind: 'instructions', text };
  throw invalid(`${path}.role`, `${path}.role is required`);
}

function resultFrom(item: Given, path: string): InputItem {
  const { call_id, output } = item;
  if (call_id === undefined) throw invalid(`${path}.call_id`, `${path}.call_id is required`);
  const files = filesIn(output ?? '', `${path}.output`);
  const text = textOf(output ?? '', `${path}.output`, true);
  const result = { type: 'tool_result' as const, tool_call_id: call_id, output: text };
  return { ...resultItem(result, files), messageId: messageIdOf(item) };
}

function approvalFrom(
  { approval_request_id: id, approve, reason }: Given,
  path: string,
): InputItem {
  if (id === undefined || approve === undefined)
    throw invalid(path, `${path}: approval_request_id and approve are required`);
  const approval_id = id.replace(/^mcpr_/, '');
  const why = reason ? { reason: clean(reason) } : {};
  return { kind: 'result', part: { type: 'approval', approval_id, approved: approve, ...why } };
}

/** A summary holds for all that follows, as instructions do. */
function summaryFrom({ encrypted_content: content }: Given, path: string): InputItem {
  const summary = decodeSummary(content ?? '');
  if (summary !== undefined)
    return { kind: 'instructions', text: `Summary of the conversation so far:\n${summary}` };
  const where = `${path}.encrypted_content`;
  throw invalid(where, `${where} was not made by this server`);
}

function callFrom({ call_id, name, arguments: given = '{}' }: Given, path: string): Part {
  if (call_id === undefined || name === undefined)
    throw invalid(path, `${path}: call_id and name are required`);
  try {
    return { type: 'tool_call', tool_call_id: call_id, name, input: JSON.parse(given) as Json };
  } catch {
    throw invalid(`${path}.arguments`, `${path}.arguments must be JSON`);
  }
}
