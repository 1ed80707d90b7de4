/** The items of a history in Anthropic's messages: questions, answers and results. */
import { invalid } from '../../core/errors.ts';
import type { Part } from '../../core/parts.ts';
import { clean, cleanJson } from '../../core/safe-text.ts';
import { resultItem, type SaidItem } from '../shared/history-of-items.ts';
import { fileIn, isFileBlock } from './block-files.ts';
import { textOf, type Block } from './blocks.ts';
import type { CountBody } from './messages-body.ts';

/** Returns what was said, in its order. @throws ParleyError `invalid_request` */
export function itemsIn({ messages }: CountBody): SaidItem[] {
  return messages.flatMap(({ role, content }, at) => {
    const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
    return blocks.flatMap((one, number) => itemFrom(one, role, `messages.${at}.content.${number}`));
  });
}

function itemFrom(given: Block, role: 'user' | 'assistant', path: string) {
  const { type, text = '' } = given;
  if (type === 'thinking' || type === 'redacted_thinking') return [];
  if (type === 'text') return saidBy(role, clean(text));
  if (isFileBlock(given) && role === 'user') return [withFile(given, path)];
  if (type === 'tool_use' && role === 'assistant') return [callFrom(given, path)];
  if (type === 'tool_result' && role === 'user') return [resultFrom(given, path)];
  throw invalid(path, `${path}: a block of type ${type} is not supported here`);
}

function saidBy(role: 'user' | 'assistant', text: string): SaidItem[] {
  if (text === '') return [];
  if (role === 'user') return [{ kind: 'question', text }];
  return [{ kind: 'answer', parts: [{ type: 'text', text }] }];
}

function withFile(given: Block, path: string): SaidItem {
  return { kind: 'question', text: '', files: [fileIn(given, path)] };
}

function callFrom({ id, name, input = {} }: Block, path: string): SaidItem {
  if (!id || !name) throw invalid(path, `${path}: id and name are required`);
  const said = cleanJson(input);
  const call: Part = { type: 'tool_call', tool_call_id: clean(id), name: clean(name), input: said };
  return { kind: 'answer', parts: [call] };
}

function resultFrom(given: Block, path: string): SaidItem {
  const { tool_use_id: id, content, is_error: isError } = given;
  if (!id) throw invalid(path, `${path}: tool_use_id is required`);
  const blocks = typeof content === 'string' || !content ? [] : content;
  const files = blocks.flatMap((one, at) =>
    isFileBlock(one) ? [fileIn(one, `${path}.content.${at}`)] : [],
  );
  const said = blocks.length > 0 ? blocks.filter((one) => !isFileBlock(one)) : (content ?? '');
  const output = textOf(said, path);
  const failed = isError ? { is_error: true as const } : {};
  return resultItem({ type: 'tool_result', tool_call_id: clean(id), output, ...failed }, files);
}
