/** Reads what the items of an input say: to the model, to which answer, and as a message. */
import { invalid } from '../../core/errors.ts';
import type { QuestionFile } from '../../core/exchange.ts';
import type { Attachment } from '../../core/file.ts';
import type { Part } from '../../core/parts.ts';
import { checkResults, questionOf } from '../shared/history-of-items.ts';
import * as schemas from '../shared/schemas.ts';
import type { InputItem } from './input.ts';

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
