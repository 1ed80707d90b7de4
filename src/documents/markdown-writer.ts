/**
 * Writes the structure of a document as Markdown: headings, lists, code and the rows of tables. Its
 * callers say what begins and ends, in any order and with any of it left out, as HTML does.
 */

/** UTF-16 units of a row that is one line; the cells of a longer one (a page's layout) are blocks. */
const LONGEST_ROW = 1_000;
/** Tables within tables; each level moves its lines once more. The rows of a deeper one are lines. */
const DEEPEST_TABLE = 16;

interface Cell {
  lines: string[];
  isHeader: boolean;
  /** It holds what no line can: code, or a table. */
  isBlock: boolean;
}

interface Table {
  /** Where its rows are written. */
  outer: string[];
  cells: Cell[] | undefined;
  isInCell: boolean;
  /** Columns of the header rows that no other row has followed yet. */
  headerColumns: number;
  hasBody: boolean;
}

/** Lines are gathered in `#line` and go to `#lines` when their block ends. */
export class MarkdownWriter {
  /** The document's lines, or those of the cell that is open. */
  #lines: string[] = [];
  #line = '';
  #prefix = '';
  #isCode = false;
  readonly #tables: Table[] = [];
  /** Open tables beyond the deepest. */
  #tooDeep = 0;

  /** Adds text; outside of code, white space is one space. */
  text(text: string): void {
    this.#line += this.#isCode ? text : text.replace(/\s+/gu, ' ');
  }

  /** Begins a line of its own that a blank one precedes. */
  block(prefix: string): void {
    this.startLine(prefix);
    if (!this.#isCode && this.#lines.length > 0 && this.#lines.at(-1) !== '') this.#lines.push('');
  }

  startLine(prefix: string): void {
    this.#endLine();
    this.#prefix = prefix;
  }

  /** Breaks the line; a heading is one line. */
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

  /** Begins a cell; one that is still open, or its row, has ended with that. */
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

  /** Ends what is open. @returns all that was written */
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

  /** A line below the header rows, as Markdown has it, tells where they end. */
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

/** A row as one line; undefined where its cells are blocks. */
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
