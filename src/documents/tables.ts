/** Finds the tables of a text and their header rows, so that the chunks that go on with a table still say what its columns are. */

export interface Table {
  /** Where its header begins, and where its last row ends. */
  start: number;
  end: number;
  /** The header rows as one line. */
  header: string;
}

/** UTF-16 units of a header that is repeated; a longer one is cut at a cell. */
const LONGEST_HEADER = 300;
/** Rows above the line that ends a header. */
const MOST_HEADER_ROWS = 3;
/** A header of a CSV file is looked for in so many units. */
const CSV_HEAD = 10_000;

const CSV_TYPE = /^(?:text\/csv|text\/tab-separated-values)$/;

/** The tables of a text in order: all of a CSV file with a header, or those that Markdown has. */
export function findTables(text: string, mimeType: string): Table[] {
  if (!CSV_TYPE.test(mimeType)) return markdownTables(text);
  const header = csvHeader(text.slice(0, CSV_HEAD));
  return header === undefined ? [] : [{ start: 0, end: text.length, header }];
}

/** A line of dashes and bars below a line with bars; the table goes on to the next blank line. */
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

/** What names a column: letters, a year, or a sign such as `#`. */
const COLUMN_NAME = /\p{L}|^(?:19|20)\d\d$|^[#№%€$]$/u;

/** The first record, where each of its fields names a column. */
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

/** Tells for ascending stretches of the text which table each touches. */
export function tableFinder(tables: readonly Table[]) {
  let at = 0;
  return (from: number, to: number): Table | undefined => {
    while (at < tables.length && tables[at]!.end <= from) at++;
    const table = tables[at];
    return table && table.start < to ? table : undefined;
  };
}
