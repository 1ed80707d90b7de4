/** The SQL that stands in the source, statements and pieces of them, as patterns: what is put in between matches anything. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SqlInSource {
  /** `file:line`. */
  where: string;
  pattern: RegExp;
}

/** Every text after `sql:` in the files of a folder. */
export function sqlInSource(folder: string): SqlInSource[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => sqlIn(readFileSync(join(folder, file), 'utf8'), file));
}

function sqlIn(source: string, file: string): SqlInSource[] {
  return [...source.matchAll(/\bsql: ?(?=[`'])/gu)].map(({ index, 0: { length } }) => {
    const { pieces } = literalAt(source, index + length);
    const line = source.slice(0, index).split('\n').length;
    const pattern = pieces
      .map((piece) => piece.replace(/[$()*+.?[\\\]^{|}]/gu, '\\$&'))
      .join('[^]*');
    return { where: `${file}:${line}`, pattern: new RegExp(pattern, 'u') };
  });
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
