/**
 * Splits a text into chunks along its own structure: headings, paragraphs, sentences, words. Every
 * chunk is a slice of the original, so that a citation can point into it.
 */

import { fencedRanges } from './fences.ts';
import { findTables, tableFinder, type Table } from './tables.ts';
import { unitsOf, type Unit, type UnitOptions } from './units.ts';

/** Long enough to answer a question, short enough for eight chunks to fit into a prompt. */
export const CHUNK_TOKENS = 450;
/** Tokens that a chunk repeats from the one before it, so that no sentence loses its neighbour. */
export const OVERLAP_TOKENS = 50;
/**
 * Longest heading, in UTF-16 units; a longer line is text. Each chunk repeats the headings above
 * it, so with one as long as the document the size would grow with the square of its length.
 */
export const LONGEST_HEADING = 200;

export interface Chunk {
  /** Offsets into the original, in UTF-16 units; `text` is exactly that slice. */
  start: number;
  end: number;
  text: string;
  /**
   * The Markdown headings above the chunk, outermost first, none longer than `LONGEST_HEADING`. If
   * the chunk continues a table, its header follows.
   */
  headings: string[];
  /** Estimated number of tokens. */
  tokens: number;
}

export interface SplitOptions {
  /** The type of the text: a CSV file is one table. */
  mimeType?: string;
  maximumTokens?: number;
  overlapTokens?: number;
}

interface Section {
  start: number;
  end: number;
  headings: string[];
}

const HEADING = /^ {0,3}(#{1,6})[ \t]+([^\n]*)$/gm;
/** Starts at the first of several spaces only; starting at each of them would be quadratic. */
const CLOSING_MARKS = /(?<![ \t])[ \t]+#+[ \t\r]*$/;
/**
 * Returns the text between one heading and the next. A `#` inside a code fence starts no heading,
 * nor does a line that is too long.
 */
function sections(text: string, fences: readonly (readonly [number, number])[]): Section[] {
  const result: Section[] = [];
  const path: string[] = [];
  let start = 0;
  let fence = 0;
  for (const match of text.matchAll(HEADING)) {
    while (fence < fences.length && fences[fence]![1] < match.index) fence++;
    if (fence < fences.length && fences[fence]![0] < match.index) continue;
    const heading = match[2]!.replace(CLOSING_MARKS, '').trim();
    if (heading.length > LONGEST_HEADING) continue;
    if (match.index > start)
      result.push({ start, end: match.index, headings: path.filter(Boolean) });
    const level = match[1]!.length;
    path.length = Math.min(path.length, level - 1);
    while (path.length < level - 1) path.push('');
    path.push(heading);
    start = match.index;
  }
  if (start < text.length) result.push({ start, end: text.length, headings: path.filter(Boolean) });
  return result;
}

/**
 * Returns the start of the next chunk: the first of the units before `end` that fit into the
 * overlap.
 */
function overlapStart(list: Unit[], start: number, end: number, overlap: number): number {
  let tokens = 0;
  let at = end;
  while (at > start + 1 && tokens + list[at - 1]!.tokens <= overlap) tokens += list[--at]!.tokens;
  return at;
}

/**
 * Returns the end of a full chunk: the last of the best places to cut that leave it at least half
 * full, else where it is full.
 */
function chunkEnd(list: Unit[], start: number, maximum: number): number {
  let end = start;
  let tokens = 0;
  let best = { end: start, closes: 0 };
  while (end < list.length && (end === start || tokens + list[end]!.tokens <= maximum)) {
    tokens += list[end]!.tokens;
    const { closes } = list[end++]!;
    if (tokens >= maximum / 2 && closes > 0 && closes >= best.closes) best = { end, closes };
  }
  return end < list.length && best.closes > 0 ? best.end : end;
}

function trimmed(text: string, start: number, end: number): readonly [number, number] {
  let [from, to] = [start, end];
  while (from < to && /\s/.test(text.charAt(from))) from++;
  while (to > from && /\s/.test(text.charAt(to - 1))) to--;
  return [from, to];
}

function chunks(
  text: string,
  section: Section,
  { overlap, ...how }: UnitOptions & { overlap: number },
): Chunk[] {
  const { maximum } = how;
  const list = unitsOf(text, section, how);
  const result: Chunk[] = [];
  let start = 0;
  while (start < list.length) {
    const end = chunkEnd(list, start, maximum);
    const [from, to] = trimmed(text, list[start]!.start, list[end - 1]!.end);
    if (to > from) {
      const tokens = list.slice(start, end).reduce((sum, unit) => sum + unit.tokens, 0);
      const { headings } = section;
      result.push({ start: from, end: to, text: text.slice(from, to), headings, tokens });
    }
    if (end === list.length) break;
    // Without the units that follow, the overlap would be a chunk with nothing new.
    const room = Math.min(overlap, maximum - list[end]!.tokens);
    start = overlapStart(list, start, end, room);
  }
  return result;
}

/** Joins short neighbouring sections: a heading with a single line makes a poor chunk. */
function joinShortSections(text: string, list: Chunk[], maximum: number): Chunk[] {
  const result: Chunk[] = [];
  for (const chunk of list) {
    const last = result.at(-1);
    const small = last && last.tokens + chunk.tokens <= maximum / 2 && chunk.start >= last.end;
    if (!small) {
      result.push(chunk);
      continue;
    }
    const shared = last.headings.findIndex((heading, at) => heading !== chunk.headings[at]);
    result[result.length - 1] = {
      start: last.start,
      end: chunk.end,
      text: text.slice(last.start, chunk.end),
      headings: shared < 0 ? last.headings : last.headings.slice(0, shared),
      tokens: last.tokens + chunk.tokens,
    };
  }
  return result;
}

/**
 * Splits text or Markdown into chunks of at most `maximumTokens` (estimated). Consecutive chunks of
 * a section overlap by up to `overlapTokens`. The result is deterministic, and the time linear in
 * the length of the text. White space between chunks belongs to none of them; everything else is in
 * at least one.
 */
export function split(text: string, options: SplitOptions = {}): Chunk[] {
  const { maximumTokens = CHUNK_TOKENS, overlapTokens = OVERLAP_TOKENS } = options;
  const overlap = Math.min(overlapTokens, Math.floor(maximumTokens / 2));
  const tables = findTables(text, options.mimeType ?? '');
  const fences = fencedRanges(text);
  const opened = new Set(fences.map(([start]) => start));
  const how = { maximum: maximumTokens, overlap, opened, tableAt: tableFinder(tables) };
  const all = sections(text, fences).flatMap((section) => chunks(text, section, how));
  return withHeaders(joinShortSections(text, all, maximumTokens), tables);
}

/** Adds a table's header to the headings of chunks that begin behind the start of the table. */
function withHeaders(list: Chunk[], tables: readonly Table[]): Chunk[] {
  const tableAt = tableFinder(tables);
  return list.map((chunk) => {
    const table = tableAt(chunk.start, chunk.start);
    return table ? { ...chunk, headings: [...chunk.headings, table.header] } : chunk;
  });
}
