/**
 * HTML as text for reading and searching: structure as Markdown has it (headings, lists, code, table rows), nothing that is run or drawn. A tokenizer, not
 * a parser of the whole standard: what is never closed swallows the rest, as in a browser. Linear in the length of the input; follows no address.
 */
import { decodeEntities } from './html-entities.ts';

export interface HtmlText {
  title: string | undefined;
  text: string;
}

/** Elements whose content is no markup: it ends at their own end tag and nowhere else (HTML §13.1.2). */
const RAW = new Set([
  'script',
  'style',
  'textarea',
  'title',
  'iframe',
  'noembed',
  'noframes',
  'xmp',
]);
/** Elements that are left out with all that is in them. */
const DROPPED = new Set([
  'svg',
  'math',
  'template',
  'noscript',
  'canvas',
  'object',
  'audio',
  'video',
  'select',
  'datalist',
]);
const BLOCKS = new Set(
  (
    'address article aside blockquote body center dd details dialog div dl dt fieldset figcaption figure footer form header hgroup hr html ' +
    'main menu nav ol p section summary table tbody tfoot thead ul caption legend'
  ).split(' '),
);

const HEADINGS = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'];

const TAG_NAME = /[a-zA-Z][^\s/>]*/y;
const ALT = /\balt\s*=\s*(?:"([^"]*)"|'([^']*)')/i;

/** The readable text of a page and what its `title` says. */
export function htmlToText(html: string): HtmlText {
  const page = new Page();
  let title: string | undefined;
  let at = 0;
  for (let open = html.indexOf('<'); open >= 0; open = html.indexOf('<', open)) {
    const next = markupAt(html, open);
    open = next.end;
    if (next.kind === 'text') continue;
    page.text(html.slice(at, next.start));
    at = next.end;
    if (next.kind !== 'tag') continue;
    if (!RAW.has(next.name) || next.closes) {
      page.tag(next);
      continue;
    }
    const end = endTag(html, at, next.name);
    if (next.name === 'title' && title === undefined && !page.isDropping)
      title = collapse(decodeEntities(html.slice(at, end.start))) || undefined;
    at = open = end.end;
  }
  page.text(html.slice(at));
  return { title, text: page.toString() };
}

interface Tag {
  kind: 'tag';
  start: number;
  name: string;
  closes: boolean;
  attributes: string;
  end: number;
}

type Markup = Tag | { kind: 'text' | 'nothing'; start: number; end: number };

function markupAt(html: string, open: number): Markup {
  const start = open;
  const nothing = (end: number): Markup => ({
    kind: 'nothing',
    start,
    end: end < 0 ? html.length : end,
  });
  if (html.startsWith('<!--', open)) {
    const end = html.indexOf('-->', open + 4);
    return nothing(end < 0 ? end : end + 3);
  }
  const first = html.charAt(open + 1);
  if (first === '!' || first === '?') {
    const end = html.indexOf('>', open);
    return nothing(end < 0 ? end : end + 1);
  }
  const closes = first === '/';
  TAG_NAME.lastIndex = open + (closes ? 2 : 1);
  const name = TAG_NAME.exec(html)?.[0];
  if (name === undefined) return { kind: 'text', start, end: open + 1 };
  const end = tagEnd(html, TAG_NAME.lastIndex);
  if (end === undefined) return nothing(-1);
  const attributes = html.slice(TAG_NAME.lastIndex, end);
  return { kind: 'tag', start, name: name.toLowerCase(), closes, attributes, end };
}

const SPECIAL = /[>"']/g;

/** Behind the `>` that is in no quoted value; undefined when there is none. */
function tagEnd(html: string, from: number): number | undefined {
  for (let at = from; ;) {
    SPECIAL.lastIndex = at;
    const found = SPECIAL.exec(html);
    if (!found) return undefined;
    if (found[0] === '>') return found.index + 1;
    const closing = html.indexOf(found[0], found.index + 1);
    if (closing < 0) return undefined;
    at = closing + 1;
  }
}

function endTag(html: string, from: number, name: string): { start: number; end: number } {
  const pattern = new RegExp(`</${name}(?=[\\s/>])`, 'gi');
  pattern.lastIndex = from;
  const start = pattern.exec(html)?.index ?? html.length;
  const end = html.indexOf('>', start);
  // Where the first has no `>`, none after it has one.
  return end < 0 ? { start: html.length, end: html.length } : { start, end: end + 1 };
}

function collapse(text: string): string {
  return text.replace(/\s+/gu, ' ').trim();
}

/** What has been read of a page. Lines are gathered in `#line` and go to `#lines` when their block ends. */
class Page {
  readonly #lines: string[] = [];
  #line = '';
  #prefix = '';
  #dropped: string | undefined;
  #depth = 0;
  #isCode = false;

  get isDropping(): boolean {
    return this.#dropped !== undefined;
  }

  text(raw: string): void {
    if (this.isDropping || raw === '') return;
    const text = decodeEntities(raw);
    this.#line += this.#isCode ? text : text.replace(/[\s\u00a0]+/gu, ' ');
  }

  tag({ name, closes, attributes }: Tag): void {
    if (this.#drop(name, closes, attributes)) return;
    const level = HEADINGS.indexOf(name) + 1;
    if (level > 0) this.#block(closes ? '' : `${'#'.repeat(level)} `);
    else if (name === 'pre') this.#code(!closes);
    else if (name === 'br') this.#break();
    else if (name === 'li') this.#startLine(closes ? '' : '- ');
    else if (name === 'tr') this.#startLine('');
    else if ((name === 'td' || name === 'th') && closes) this.#line += ' | ';
    else if (name === 'img' && !closes) this.#image(attributes);
    else if (BLOCKS.has(name)) this.#block('');
  }

  #drop(name: string, closes: boolean, attributes: string): boolean {
    if (this.#dropped === undefined) {
      if (!DROPPED.has(name) || closes || attributes.endsWith('/>')) return DROPPED.has(name);
      this.#dropped = name;
      this.#depth = 1;
    } else if (name === this.#dropped && !attributes.endsWith('/>')) {
      this.#depth += closes ? -1 : 1;
      if (this.#depth === 0) this.#dropped = undefined;
    }
    return true;
  }

  #image(attributes: string): void {
    const alt = ALT.exec(attributes);
    if (alt) this.text(` ${alt[1] ?? alt[2] ?? ''} `);
  }

  /** A heading is one line. */
  #break(): void {
    if (this.#prefix.startsWith('#')) this.#line += ' ';
    else this.#endLine();
  }

  #code(opens: boolean): void {
    this.#block('');
    if (opens === this.#isCode) return;
    this.#isCode = opens;
    this.#lines.push('```');
    if (!opens) this.#lines.push('');
  }

  #block(prefix: string): void {
    this.#startLine(prefix);
    if (!this.#isCode && this.#lines.at(-1) !== '' && this.#lines.length > 0) this.#lines.push('');
  }

  #startLine(prefix: string): void {
    this.#endLine();
    this.#prefix = prefix;
  }

  #endLine(): void {
    const line = this.#isCode ? this.#line.replace(/^\n/u, '').trimEnd() : this.#line.trim();
    this.#line = '';
    if (line === '') return;
    this.#lines.push(this.#prefix + line.replace(/ \|$/u, ''));
    this.#prefix = '';
  }

  toString(): string {
    this.#block('');
    return this.#lines.join('\n').trim();
  }
}
