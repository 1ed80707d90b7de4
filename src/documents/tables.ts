/**
 * Finds the tables of a text and their header rows, so that a chunk that continues a table can
 * repeat the names of its columns.
 */

export interface Table {
  /** The start of its header, and the end of its last row. */
  start: number;
  end: number;
  /** The header rows as one line. */
  header: string;
}

/** Longest header that is repeated, in UTF-16 units; a longer one is cut at a cell. */
const LONGEST_HEADER = 300;
/** Most rows above the line that ends a header. */
const MOST_HEADER_ROWS = 3;
/** Length in which the header of a CSV file is searched, in UTF-16 units. */
const CSV_HEAD = 10_000;

const CSV_TYPE = /^(?:text\/csv|text\/tab-separated-values)$/;

/**
 * Returns the tables of a text in order: all of a CSV file with a header, or the Markdown tables.
 */
export function findTables(text: string, mimeType: string): Table[] {
  if (!CSV_TYPE.test(mimeType)) return markdownTables(text);
  const header = csvHeader(text.slice(0, CSV_HEAD));
  return header === undefined ? [] : [{ start: 0, end: text.length, header }];
}

/**
 * Returns the Markdown tables: a line of dashes and bars below a line with bars starts one, and the
 * next blank line ends it.
 */
function markdownTables(text: string): Table[] {
  const tables: Table[] = [];
  /** The lines since the last blank one. */
  let above: { start: number; line: string }[] = [];
  let open: Table | undefined;
  for (let start = 0; start < text.length;) {
    const next = text.indexOf('\n', start);
    const end = next < 0 ? text.length : next;
    const line = text.slice(start, Math.min(end, start + 2 * LONGEST_HEADER));
    if (line.trim() === '') [above, open] = [[], undefined];
    else if (open) open.end = end;
    else if (isRule(line) && above.length > 0) {
      const rows = above.slice(-MOST_HEADER_ROWS);
      const header = shortened(rows.map((row) => cellsOf(row.line)).flat(), rows[0]!.start, end);
      tables.push((open = header));
    } else above = line.includes('|') ? [...above.slice(-MOST_HEADER_ROWS), { start, line }] : [];
    start = end + 1;
  }
  return tables;
}

function isRule(line: string): boolean {
  return line.includes('|') && line.includes('-') && /^[-:| \t]+$/.test(line);
}

function cellsOf(line: string): string[] {
  return line
    .replace(/^[ \t]*\|/, '')
    .split('|')
    .map((cell) => cell.trim())
    .filter((cell) => cell !== '');
}

function shortened(cells: readonly string[], start: number, end: number): Table {
  let header = '';
  for (const cell of cells) {
    const longer = header === '' ? cell : `${header} | ${cell}`;
    if (longer.length > LONGEST_HEADER) break;
    header = longer;
  }
  return { start, end, header: header || (cells[0] ?? '').slice(0, LONGEST_HEADER).toWellFormed() };
}

/** Matches the name of a column: letters, a year, or a sign such as `#`. */
const COLUMN_NAME = /\p{L}|^(?:19|20)\d\d$|^[#№%€$]$/u;

/** Returns the first record if each of its fields names a column. */
function csvHeader(head: string): string | undefined {
  const line = head.slice(0, head.search(/\r?\n|$/));
  const separator = [',', ';', '\t', '|'].reduce((a, b) =>
    line.split(b).length > line.split(a).length ? b : a,
  );
  const fields = (line.match(csvField(separator)) ?? []).map(unquoted);
  const isHeader = fields.length > 1 && fields.every((field) => COLUMN_NAME.test(field));
  return isHeader ? shortened(fields, 0, 0).header : undefined;
}

function csvField(separator: string): RegExp {
  const mark = separator === '\t' ? '\\t' : `\\${separator}`;
  return new RegExp(`(?<=^|${mark})(?:"(?:[^"]|"")*"|[^${mark}]*)`, 'g');
}

function unquoted(field: string): string {
  const inner = /^\s*"(.*)"\s*$/s.exec(field)?.[1];
  return (inner?.replaceAll('""', '"') ?? field).replace(/\s+/g, ' ').trim();
}

/**
 * Returns a function that finds the table that a range touches. Its calls must be in ascending
 * order.
 */
export function tableFinder(tables: readonly Table[]) {
  let at = 0;
  return (from: number, to: number): Table | undefined => {
    while (at < tables.length && tables[at]!.end <= from) at++;
    const table = tables[at];
    return table && table.start < to ? table : undefined;
  };
}
