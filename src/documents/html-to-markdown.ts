/**
 * Turns HTML into text for reading and searching, with the structure that Markdown has: headings,
 * lists, code and table rows, and nothing that is run or drawn. `htmlparser2` finds the tags; what is
 * never closed swallows the rest, as in a browser. Linear in the length of the input; follows no address.
 */
import type { Tokenizer } from 'htmlparser2';
import { MarkdownWriter } from './markdown-writer.ts';

/** What is used of `htmlparser2`. Its `Parser` looks through all open elements at each end tag. */
export interface MarkupLibrary {
  Tokenizer: typeof Tokenizer;
}

export interface HtmlText {
  title: string | undefined;
  text: string;
}

/** Elements whose content is no markup and is not shown. */
const RAW = new Set('script style textarea title iframe noembed noframes xmp'.split(' '));
/** Elements that are left out with all that is in them. */
const DROPPED = new Set(
  'svg math template noscript canvas object audio video select datalist'.split(' '),
);
const BLOCKS = new Set(
  (
    'address article aside blockquote body center dd details dialog div dl dt fieldset figcaption ' +
    'figure footer form header hgroup hr html main menu nav ol p section summary ul legend'
  ).split(' '),
);
const HEADINGS = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'];

/**
 * The readable text of a page and what its `title` says.
 * @param isXml true for XHTML, where `<script/>` is closed
 */
export function htmlToText(
  { Tokenizer: TagFinder }: MarkupLibrary,
  html: string,
  isXml = false,
): HtmlText {
  const page = new Page(html, isXml);
  const finder = new TagFinder({ recognizeSelfClosing: isXml }, page);
  finder.write(html);
  finder.end();
  return { title: page.title, text: page.text() };
}

const nothing = () => undefined;

/** What has been read of a page: the events of the tokenizer, as structure for the writer. */
class Page {
  title: string | undefined;
  readonly #html: string;
  readonly #isXml: boolean;
  readonly #writer = new MarkdownWriter();
  /** The element of `RAW` that is open. */
  #raw: string | undefined;
  #rawText = '';
  /** The element of `DROPPED` that is open, and how many of its name. */
  #dropped: string | undefined;
  #depth = 0;
  #tag = '';
  #attribute = '';
  #alt: string | undefined;

  constructor(html: string, isXml: boolean) {
    this.#html = html;
    this.#isXml = isXml;
  }

  readonly onattribend = nothing;
  readonly oncomment = nothing;
  readonly ondeclaration = nothing;
  readonly onprocessinginstruction = nothing;
  readonly oncdata = nothing;
  readonly onend = nothing;

  onopentagname(start: number, end: number): void {
    this.#tag = this.#html.slice(start, end).toLowerCase();
    this.#alt = undefined;
  }

  onattribname(start: number, end: number): void {
    this.#attribute = this.#tag === 'img' ? this.#html.slice(start, end).toLowerCase() : '';
  }

  onattribdata(start: number, end: number): void {
    if (this.#attribute === 'alt') this.#alt = (this.#alt ?? '') + this.#html.slice(start, end);
  }

  onattribentity(code: number): void {
    if (this.#attribute === 'alt') this.#alt = (this.#alt ?? '') + String.fromCodePoint(code);
  }

  onopentagend(): void {
    this.#open(this.#tag, false);
  }

  onselfclosingtag(): void {
    this.#open(this.#tag, true);
    if (this.#isXml && this.#dropped === undefined) this.#element(this.#tag, true);
  }

  onclosetag(start: number, end: number): void {
    const name = this.#html.slice(start, end).toLowerCase();
    if (this.#raw !== undefined) this.#endRaw();
    else if (!this.#drops(name, 'closes')) this.#element(name, true);
  }

  ontext(start: number, end: number): void {
    this.#add(this.#html.slice(start, end));
  }

  ontextentity(code: number): void {
    this.#add(String.fromCodePoint(code));
  }

  text(): string {
    this.#endRaw();
    return this.#writer.toString();
  }

  #add(text: string): void {
    if (this.#raw === 'title') this.#rawText += text;
    else if (this.#raw === undefined && this.#dropped === undefined) this.#writer.text(text);
  }

  #open(name: string, isSelfClosing: boolean): void {
    if (RAW.has(name)) {
      if (isSelfClosing && this.#isXml) return;
      this.#raw = name;
      this.#rawText = '';
    } else if (!this.#drops(name, isSelfClosing ? 'is whole' : 'opens')) {
      this.#element(name, false);
    }
  }

  #endRaw(): void {
    if (this.#raw === 'title' && this.title === undefined && this.#dropped === undefined)
      this.title = this.#rawText.replace(/\s+/gu, ' ').trim() || undefined;
    this.#raw = undefined;
  }

  /** True for a tag of an element that is left out, or within one. */
  #drops(name: string, what: 'opens' | 'closes' | 'is whole'): boolean {
    if (this.#dropped === undefined) {
      if (!DROPPED.has(name) || what !== 'opens') return DROPPED.has(name);
      this.#dropped = name;
      this.#depth = 1;
    } else if (name === this.#dropped && what !== 'is whole') {
      this.#depth += what === 'closes' ? -1 : 1;
      if (this.#depth === 0) this.#dropped = undefined;
    }
    return true;
  }

  #element(name: string, closes: boolean): void {
    const writer = this.#writer;
    const level = HEADINGS.indexOf(name) + 1;
    if (level > 0) writer.block(closes ? '' : `${'#'.repeat(level)} `);
    else if (BLOCKS.has(name)) writer.block('');
    else if (name === 'pre') writer.code(!closes);
    else if (name === 'br') writer.lineBreak();
    else if (name === 'li') writer.startLine(closes ? '' : '- ');
    else if (name === 'img' && this.#alt !== undefined) writer.text(` ${this.#alt} `);
    else this.#tableElement(name, closes);
  }

  #tableElement(name: string, closes: boolean): void {
    const writer = this.#writer;
    if (closes && name === 'table') writer.endTable();
    else if (closes && name === 'tr') writer.endRow();
    else if (closes && (name === 'td' || name === 'th')) writer.endCell();
    else if (name === 'table') writer.startTable();
    else if (name === 'tr') writer.startRow();
    else if (name === 'td' || name === 'th') writer.startCell(name === 'th');
    else if (name === 'thead' || name === 'tbody' || name === 'tfoot') writer.endRow();
    else if (name === 'caption') writer.block('');
  }
}
