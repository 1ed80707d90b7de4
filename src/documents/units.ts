/** Cuts a text into the pieces that a chunk keeps whole, and says where it is good to end one. */

import { estimateTokens } from '../core/tokens.ts';
import type { tableFinder } from './tables.ts';

/** A piece that is kept whole: a sentence, or a part of a very long one. */
export interface Unit {
  start: number;
  end: number;
  tokens: number;
  /** The worth of its end as a place to cut. */
  closes: Closing;
}

/**
 * A place where a chunk may end: with a sentence (0), better with an item of a list or a part of a
 * function (1), best with a paragraph or a function (2).
 */
type Closing = 0 | 1 | 2;

export interface UnitOptions {
  /** Most tokens of a unit. */
  maximum: number;
  /** Places where fences of code open. */
  opened: ReadonlySet<number>;
  tableAt: ReturnType<typeof tableFinder>;
}

const PARAGRAPH_BREAK = /\n[ \t\r]*\n\s*/g;
/**
 * Breaks after a full stop with a space behind it, after the stops of scripts without spaces, and
 * at line ends.
 */
const SENTENCE_BREAK = /[.!?]["')\]]{0,3}\s+|[。！？｡]["'」』）]{0,3}\s*|\n+/g;

/** Breaks at line ends only, so that the rows of a table are kept whole. */
const ROW_BREAK = /\n+/g;

/** A longer unit is cut before it is measured, so that no estimate has to read a huge string. */
const LONGEST_UNIT = 600;

/** The first line of an item, after its indentation. */
const LIST_ITEM = /^(?:[-*+•]|\p{N}{1,9}[.)]) /u;
/** Length of a line in which its mark is looked for, in UTF-16 units. */
const LONGEST_LINE_START = 40;

/**
 * Returns the places where `text` may be cut between `from` and `to`: the ends of the matches, and
 * `to` itself. The pattern only sees that stretch, because a search for a match beyond it would
 * read the rest of the text.
 */
function cuts(text: string, from: number, to: number, pattern: RegExp): number[] {
  const ends: number[] = [];
  for (const match of text.slice(from, to).matchAll(pattern)) {
    const end = from + match.index + match[0].length;
    if (end < to) ends.push(end);
  }
  ends.push(to);
  return ends;
}

/** Returns the last place up to `limit` that follows a space, else one that splits no character. */
function cutBefore(text: string, start: number, limit: number): number {
  const floor = start + Math.floor((limit - start) / 2);
  for (let at = limit; at > floor; at--) if (/\s/.test(text.charAt(at - 1))) return at;
  const unit = text.charCodeAt(limit);
  return unit >= 0xdc00 && unit <= 0xdfff ? limit - 1 : limit;
}

function pushUnits(text: string, start: number, end: number, maximum: number, into: Unit[]): void {
  let from = start;
  while (from < end) {
    const whole = end - from <= LONGEST_UNIT;
    let to = whole ? end : cutBefore(text, from, from + LONGEST_UNIT);
    let tokens = estimateTokens(text.slice(from, to));
    while (tokens > maximum && to - from > 2) {
      to = cutBefore(text, from, from + Math.ceil((to - from) / 2));
      tokens = estimateTokens(text.slice(from, to));
    }
    into.push({ start: from, end: to, tokens, closes: 0 });
    from = to;
  }
}

/**
 * Returns the units of a part of a text in order. They leave out nothing.
 */
export function unitsOf(
  text: string,
  { start: from, end }: { start: number; end: number },
  { maximum, opened, tableAt }: UnitOptions,
): Unit[] {
  const result: Unit[] = [];
  let start = from;
  for (const paragraph of cuts(text, from, end, PARAGRAPH_BREAK)) {
    const pattern = tableAt(start, paragraph) ? ROW_BREAK : SENTENCE_BREAK;
    for (const sentence of cuts(text, start, paragraph, pattern)) {
      pushUnits(text, start, sentence, maximum, result);
      start = sentence;
      close(result, closingBefore(text, start, opened));
    }
    close(result, isIndented(text, start) ? 1 : 2);
  }
  return result;
}

function close(list: Unit[], closes: Closing): void {
  const last = list.at(-1);
  if (last) last.closes = closes;
}

/** Says what ends before the first letter at `at`, if that begins a line. */
function closingBefore(text: string, at: number, opened: UnitOptions['opened']): Closing {
  let line = at;
  while (isIndented(text, line)) line--;
  if (text.charAt(line - 1) !== '\n') return 0;
  if (opened.has(line)) return 2;

  return LIST_ITEM.test(text.slice(line, line + LONGEST_LINE_START).trimStart()) ? 1 : 0;
}

/**
 * Says whether the line with its first letter at `at` is indented, as it is inside of a function or
 * an item of a list.
 */
function isIndented(text: string, at: number): boolean {
  return /[ \t]/.test(text.charAt(at - 1));
}
