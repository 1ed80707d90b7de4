/**
 * Reads the directory at the end of a zip archive: its entries and their places (APPNOTE.TXT
 * 4.3.12).
 */

const MOST_ENTRIES = 10_000;

const DIRECTORY_END = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
/** Bytes of the record at the end, and of the longest comment behind it. */
const END_LENGTH = 22;
const LONGEST_COMMENT = 65_535;

export interface Entry {
  method: number;
  isEncrypted: boolean;
  packed: number;
  offset: number;
}

/** Values that stand in an extra field of 64 bits (APPNOTE.TXT 4.5.3). */
const ELSEWHERE = 0xffff_ffff;
const LARGE_FIELD = 0x0001;
const LARGE_END = 0x06064b50;
const LARGE_END_LOCATOR = 0x07064b50;
const LOCATOR_LENGTH = 20;

/** Returns the entries of an archive by name, or undefined if it has no readable directory. */
export function readDirectory(bytes: Uint8Array): Map<string, Entry> | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = endOfDirectory(view);
  if (end === undefined) return undefined;
  const entries = new Map<string, Entry>();
  let at = startOfDirectory(view, end);
  for (let index = 0; index < MOST_ENTRIES; index++) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== DIRECTORY_ENTRY) break;
    const nameLength = view.getUint16(at + 28, true);
    const next = at + 46 + nameLength + view.getUint16(at + 30, true);
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    entries.set(name.replaceAll('\\', '/'), {
      method: view.getUint16(at + 10, true),
      isEncrypted: (view.getUint16(at + 8, true) & 1) !== 0,
      ...placeOf(view, at, { from: at + 46 + nameLength, to: next }),
    });
    at = next + view.getUint16(at + 32, true);
  }
  return entries.size > 0 ? entries : undefined;
}

/** Returns where an entry lies. Streamed archives have large fields, however small they are. */
function placeOf(view: DataView, at: number, extra: { from: number; to: number }) {
  const place = { packed: view.getUint32(at + 20, true), offset: view.getUint32(at + 42, true) };
  if (place.packed !== ELSEWHERE && place.offset !== ELSEWHERE) return place;
  let field = largeField(view, extra);
  if (field === undefined) return place;
  if (view.getUint32(at + 24, true) === ELSEWHERE) field += 8;
  if (place.packed === ELSEWHERE) {
    place.packed = largeAt(view, field);
    field += 8;
  }
  if (place.offset === ELSEWHERE) place.offset = largeAt(view, field);
  return place;
}

function largeField(view: DataView, { from, to }: { from: number; to: number }) {
  for (let at = from; at + 4 <= Math.min(to, view.byteLength);) {
    if (view.getUint16(at, true) === LARGE_FIELD) return at + 4;
    at += 4 + view.getUint16(at + 2, true);
  }
  return undefined;
}

/** Returns a value of 64 bits; one beyond the archive for what is no number. */
function largeAt(view: DataView, at: number): number {
  return at + 8 <= view.byteLength ? Number(view.getBigUint64(at, true)) : view.byteLength;
}

function startOfDirectory(view: DataView, end: number): number {
  const start = view.getUint32(end + 16, true);
  const locator = end - LOCATOR_LENGTH;
  if (start !== ELSEWHERE || locator < 0 || view.getUint32(locator, true) !== LARGE_END_LOCATOR)
    return start;
  const large = largeAt(view, locator + 8);
  const isThere = large + 56 <= view.byteLength && view.getUint32(large, true) === LARGE_END;
  return isThere ? largeAt(view, large + 48) : start;
}

function endOfDirectory(view: DataView): number | undefined {
  const last = view.byteLength - END_LENGTH;
  for (let at = last; at >= Math.max(0, last - LONGEST_COMMENT); at--)
    if (view.getUint32(at, true) === DIRECTORY_END) return at;
  return undefined;
}
