/** The items of an input: what was said before, and what is new. */
import { z } from '@hono/zod-openapi';
import { invalid } from '../../core/errors.ts';
import type { QuestionFile } from '../../core/exchange.ts';
import type { Attachment } from '../../core/file.ts';
import type { Json, Part } from '../../core/parts.ts';
import { clean } from '../../core/safe-text.ts';
import { decodeSummary } from '../../wire/responses/compaction.ts';
import { parseItemId } from '../../wire/responses/ids.ts';
import { base64File, fileAt } from '../shared/given-file.ts';
import { checkResults, questionOf, resultItem, type SaidItem } from '../shared/history-of-items.ts';
import * as schemas from '../shared/schemas.ts';

const content = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  refusal: z.string().optional(),
  image_url: z.string().nullish(),
  file_id: z.string().max(200).nullish(),
  file_data: z.string().nullish(),
  file_url: z.string().nullish(),
  filename: z.string().max(1_000).nullish(),
});
const texts = z.union([z.string(), z.array(content)]);
const callId = z.string().min(1).max(200);

/** An item as clients send it. Its type may be left out where it is a message. */
export const inputItem = z.looseObject({
  type: z.string().nullish(),
  id: z.string().max(200).nullish(),
  role: z.enum(['user', 'assistant', 'system', 'developer']).optional(),
  content: texts.nullish(),
  call_id: callId.optional(),
  name: z.string().max(200).optional(),
  arguments: z.string().optional(),
  output: texts.optional(),
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

/** The parts of a content that are text. */
const TEXTS = new Set(['input_text', 'output_text', 'text', 'refusal', 'summary_text']);

/** The parts of a content that are files. */
const FILES = new Set(['input_image', 'input_file']);

function filesIn(given: z.output<typeof texts>, path: string): QuestionFile[] {
  if (typeof given === 'string') return [];
  return given.flatMap((part, at) => {
    if (!FILES.has(part.type)) return [];
    const file = fileIn(part, `${path}.${at}`);
    if (!file) throw invalid(`${path}.${at}`, `${path}.${at}: there is no file in it`);
    return [file];
  });
}

function fileIn(part: z.output<typeof content>, path: string): QuestionFile | undefined {
  const { file_id, file_data: data, filename } = part;
  const said = { path, name: filename ?? undefined };
  if (file_id) return { key: file_id, attachment: { file_id } };
  const url = part.type === 'input_image' ? part.image_url : part.file_url;
  if (url) return { key: url, attachment: fileAt(url, said) };
  if (!data) return undefined;
  // Some send the base64 alone.
  const attachment = /^data:/i.test(data) ? fileAt(data, said) : base64File(data, said);
  return { key: data, attachment };
}

/** @param mayHaveFiles true where files stand beside the text, which are read by themselves */
function textOf(given: z.output<typeof texts>, path: string, mayHaveFiles = false): string {
  const all = typeof given === 'string' ? [{ type: 'text', text: given }] : given;
  const parts = mayHaveFiles ? all.filter(({ type }) => !FILES.has(type)) : all;
  const said = parts.map(({ type, text, refusal }: z.output<typeof content>, at) => {
    if (TEXTS.has(type)) return text ?? refusal ?? '';
    throw invalid(`${path}.${at}.type`, `${path}: a part of type ${type} is not supported here`);
  });
  return said.join('\n').replaceAll('\0', '').toWellFormed();
}

/** Returns what the items say to the model in place of, or besides, the instructions. */
export function instructionsIn(items: readonly InputItem[]): string {
  return items.flatMap((item) => (item.kind === 'instructions' ? [item.text] : [])).join('\n\n');
}

/** Checks the length of what is said to the model. @throws ParleyError `invalid_request` */
export function checkedInstructions(text: string): string {
  const parsed = schemas.instructions.safeParse(text);
  if (parsed.success) return parsed.data;
  throw invalid('instructions', 'instructions: all that is said to the model there is too long');
}

/** Returns the message that the assistant's last item is of, where that item has an id of ours. */
export function lastAnswerIn(items: readonly InputItem[]): string | undefined {
  const last = items.findLast((item) => item.kind === 'answer');
  return last?.messageId;
}

/**
 * Returns the last of the user's messages in a history that has an id of ours, with what the
 * assistant said to it and what comes after; undefined where more was said than that.
 */
export function lastAnsweredIn(items: readonly InputItem[]) {
  const at = items.findLastIndex(
    (item) => (item.kind === 'question' || item.kind === 'result') && item.messageId !== undefined,
  );
  const item = items[at];
  if (!item || item.kind === 'instructions' || item.messageId === undefined) return undefined;
  const later = items.slice(at + 1);
  const next = later.findIndex(({ kind }) => kind !== 'answer');
  const answer = later.slice(0, next).flatMap((each) => (each.kind === 'answer' ? each.parts : []));
  const rest = later.slice(next);
  const isAll = next > 0 && rest.every(({ kind }) => kind !== 'answer');
  return isAll ? { messageId: item.messageId, answer, rest } : undefined;
}

/**
 * Returns the items that come after an answer. What belongs to the answer itself is left out, and
 * results may stand among it.
 */
export function itemsAfter(items: readonly InputItem[], messageId: string): InputItem[] {
  const first = items.findIndex((item) => item.kind === 'answer' && item.messageId === messageId);
  return items.slice(first + 1).filter(({ kind }) => kind !== 'answer');
}

/**
 * Returns the parts of the message that new items make: results of calls, then the text.
 * @throws ParleyError `invalid_request` when nothing is said
 */
export function partsOf(items: readonly InputItem[]): Part[] {
  const results = items.flatMap((item) => (item.kind === 'result' ? [item.part] : []));
  const said = items.flatMap((item) => (item.kind === 'question' ? [item.text] : []));
  checkResults(results, 'input');
  const isMore = results.length > 0 || filesOf(items).length > 0;
  if (isMore && said.every((text) => text === '')) return results;
  return [...results, { type: 'text', text: questionOf(said, 'input') }];
}

/** Returns the files in what the user says. */
export function filesOf(items: readonly InputItem[]): QuestionFile[] {
  return items.flatMap((item) => ('files' in item ? (item.files ?? []) : []));
}

/** Returns the files of the message that new items make; undefined for none. */
export function attachmentsOf(items: readonly InputItem[]): Attachment[] | undefined {
  const files = filesOf(items);
  return files.length === 0 ? undefined : files.map(({ attachment }) => attachment);
}
