/** Messages as the items of OpenAI's Responses. */
import type { Message, Status } from '../../core/message.ts';
import {
  contentOf,
  filesIn,
  isGrowing,
  type Citation,
  type FilePart,
  type Part,
} from '../../core/parts.ts';
import { itemId } from './ids.ts';

export type ItemStatus = 'in_progress' | 'completed' | 'incomplete';

type ToolCall = Extract<Part, { type: 'tool_call' }>;
type Approval = Extract<Part, { type: 'tool_approval' }>;

/** Returns a text of an answer as an item. */
export function messageItem(
  id: string,
  status: ItemStatus,
  text?: { text: string; sources: readonly Citation[] },
) {
  const content = text ? [outputText(text.text, text.sources)] : [];
  return { id, type: 'message' as const, status, role: 'assistant' as const, content };
}

/** Returns the content of a text, with the passages that it cites. */
export function outputText(text: string, sources: readonly Citation[]) {
  return { type: 'output_text' as const, text, annotations: cited(text, sources), logprobs: [] };
}

/** Returns the thoughts before an answer as an item. */
export function reasoningItem(id: string, text?: string) {
  const summary = text === undefined ? [] : [{ type: 'summary_text' as const, text }];
  return { id, type: 'reasoning' as const, summary };
}

/** Returns a call that the client has to answer as an item. */
export function callItem(id: string, { tool_call_id, name, input }: ToolCall) {
  return {
    id,
    type: 'function_call' as const,
    status: 'completed' as const,
    call_id: tool_call_id,
    name,
    arguments: JSON.stringify(input),
  };
}

/** The label of our own tools, which are no server's. */
const OWN_LABEL = 'parley';

function approvalItem({ approval_id, name, input }: Approval) {
  const [, server_label = OWN_LABEL, tool = name] = /^(.+?)__(.+)$/.exec(name) ?? [];
  return {
    id: itemId('mcpr', approval_id),
    type: 'mcp_approval_request' as const,
    server_label,
    name: tool,
    arguments: JSON.stringify(input),
  };
}

/** The marks by which an answer cites passages: `[1]`, or `[1, 2]`. */
const MARK = /\[(\d+(?:\s*,\s*\d+)*)\]/g;

function cited(text: string, sources: readonly Citation[]) {
  if (sources.length === 0) return [];
  return [...text.matchAll(MARK)].flatMap((mark) => {
    const numbers = (mark[1] ?? '').split(',').map(Number);
    const found = sources.filter(({ n }) => numbers.includes(n));
    return found.map((source) => citation(source, mark.index, mark.index + mark[0].length));
  });
}

function citation({ url, title, document_id }: Citation, start: number, end: number) {
  return url === undefined
    ? { type: 'file_citation', index: start, file_id: document_id, filename: title ?? document_id }
    : { type: 'url_citation', start_index: start, end_index: end, url, title: title ?? url };
}

const ITEM_STATUSES: Partial<Record<Status, ItemStatus>> = {
  streaming: 'in_progress',
  complete: 'completed',
};

/**
 * Returns what an answer put out: its texts and thoughts in their order, then the calls and the
 * questions that it waits for. What our own tools do in between is not the client's to answer.
 */
export function outputItems({ id, parts, status, finishReason }: AnswerFields): OutputItem[] {
  const wholly = ITEM_STATUSES[status] ?? 'incomplete';
  const sources = parts.flatMap((part) => (part.type === 'sources' ? part.sources : []));
  let hasText = false;
  const said = parts.flatMap((part, at): OutputItem[] => {
    if (!isGrowing(part)) return [];
    if (part.type === 'reasoning') return [reasoningItem(itemId('rs', id, at), part.text)];
    const name = itemId('msg', id, hasText ? at : undefined);
    hasText = true;
    const isLast = at === parts.length - 1;
    return [messageItem(name, isLast ? wholly : 'completed', { text: part.text, sources })];
  });
  return [...said, ...(finishReason === 'tool_calls' ? waitingItems(id, parts) : [])];
}

export type OutputItem =
  | ReturnType<typeof messageItem>
  | ReturnType<typeof reasoningItem>
  | ReturnType<typeof callItem>
  | ReturnType<typeof approvalItem>;

type AnswerFields = Pick<Message, 'id' | 'parts' | 'status' | 'finishReason'>;

/** Returns the calls that nothing has answered yet, and the questions that wait for the user. */
function waitingItems(id: string, parts: readonly Part[]): OutputItem[] {
  const settled = new Set(
    parts.map((part) =>
      part.type === 'tool_result' || part.type === 'tool_approval' ? part.tool_call_id : undefined,
    ),
  );
  return parts.flatMap((part, at): OutputItem[] => {
    if (part.type === 'tool_approval') return [approvalItem(part)];
    if (part.type !== 'tool_call' || settled.has(part.tool_call_id)) return [];
    return [callItem(itemId('fc', id, at), part)];
  });
}

/** Returns a user's message as items: what it answered of calls, then what it said. */
export function inputItems({ id, parts }: Pick<Message, 'id' | 'parts'>) {
  const answered = parts.flatMap((part, at) => answeredItem(part, itemId('fco', id, at)) ?? []);
  const text = contentOf(parts);
  const content = [
    ...filesIn(parts).map(inputFile),
    ...(text === '' ? [] : [{ type: 'input_text' as const, text }]),
  ];
  if (content.length === 0) return answered;
  const said = { id: itemId('msg', id), type: 'message' as const, status: 'completed' as const };
  return [...answered, { ...said, role: 'user' as const, content }];
}

function inputFile({ file_id, name: filename, mime_type: type }: FilePart) {
  return type.startsWith('image/')
    ? { type: 'input_image' as const, file_id, detail: 'auto' as const }
    : { type: 'input_file' as const, file_id, filename };
}

function answeredItem(part: Part, id: string) {
  if (part.type === 'approval') {
    const { approval_id, approved, reason = null } = part;
    const approval_request_id = itemId('mcpr', approval_id);
    const type = 'mcp_approval_response' as const;
    return { id, type, approval_request_id, approve: approved, reason };
  }
  if (part.type !== 'tool_result') return undefined;
  const { tool_call_id, output } = part;
  return {
    id,
    type: 'function_call_output' as const,
    status: 'completed' as const,
    call_id: tool_call_id,
    output: typeof output === 'string' ? output : JSON.stringify(output),
  };
}

export type Item = OutputItem | ReturnType<typeof inputItems>[number];

/** Returns all items of a message. */
export function itemsOf(message: Message): Item[] {
  return message.role === 'user' ? inputItems(message) : outputItems(message);
}
