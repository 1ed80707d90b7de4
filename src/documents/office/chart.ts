/** Extracts what a chart shows: its titles, and its series as a table. */
import { readXml, type Attributes, type XmlHandler } from './xml.ts';

/** Most rows of a chart; a chart of more is a picture of its data. */
const MOST_ROWS = 1_000;

interface Series {
  name: string;
  categories: (string | undefined)[];
  values: (string | undefined)[];
}

/** Returns the titles of a chart, and a row for each category with the value of each series. */
export function chartText(bytes: Uint8Array): string {
  const chart = new Chart();
  readXml(bytes, chart);
  return chart.toString();
}

class Chart implements XmlHandler {
  readonly #titles: string[] = [];
  readonly #series: Series[] = [];
  /** The part of a series that is being read: `tx`, `cat`, `val`, or another. */
  #part = '';
  #isInSeries = false;
  /** The place of the value that is being read. */
  #row = 0;
  #text: string | undefined;

  open(name: string, { idx }: Attributes): void {
    if (name === 'pt') this.#row = Number(idx);
    if (name === 'ser') {
      this.#isInSeries = true;
      this.#series.push({ name: '', categories: [], values: [] });
    } else if (this.#isInSeries && PARTS.has(name)) this.#part = name;
    // A paragraph holds the words of a title, in runs; a value stands by itself.
    if (name === 'v' || (name === 'p' && !this.#isInSeries)) this.#text = '';
  }

  text(text: string): void {
    if (this.#text !== undefined) this.#text += text;
  }

  close(name: string): void {
    if (name === 'ser') this.#isInSeries = false;
    if (name === this.#part) this.#part = '';
    if ((name !== 'v' && name !== 'p') || this.#text === undefined) return;
    const text = this.#text.trim().replace(/\s+/g, ' ');
    this.#text = undefined;
    if (name === 'p') this.#titles.push(text);
    else this.#keep(text);
  }

  #keep(text: string): void {
    const series = this.#series.at(-1);
    if (!series || !this.#isInSeries) return;
    if (this.#part === 'tx') series.name = text;
    if (!(this.#row >= 0 && this.#row < MOST_ROWS)) return;
    if (this.#part === 'cat' || this.#part === 'xVal') series.categories[this.#row] = text;
    if (this.#part === 'val' || this.#part === 'yVal') series.values[this.#row] = text;
  }

  toString(): string {
    const titles = this.#titles.filter((title) => title !== '').join('\n');
    return [titles, this.#table()].filter((text) => text !== '').join('\n\n');
  }

  #table(): string {
    const [first] = this.#series;
    if (!first) return '';
    const head = ['', ...this.#series.map(({ name }) => name)].join(' | ');
    // A place without a value is a hole.
    const rows = Array.from(first.categories, (category = '', at) =>
      [category, ...this.#series.map(({ values }) => values[at] ?? '')].join(' | ').trimEnd(),
    );
    return [head.trim(), ...rows].join('\n');
  }
}

const PARTS = new Set(['tx', 'cat', 'val', 'xVal', 'yVal']);
