/**
 * What the source asks the database: SQL texts, and queries that are built. Both can be compared
 * with what a run has really asked, so that no statement is left out of a test.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';
import { query } from '../../../src/store/query.ts';

interface Source {
  /** Path from the repository's root. */
  file: string;
  text: string;
}

function sources(folder: string): Source[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file))
    .map((file) => ({ file, text: readFileSync(file, 'utf8') }));
}

export interface SqlInSource {
  /** `file:line`. */
  where: string;
  /** Returns true for SQL that this text may have become: what is put in between is anything. */
  matches(sql: string): boolean;
}

/** Finds every text after `sql:`, and every template of `sql`, in the files of a folder. */
export function sqlInSource(folder: string): SqlInSource[] {
  return sources(folder).flatMap(({ file, text }) =>
    [...text.matchAll(/\bsql(?:: ?|<[^<>`]*>)?(?=[`'])/gu)].map(({ index, 0: { length } }) => {
      const { pieces } = literalAt(text, index + length);
      const where = `${file}:${lineOf(text, index)}`;
      return { where, matches: (sql: string) => comeInOrder(pieces, sql) };
    }),
  );
}

/** A pattern of so many holes would take a regular expression seconds for each long statement. */
function comeInOrder(pieces: readonly string[], sql: string): boolean {
  let from = 0;
  for (const piece of pieces) {
    const at = sql.indexOf(piece, from);
    if (at < 0) return false;
    from = at + piece.length;
  }
  return true;
}

function lineOf(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

const BUILDERS = ['select', 'selectDistinct', 'insert', 'update', 'delete'] as const;

/** Finds every place, as `file:line`, where the files of a folder begin to build a query. */
export function queriesInSource(folder: string): string[] {
  const begin = new RegExp(`\\bquery\\s*\\.(?=(?:${BUILDERS.join('|')})\\()`, 'gu');
  return sources(folder).flatMap(({ file, text }) =>
    [...text.matchAll(begin)].map(
      ({ index, 0: { length } }) => `${file}:${lineOf(text, index + length)}`,
    ),
  );
}

/** Notes where queries are built from now on, as `file:line` from the repository's root. */
export function recordBuilding(): ReadonlySet<string> {
  const seen = new Set<string>();
  for (const name of BUILDERS) {
    const original = query[name].bind(query) as (...args: unknown[]) => unknown;
    vi.spyOn(query, name as 'select').mockImplementation(((...args: unknown[]) => {
      const caller = /\/(src\/store\/[\w/-]+\.ts:\d+)/u.exec(new Error('here').stack ?? '')?.[1];
      if (caller !== undefined) seen.add(caller);
      return original(...args);
    }) as typeof query.select);
  }
  return seen;
}

/** The fixed pieces of the literal that begins at `start`, and where it ends. */
function literalAt(source: string, start: number): { pieces: string[]; end: number } {
  const quote = source[start];
  const pieces = [''];
  for (let at = start + 1; at < source.length; at++) {
    if (source[at] === quote) return { pieces, end: at };
    if (quote === '`' && source.startsWith('${', at)) {
      at = endOfHole(source, at + 2);
      pieces.push('');
      continue;
    }
    if (source[at] === '\\') at++;
    pieces.push((pieces.pop() ?? '') + (source[at] ?? ''));
  }
  throw new Error(`a literal without an end at ${start}`);
}

/** Where the brace stands that ends an inserted expression, which may hold literals of its own. */
function endOfHole(source: string, start: number): number {
  let depth = 0;
  for (let at = start; at < source.length; at++) {
    const character = source[at] ?? '';
    if ('`\'"'.includes(character)) at = literalAt(source, at).end;
    else if (character === '{') depth++;
    else if (character === '}' && depth-- === 0) return at;
  }
  throw new Error(`an expression without an end at ${start}`);
}
