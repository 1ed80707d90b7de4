/**
 * The lines of a user's data: a JSON object each, with the row as `value` and a cursor, after which
 * a client whose connection was cut goes on.
 */
import { ParleyError } from '../core/errors.ts';
import { NANODOLLARS } from '../core/ledger.ts';
import { contentOf, type Part } from '../core/parts.ts';
import { shownPart, time } from './views.ts';

/** The position of a line: the name of its row, and the row's place among those. */
export interface LinePlace {
  type: string;
  place: readonly (string | number)[];
}

/** Writes a line. */
export function dataLine(at: LinePlace, row: Record<string, unknown>): string {
  const value = valueOf(at.type, row);
  return `${JSON.stringify({ type: at.type, cursor: encodePlace(at), value })}\n`;
}

/** Writes the first line, which says what follows. */
export function firstLine(userId: string): string {
  const value = { user_id: userId, format: 'parley-user-data', version: 1, at: time(Date.now()) };
  return `${JSON.stringify({ type: 'export', value })}\n`;
}

/** The last line: an export without it was cut. */
export const LAST_LINE = `${JSON.stringify({ type: 'end' })}\n`;

/** The store's value for no limit. */
const NO_LIMIT = -1;

function valueOf(type: string, row: Record<string, unknown>): Record<string, unknown> {
  const fields = Object.entries(row);
  if (type === 'limits')
    return named(
      fields
        .filter(([, value]) => value !== null)
        .map(([name, value]) => [name, value === NO_LIMIT ? null : value]),
    );
  if (type !== 'message') return named(fields);
  // The table's own column, parsed.
  const parts = (row['parts'] ?? []) as Part[];
  return { ...named(fields), content: contentOf(parts), parts: parts.map(shownPart) };
}

/** Names fields and shows times and costs as everywhere else. */
function named(fields: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  return Object.fromEntries(fields.map(([name, value]) => shown(name, value)));
}

/** The names under which other answers have the same. */
const NAMES: Readonly<Record<string, string>> = {
  nanodollars: 'cost_usd',
  isEstimated: 'estimated',
};
const IN_NANODOLLARS: ReadonlySet<string> = new Set(['nanodollars', 'costPerMonth']);

function shown(name: string, value: unknown): [string, unknown] {
  const key = NAMES[name] ?? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  if (value instanceof Uint8Array) return [key, base64(value)];
  if (typeof value !== 'number') return [key, value];
  if (name.endsWith('At')) return [key, time(value)];
  return [key, IN_NANODOLLARS.has(name) ? value / NANODOLLARS : value];
}

function encodePlace({ type, place }: LinePlace): string {
  const text = base64(new TextEncoder().encode(JSON.stringify([type, ...place])));
  return text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** Bytes that are handed to one call, which takes no more arguments than so many. */
const STRETCH = 8192;

function base64(bytes: Uint8Array): string {
  let binary = '';
  for (let at = 0; at < bytes.length; at += STRETCH)
    binary += String.fromCharCode(...bytes.subarray(at, at + STRETCH));
  return btoa(binary);
}

/**
 * Reads the cursor of a line.
 * @throws ParleyError `invalid_cursor`
 */
export function decodePlace(cursor: string): LinePlace {
  try {
    const bytes = atob(cursor.replaceAll('-', '+').replaceAll('_', '/'));
    const text = new TextDecoder().decode(
      Uint8Array.from(bytes, (character) => character.charCodeAt(0)),
    );
    const [type, ...place]: unknown[] = JSON.parse(text);
    if (typeof type === 'string' && place.every(isPlace)) return { type, place };
  } catch {
    // It is refused below.
  }
  throw invalidPlace();
}

function isPlace(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

/** Returns the refusal of a cursor that no export has given out. */
export function invalidPlace(): ParleyError {
  return new ParleyError({ code: 'invalid_cursor', detail: 'cursor: no export gave it out' });
}
