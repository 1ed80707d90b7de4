/**
 * Estimates the number of tokens of a text, for budgets and for usage that no provider reported. It
 * makes one pass over the text, without a tokenizer's tables of megabytes: each unit costs the
 * average of its kind, given its script and the unit before it. Estimates are within a third of
 * o200k for a page of text in any language, and for code, numbers, hex and base64; a paragraph may
 * be further off.
 */
import {
  BLOCKS,
  FIRST_OF_THREE_BYTES,
  PAIR_SHIFT,
  UNKNOWN,
  UNKNOWN_SHORT,
  type Block,
} from './token-costs.ts';
import { beginWord, extendWord, classOfMarked, type LatinWord } from './latin-costs.ts';

/**
 * A tokenizer spends at most one token a byte, and a UTF-16 unit has at most three bytes in UTF-8.
 */
export const MOST_TOKENS_A_UNIT = 3;

/** Texts of more UTF-16 units than this are estimated from samples, since 10 MB take too long. */
const LONGEST_WHOLE = 262_144;
const SAMPLES = 32;

/** Returns the estimated number of tokens of `text`. */
export function estimateTokens(text: string): number {
  if (text.length <= LONGEST_WHOLE) return Math.ceil(costOf(text, 0, text.length));
  const length = LONGEST_WHOLE / SAMPLES;
  const step = (text.length - length) / (SAMPLES - 1);
  let cost = 0;
  for (let sample = 0; sample < SAMPLES; sample++) {
    const from = Math.floor(sample * step);
    cost += costOf(text, from, from + length);
  }
  return Math.ceil((cost * text.length) / LONGEST_WHOLE);
}

const SIGN = 0;
const SPACE = 1;
const NEWLINE = 2;
const DIGIT = 3;
const LOWER = 4;
const UPPER = 5;
const LETTER = 6;
const OTHER = 7;

/**
 * The cost of the third unit and every later one in a row of equal units, by kind; not for digits.
 */
const REPEATED = [0.02, 0.015, 0.05, 0, 0.13, 0.13];
const DIGITS_A_TOKEN = 3;
const CASE_BIT = 32;
/** Of a letter of ASCII, its place in the alphabet from 1. */
const LETTER_BITS = 31;

const ASCII_KINDS = Uint8Array.from({ length: 128 }, (_, code) => {
  const unit = String.fromCharCode(code);
  if (unit === ' ' || unit === '\t') return SPACE;
  if (unit === '\n' || unit === '\r') return NEWLINE;
  if (/\d/u.test(unit)) return DIGIT;
  if (/[a-z]/u.test(unit)) return LOWER;
  return /[A-Z]/u.test(unit) ? UPPER : SIGN;
});

/** The two units before the current one, with their kinds. */
interface Before extends LatinWord {
  unit: number;
  kind: number;
  earlierUnit: number;
  earlierKind: number;
}

function costOf(text: string, from: number, to: number): number {
  const before: Before = {
    unit: 0,
    kind: NEWLINE,
    earlierUnit: 0,
    earlierKind: NEWLINE,
    last: 0,
    added: 0,
  };
  let block: Block = UNKNOWN;
  let letter = 0;
  let digits = 0;
  let cost = 0;
  for (let at = from; at < to; at++) {
    const unit = text.charCodeAt(at);
    let kind: number;
    if (unit < 128) {
      kind = ASCII_KINDS[unit] ?? SIGN;
      digits = kind === DIGIT ? digits + 1 : 0;
      cost += asciiCost(unit, kind, before, digits);
    } else if ((letter = classOfMarked(unit)) > 0) {
      kind = LETTER;
      digits = 0;
      cost += latinCost(unit, kind, letter, before);
    } else {
      if (unit < block.from || unit > block.to) block = blockOf(unit);
      kind = block.isAlphabet ? LETTER : OTHER;
      digits = 0;
      cost += blockCost(unit, block, before);
      before.last = 0;
    }
    before.earlierUnit = before.unit;
    before.earlierKind = before.kind;
    before.unit = unit;
    before.kind = kind;
  }
  return cost;
}

function asciiCost(unit: number, kind: number, before: Before, digits: number): number {
  if (kind >= LOWER) return latinCost(unit, kind, unit & LETTER_BITS, before);
  before.last = 0;
  if (unit === before.unit && unit === before.earlierUnit && kind !== DIGIT)
    return REPEATED[kind] ?? 0;
  switch (kind) {
    case SPACE:
      // A single space belongs to the word behind it.
      return before.kind === SPACE || before.kind === NEWLINE ? 0.3 : 0;
    case NEWLINE:
      if (before.kind === NEWLINE) return 0;
      return before.kind === SIGN ? 0.37 : 0.9;
    case DIGIT:
      return digitCost(before, digits);
    default:
      if (before.kind === SIGN) return 0.48;
      return before.kind === SPACE ? 0.8 : 0.68;
  }
}

function latinCost(unit: number, kind: number, letter: number, before: Before): number {
  // A capital behind a small letter begins a word, too.
  if (before.last === 0 || (kind === UPPER && before.kind === LOWER))
    return beginWord(before, letter);
  if (unit === before.unit && unit === before.earlierUnit) return REPEATED[LOWER] ?? 0;
  return extendWord(before, letter, kind === UPPER && before.kind === UPPER);
}

/** Returns the cost of a digit. Unlike a word, a number does not include the space before it. */
function digitCost(before: Before, digits: number): number {
  if (digits % DIGITS_A_TOKEN !== 1) return 0;
  const hasOwnSpace = digits === 1 && before.kind === SPACE && before.earlierKind > NEWLINE;
  return hasOwnSpace ? 1.8 : 1.05;
}

const WORD_COST = 0.38;
/** The first lower-case letter of Cyrillic. */
const FIRST_SMALL_CYRILLIC = 0x430;
const CAPITAL_COST = 0.77;

function blockCost(unit: number, block: Block, before: Before): number {
  if (block.units) return block.units.has(unit) ? (block.knownCost ?? 0) : block.cost;
  const isStart = before.kind < LOWER;
  if (!block.pairs)
    return block.isAlphabet && isStart && block.cost < 0.9 ? block.cost + WORD_COST : block.cost;
  if (before.unit < block.from || before.unit > block.to) return 0.24 + (isStart ? WORD_COST : 0);
  if (unit < FIRST_SMALL_CYRILLIC) return CAPITAL_COST;
  const previous = before.unit < FIRST_SMALL_CYRILLIC ? before.unit + CASE_BIT : before.unit;
  return block.pairs.has(previous * 2 ** PAIR_SHIFT + unit) ? (block.knownCost ?? 0) : block.cost;
}

function blockOf(unit: number): Block {
  let low = 0;
  let high = BLOCKS.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const block = BLOCKS[middle];
    if (!block) break;
    if (unit < block.from) high = middle - 1;
    else if (unit > block.to) low = middle + 1;
    else return block;
  }
  return unit < FIRST_OF_THREE_BYTES ? UNKNOWN_SHORT : UNKNOWN;
}
