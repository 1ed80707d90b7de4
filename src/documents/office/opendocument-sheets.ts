/** Collects the sheets of an OpenDocument spreadsheet that are not hidden. */
import { tooLarge } from '../refusals.ts';
import { oneLine, placeOf, SEPARATOR, sheetText, type Cell } from './sheet-text.ts';
import { readXml, type Attributes, type XmlHandler } from './xml.ts';

/** Longest text of all sheets, in UTF-16 units: more than a document may have. */
const LONGEST = 4_200_000;
/** No program has more columns. */
const MOST_COLUMNS = 16_384;
/** Values that are written in one form, however the cell shows them. */
const DATED = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d)?/;

export function readOpenSheets(content: Uint8Array): string {
  const sheets = new Sheets(hiddenStyles(content));
  readXml(content, sheets);
  return sheets.texts.filter((text) => text !== '').join('\n\n');
}

/** Returns the names of the styles whose sheets are hidden. */
function hiddenStyles(content: Uint8Array): Set<string> {
  const hidden = new Set<string>();
  let style = '';
  readXml(content, {
    open(name, attributes) {
      if (name === 'style') style = attributes['style:name'] ?? '';
      if (name === 'table-properties' && attributes['table:display'] === 'false') hidden.add(style);
    },
  });
  return hidden;
}

/** Returns how often an element stands for itself; most say nothing. */
function timesOf(attributes: Attributes, name: string): number {
  return Math.max(1, Number(attributes[name]) || 1);
}

class Sheets implements XmlHandler {
  readonly texts: string[] = [];
  readonly #hidden: ReadonlySet<string>;
  #depth = 0;
  #name: string | undefined;
  #rows: Cell[][] = [];
  #row: Cell[] = [];
  #rowTimes = 1;
  /** The column of the next cell. */
  #column = 0;
  #cell: Attributes | undefined;
  #text = '';
  #note: string | undefined;
  #notes: string[] = [];
  #isParagraph = false;
  #length = 0;

  constructor(hidden: ReadonlySet<string>) {
    this.#hidden = hidden;
  }

  open(name: string, attributes: Attributes): void {
    if (name === 'table' && this.#depth++ === 0) this.#startSheet(attributes);
    if (this.#name === undefined) return;
    if (name === 'table-row') this.#startRow(attributes);
    else if (/^(?:covered-)?table-cell$/.test(name)) [this.#cell, this.#text] = [attributes, ''];
    else if (name === 'annotation' || (name === 'text-box' && !this.#cell)) this.#note = '';
    else if (name === 'p') this.#isParagraph = true;
    else if (name === 's' || name === 'tab' || name === 'line-break') this.text(' ');
  }

  text(text: string): void {
    if (!this.#isParagraph) return;
    if (this.#note === undefined) this.#text += text;
    else this.#note += text;
  }

  close(name: string): void {
    if (name === 'table' && --this.#depth === 0) this.#endSheet();
    if (this.#name === undefined) return;
    if (name === 'p') {
      this.text(' ');
      this.#isParagraph = false;
    } else if (/^(?:covered-)?table-cell$/.test(name)) this.#endCell();
    else if (name === 'table-row') this.#endRow();
    else if (this.#note !== undefined && (name === 'annotation' || name === 'text-box'))
      this.#endNote();
  }

  #startSheet(attributes: Attributes): void {
    const isHidden = this.#hidden.has(attributes['table:style-name'] ?? '');
    this.#name = isHidden ? undefined : (attributes['table:name'] ?? 'Sheet');
    [this.#rows, this.#notes] = [[], []];
  }

  #endSheet(): void {
    if (this.#name !== undefined)
      this.texts.push(sheetText({ name: this.#name, rows: this.#rows, notes: this.#notes }));
    this.#name = undefined;
  }

  #startRow(attributes: Attributes): void {
    [this.#row, this.#column] = [[], 0];
    this.#rowTimes = timesOf(attributes, 'table:number-rows-repeated');
  }

  #endRow(): void {
    if (this.#row.length === 0) return;
    const row = Array.from(this.#row, (cell) => cell ?? { text: '', isText: true });
    const length = row.reduce((sum, { text }) => sum + text.length + SEPARATOR, 0);
    this.#length += length * this.#rowTimes;
    if (this.#length > LONGEST)
      throw tooLarge('The workbook has more text than a document may have');
    for (let time = 0; time < this.#rowTimes; time++) this.#rows.push(row);
  }

  #endCell(): void {
    const cell = this.#cell ?? {};
    const times = timesOf(cell, 'table:number-columns-repeated');
    const text = shownText(cell, this.#text);
    if (text !== '') this.#fill(text, cell['office:value-type'] === 'string', times);
    this.#column += times;
    this.#cell = undefined;
  }

  #fill(text: string, isText: boolean, times: number): void {
    const column = placeOf(this.#column, this.#row);
    const last = column + Math.min(times, MOST_COLUMNS);
    for (let at = column; at < last; at++) this.#row[at] = { text, isText };
  }

  #endNote(): void {
    const note = oneLine(this.#note ?? '');
    if (note !== '') this.#notes.push(note);
    this.#note = undefined;
  }
}

function shownText(cell: Attributes, text: string): string {
  const date = DATED.exec(cell['office:date-value'] ?? '')?.[0];
  return date?.replace('T', ' ') ?? oneLine(text);
}
