/**
 * Converts HTML to text for reading and searching. It keeps the structure that Markdown can express
 * (headings, lists, code, table rows) and drops scripts and drawings. `htmlparser2` finds the tags;
 * an element that is never closed swallows the rest, as in a browser. The time is linear in the
 * length of the input, and no address is followed.
 */
import type { Tokenizer } from 'htmlparser2';
import { MarkdownWriter } from './markdown-writer.ts';

/**
 * The parts of `htmlparser2` that are used. Its `Parser` is not: it searches all open elements at
 * each end tag.
 */
export interface MarkupLibrary {
  Tokenizer: typeof Tokenizer;
}

export interface HtmlText {
  title: string | undefined;
  text: string;
}

/** Elements whose content is neither markup nor visible. */
const RAW = new Set('script style textarea title iframe noembed noframes xmp'.split(' '));
/** Elements that are dropped with all their content. */
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
 * Returns the readable text of a page, and the content of its `title`.
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

/** Collects a page: passes the tokenizer's events to the writer as structure. */
class Page {
  title: string | undefined;
  readonly #html: string;
  readonly #isXml: boolean;
  readonly #writer = new MarkdownWriter();
  /** The open element of `RAW`. */
  #raw: string | undefined;
  #rawText = '';
  /** The open element of `DROPPED`, and how many of that name are open. */
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

  /** Returns true for a tag of a dropped element, or for a tag within one. */
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
