/** Writes a sheet of a workbook as Markdown. */

/** UTF-16 units between two cells of a row. */
export const SEPARATOR = 3;
/** Empty cells before a filled one that are kept. A far cell moves to the left, and is not lost. */
const WIDEST_GAP = 256;

/** Returns the place of a cell in its row, whose cells so far are given. */
export function placeOf(column: number, row: readonly unknown[]): number {
  return Math.min(column, row.length + WIDEST_GAP);
}

export interface Cell {
  text: string;
  isText: boolean;
}

export interface Sheet {
  name: string;
  /** The rows that hold anything, each cell in its column. */
  rows: readonly (readonly Cell[])[];
  /** Comments, and texts in boxes above the cells. */
  notes?: readonly string[];
}

/** Returns the sheet's name as a heading, its rows and its notes; '' for an empty sheet. */
export function sheetText({ name, rows, notes = [] }: Sheet): string {
  if (rows.length === 0 && notes.length === 0) return '';
  const parts = [rows.length === 0 ? '' : tableOf(rows), notes.join('\n')];
  return [`# ${oneLine(name)}`, ...parts.filter((part) => part !== '')].join('\n\n');
}

/** Returns rows as lines. The first is a header if it only holds texts and other rows follow. */
function tableOf(rows: Sheet['rows']): string {
  const lines = rows.map((row) =>
    row
      .map(({ text }) => text)
      .join(' | ')
      .trim(),
  );
  const [first = []] = rows;
  const isHeader =
    rows.length > 1 && first.length > 1 && first.every(({ isText, text }) => isText && text !== '');
  if (isHeader) lines.splice(1, 0, first.map(() => '---').join(' | '));
  return lines.join('\n');
}

export function oneLine(text: string): string {
  return text.replace(/\s+/gu, ' ').trim();
}
