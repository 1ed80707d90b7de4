/**
 * Writes the structure of a document as Markdown: headings, lists, code and table rows. Callers
 * report what begins and ends, in any order and possibly incomplete, as HTML does.
 */
import { tooLarge } from './refusals.ts';

/**
 * Longest row that is written as one line, in UTF-16 units. The cells of a longer one (a page's
 * layout) become blocks.
 */
const LONGEST_ROW = 1_000;
/**
 * Deepest nesting of tables, since each level moves its lines once more. Rows of deeper tables
 * become plain lines.
 */
const DEEPEST_TABLE = 16;
/** Most cells of a row; no program has more columns. */
const MOST_CELLS = 16_384;

interface Cell {
  lines: string[];
  isHeader: boolean;
  /** True if it holds something that fits no line: code, or a table. */
  isBlock: boolean;
}

interface Table {
  /** The lines that its rows are written to. */
  outer: string[];
  cells: Cell[] | undefined;
  isInCell: boolean;
  /** Columns of the header rows, while no other row has followed. */
  headerColumns: number;
  hasBody: boolean;
}

/** Builds Markdown. Text collects in `#line`, which is added to `#lines` when its block ends. */
export class MarkdownWriter {
  /** The document's lines, or those of the open cell. */
  #lines: string[] = [];
  #line = '';
  #prefix = '';
  #isCode = false;
  readonly #tables: Table[] = [];
  /** Number of open tables beyond the deepest level. */
  #tooDeep = 0;

  /** Adds text. Outside of code, white space collapses to one space. */
  text(text: string): void {
    this.#line += this.#isCode ? text : text.replace(/\s+/gu, ' ');
  }

  /** Starts a new line after a blank one. */
  block(prefix: string): void {
    this.startLine(prefix);
    if (!this.#isCode && this.#lines.length > 0 && this.#lines.at(-1) !== '') this.#lines.push('');
  }

  startLine(prefix: string): void {
    this.#endLine();
    this.#prefix = prefix;
  }

  /** Breaks the line, except in a heading, which is one line. */
  lineBreak(): void {
    if (this.#prefix.startsWith('#')) this.#line += ' ';
    else this.#endLine();
  }

  code(opens: boolean): void {
    this.block('');
    if (opens === this.#isCode) return;
    this.#isCode = opens;
    this.#markCell();
    this.#lines.push('```');
    if (!opens) this.#lines.push('');
  }

  startTable(): void {
    this.block('');
    this.#markCell();
    if (this.#tables.length === DEEPEST_TABLE) this.#tooDeep++;
    else this.#pushTable();
  }

  endTable(): void {
    if (this.#tooDeep > 0) {
      this.#tooDeep--;
      this.startLine('');
      return;
    }
    this.endRow();
    this.#tables.pop();
    this.block('');
  }

  startRow(): void {
    if (this.#tooDeep > 0) {
      this.startLine('');
      return;
    }
    this.endRow();
    (this.#tables.at(-1) ?? this.#pushTable()).cells = [];
  }

  endRow(): void {
    if (this.#tooDeep > 0) return;
    this.endCell();
    const table = this.#tables.at(-1);
    if (!table?.cells) return;
    this.#endLine();
    const { cells } = table;
    table.cells = undefined;
    const line = rowOf(cells);
    if (line === undefined) this.#pushBlocks(cells);
    else if (line !== '') this.#pushRow(table, cells, line);
  }

  /** Starts a cell, and ends the open cell or its row. */
  startCell(isHeader: boolean): void {
    if (this.#tooDeep > 0) {
      if (this.#line.trim() !== '') this.#line += ' | ';
      return;
    }
    this.endCell();
    if (!this.#tables.at(-1)?.cells) this.startRow();
    const table = this.#tables.at(-1);
    if (!table?.cells) return;
    this.#endLine();
    if (table.cells.length === MOST_CELLS) throw tooLarge('A row of a table has too many cells');
    const cell = { lines: [], isHeader, isBlock: false };
    table.cells.push(cell);
    table.isInCell = true;
    this.#lines = cell.lines;
  }

  endCell(): void {
    const table = this.#tables.at(-1);
    if (this.#tooDeep > 0 || !table?.isInCell) return;
    if (this.#isCode) this.code(false);
    this.#endLine();
    this.#prefix = '';
    table.isInCell = false;
    this.#lines = table.outer;
  }

  /**
   * Ends everything that is open.
   * @returns all that was written
   */
  toString(): string {
    this.#tooDeep = 0;
    while (this.#tables.length > 0) this.endTable();
    this.block('');
    return this.#lines.join('\n').trim();
  }

  #markCell(): void {
    const table = this.#tables.at(-1);
    const cell = table?.isInCell ? table.cells?.at(-1) : undefined;
    if (cell) cell.isBlock = true;
  }

  #pushTable(): Table {
    const table = {
      ...{ outer: this.#lines, cells: undefined, isInCell: false },
      ...{ headerColumns: 0, hasBody: false },
    };
    this.#tables.push(table);
    return table;
  }

  /** Adds a row. As in Markdown, a separator line follows the header rows. */
  #pushRow(table: Table, cells: Cell[], line: string): void {
    const isHeader = !table.hasBody && cells.every((cell) => cell.isHeader);
    if (isHeader) table.headerColumns = Math.max(table.headerColumns, cells.length);
    else if (!table.hasBody && table.headerColumns > 0)
      this.#lines.push(Array.from({ length: table.headerColumns }, () => '---').join(' | '));
    table.hasBody ||= !isHeader;
    this.#lines.push(line);
  }

  #pushBlocks(cells: Cell[]): void {
    for (const { lines } of cells) {
      this.block('');
      for (const line of lines) this.#lines.push(line);
    }
    this.block('');
  }

  #endLine(): void {
    const line = this.#isCode
      ? this.#line.replace(/^\n/u, '').trimEnd()
      : this.#line.replace(/ {2,}/g, ' ').trim();
    this.#line = '';
    if (line === '') return;
    this.#lines.push(this.#prefix + line);
    this.#prefix = '';
  }
}

/** Returns a row as one line, or undefined if its cells are blocks. */
function rowOf(cells: Cell[]): string | undefined {
  if (cells.some(({ isBlock }) => isBlock)) return undefined;
  const texts = cells.map(({ lines }) => lines.filter((line) => line !== ''));
  while (texts.at(-1)?.length === 0) texts.pop();
  if (texts.length < 2) {
    const [first = []] = texts;
    return first.length < 2 ? (first[0] ?? '') : undefined;
  }
  const row = texts
    .map((lines) => lines.map((line) => line.replace(/^(?:#{1,6}|-) /, '')).join(' '))
    .join(' | ')
    .trim();
  return row.length > LONGEST_ROW ? undefined : row;
}
