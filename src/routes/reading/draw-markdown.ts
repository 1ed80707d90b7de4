/** Draws Markdown as elements of a page without scripts, by the rules of the chat. */
import * as smd from 'streaming-markdown';
import {
  noteIn,
  readMarkdown,
  safeAddress,
  TAGS,
  type Alignment,
  type Drawing,
} from '../../text/markdown.ts';
import { make, type Element, type Markup } from './markup.ts';

interface Options {
  /** The address that others are relative to. */
  base: string;
  /** The name of a box in a list of tasks. */
  task: string;
}

/** UTF-16 units that are drawn at once: some milliseconds, after which others have their turn. */
const SLICE = 8_000;

/** Returns the elements of a whole text. */
export async function drawMarkdown(text: string, options: Options): Promise<Markup[]> {
  const drawing = new ElementDrawing(options);
  const markdown = readMarkdown(drawing);
  for (let at = 0; at < text.length; at += SLICE) {
    if (at > 0) await new Promise((resolve) => setTimeout(resolve));
    markdown.write(text.slice(at, at + SLICE));
  }
  markdown.end();
  return drawing.root.content;
}

class ElementDrawing implements Drawing {
  readonly root = make('');
  readonly #stack: Element[] = [this.root];
  readonly #options: Options;
  /** The alignment of the columns of each table. */
  readonly #columns = new Map<Element, readonly Alignment[]>();

  constructor(options: Options) {
    this.#options = options;
  }

  get #top(): Element {
    // The root is never taken off.
    return this.#stack.at(-1) as Element;
  }

  open(token: smd.Token): void {
    const made = this.#make(token);
    const isBlock = token === smd.CODE_BLOCK || token === smd.CODE_FENCE;
    this.#top.content.push(isBlock ? make('pre', { dir: 'ltr' }, made) : made);
    this.#stack.push(made);
  }

  close(): void {
    const made = this.#stack.length > 1 ? this.#stack.pop() : undefined;
    if (made?.tag === 'a' && made.attributes['class'] === undefined) unlink(made);
  }

  text(text: string): void {
    this.#top.content.push(text);
  }

  attribute(kind: smd.Attr, value: string): void {
    const { attributes } = this.#top;
    if (kind === smd.HREF || kind === smd.SRC) this.#lead(kind, value);
    if (kind === smd.START && /^\d{1,9}$/u.test(value)) attributes['start'] = value;
    if (kind === smd.CHECKED) attributes['checked'] = '';
  }

  align(columns: readonly Alignment[]): void {
    this.#columns.set(this.#top, columns);
    for (const row of this.#top.content)
      if (typeof row !== 'string')
        for (const [at, cell] of row.content.entries()) setSide(cell, columns[at]);
  }

  #make(token: smd.Token): Element {
    if (token === smd.CODE_BLOCK || token === smd.CODE_FENCE) return make('code');
    if (token === smd.CHECKBOX)
      return make('input', { type: 'checkbox', disabled: '', 'aria-label': this.#options.task });
    if (token === smd.TABLE_CELL) return this.#makeCell();
    return make(TAGS.get(token) ?? 'span');
  }

  #makeCell(): Element {
    const [table, row] = this.#stack.slice(-2);
    const cell = make(row && table?.content[0] === row ? 'th' : 'td');
    const columns = table && this.#columns.get(table);
    setSide(cell, columns?.[row?.content.length ?? 0]);
    return cell;
  }

  /** A link that may lead nowhere keeps its text alone. A picture is a link to it. */
  #lead(kind: smd.Attr, value: string): void {
    const { tag, attributes } = this.#top;
    if (tag !== 'a') return;
    attributes['class'] = kind === smd.SRC ? 'picture' : 'link';
    const url = safeAddress(value, this.#options.base);
    if (url) Object.assign(attributes, { href: url.href, rel: 'noopener noreferrer' });
  }
}

/** No style may stand in the page: its style sheet knows the classes. */
function setSide(cell: Markup, side: Alignment | undefined): void {
  if (typeof cell !== 'string' && side) cell.attributes['class'] = side;
}

/** Makes text of brackets without an address: `list[0]`, a citation, a footnote. */
function unlink(link: Element): void {
  const [only] = link.content;
  const note = link.content.length === 1 && typeof only === 'string' ? noteIn(only) : undefined;
  link.tag = note === undefined ? '' : 'sup';
  link.content = note === undefined ? ['[', ...link.content, ']'] : [note];
}
