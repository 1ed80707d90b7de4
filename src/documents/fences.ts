/** Finds the fences of code in Markdown, and completes those that a chunk cut in two. */

const FENCE = /^ {0,3}(```+|~~~+)([^\n]*)$/gm;

/** Returns where each fenced block starts, and where its closing line does, in UTF-16 units. */
export function fencedRanges(text: string): Array<readonly [number, number]> {
  const marks = [...text.matchAll(FENCE)].map((match) => match.index);
  const ranges: Array<readonly [number, number]> = [];
  for (let at = 0; at < marks.length; at += 2)
    ranges.push([marks[at]!, marks[at + 1] ?? text.length]);
  return ranges;
}

/**
 * Returns a piece of Markdown in which every fence has its partner, so that what follows the piece
 * is no code. A single fence that names a language opens a block; so does a single bare one, unless
 * it stands at the end.
 */
export function withWholeFences(piece: string): string {
  const marks = [...piece.matchAll(FENCE)];
  const last = marks.at(-1);
  if (!last || marks.length % 2 === 0) return piece;
  const first = marks[0]!;
  const isCut = first[2]!.trim() === '' && endsWith(piece, last);
  return isCut ? `${last[1]}\n${piece}` : `${piece}\n${last[1]}`;
}

function endsWith(piece: string, { index, 0: line }: RegExpExecArray): boolean {
  return piece.slice(index + line.length).trim() === '';
}
