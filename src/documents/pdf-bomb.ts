/**
 * Detects PDFs that unpack to far more than their size before the library unpacks them, because the
 * library does so in one step that cannot be interrupted. Pictures are skipped, since they are not
 * read.
 */
import type { Unzlib } from 'fflate';
import { ParleyError } from '../core/errors.ts';
import { tooLarge } from './refusals.ts';

/** Most bytes that one stream of a page or a font may unpack to. */
const MOST_UNPACKED = 32 * 1024 * 1024;
/**
 * The highest ratio of Deflate. A stream that is smaller than the limit by this ratio need not be
 * unpacked.
 */
const HIGHEST_RATIO = 1_032;
/** Packed bytes that are unpacked in one step; they yield at most 16 MB. */
const PIECE = 16 * 1024;
/** Longest dictionary before a stream, in UTF-16 units. */
const LONGEST_DICTIONARY = 2_000;

/**
 * Refuses a PDF that unpacks to too much.
 * @throws ParleyError `payload_too_large`
 */
export function refuseBomb(bytes: Uint8Array, Inflate: typeof Unzlib): void {
  const file = new TextDecoder('latin1').decode(bytes);
  for (const found of file.matchAll(/\bstream\r?\n/g)) {
    const before = file.slice(Math.max(0, found.index - LONGEST_DICTIONARY), found.index);
    const dictionary = before.slice(before.lastIndexOf(' obj') + 1);
    const filters = dictionary.match(/\/(?:FlateDecode|Fl)\b/g)?.length ?? 0;
    const hasRuns = /\/(?:RunLengthDecode|RL)\b/.test(dictionary);
    if ((filters === 0 && !hasRuns) || /\/Subtype\s*\/Image\b/.test(dictionary)) continue;
    const start = found.index + found[0].length;
    const end = file.indexOf('endstream', start);
    const packed = bytes.subarray(start, end < 0 ? bytes.length : end);
    if (hasRuns && filters === 0) refuseLongRuns(packed);
    else if (filters > 1 || packed.length * HIGHEST_RATIO > MOST_UNPACKED)
      unpack(packed, filters, Inflate);
  }
}

/** Sums the lengths of runs, which the library unpacks slowly (ISO 32000-1, 7.4.5). */
function refuseLongRuns(packed: Uint8Array): void {
  let length = 0;
  for (let at = 0; at < packed.length;) {
    const code = packed[at] ?? 128;
    if (code === 128) return;
    length += code < 128 ? code + 1 : 257 - code;
    at += code < 128 ? code + 2 : 2;
    if (length > MOST_UNPACKED) throw tooLarge('The PDF unpacks to more than can be read');
  }
}

/** Unpacks through all filters, keeps nothing, and gives up at the limit. */
function unpack(packed: Uint8Array, filters: number, Inflate: typeof Unzlib): void {
  let next: ((piece: Uint8Array) => void) | undefined;
  for (let at = 0; at < Math.min(filters, 4); at++) next = stage(next, Inflate);
  try {
    for (let at = 0; at < packed.length; at += PIECE) next?.(packed.subarray(at, at + PIECE));
  } catch (error) {
    // The library decides about damaged files.
    if (error instanceof ParleyError) throw error;
  }
}

function stage(next: ((piece: Uint8Array) => void) | undefined, Inflate: typeof Unzlib) {
  let length = 0;
  const inflate = new Inflate((piece) => {
    length += piece.length;
    if (length > MOST_UNPACKED) throw tooLarge('The PDF unpacks to more than can be read');
    for (let at = 0; next && at < piece.length; at += PIECE) next(piece.subarray(at, at + PIECE));
  });
  return (piece: Uint8Array) => {
    inflate.push(piece);
  };
}
