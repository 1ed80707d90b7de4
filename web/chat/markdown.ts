/**
 * Draws Markdown as it comes. The parser is incremental; this renderer makes elements and texts and
 * nothing else: no HTML is ever parsed, links have safe schemes, and pictures load on a click.
 */
import * as smd from 'streaming-markdown';
import { make } from '../shared/elements.ts';
import { drawIcon } from '../shared/icons.ts';
import { say } from '../shared/words.ts';
import { addCodeBlock, finishCodeBlock } from './code-block.ts';

/** Tags by the parser's tokens; what is not listed is drawn as text. */
const TAGS = new Map<smd.Token, string>([
  [smd.PARAGRAPH, 'p'],
  // The title of the conversation is the page's own h1.
  [smd.HEADING_1, 'h2'],
  [smd.HEADING_2, 'h3'],
  [smd.HEADING_3, 'h4'],
  [smd.HEADING_4, 'h5'],
  [smd.HEADING_5, 'h6'],
  [smd.HEADING_6, 'h6'],
  [smd.CODE_INLINE, 'code'],
  [smd.ITALIC_AST, 'em'],
  [smd.ITALIC_UND, 'em'],
  [smd.STRONG_AST, 'strong'],
  [smd.STRONG_UND, 'strong'],
  [smd.STRIKE, 's'],
  [smd.LINK, 'a'],
  [smd.RAW_URL, 'a'],
  [smd.IMAGE, 'a'],
  [smd.BLOCKQUOTE, 'blockquote'],
  [smd.LINE_BREAK, 'br'],
  [smd.RULE, 'hr'],
  [smd.LIST_UNORDERED, 'ul'],
  [smd.LIST_ORDERED, 'ol'],
  [smd.LIST_ITEM, 'li'],
  [smd.TABLE, 'table'],
  [smd.TABLE_ROW, 'tr'],
  // No formulas are drawn: they stay readable as they were written.
  [smd.EQUATION_BLOCK, 'code'],
  [smd.EQUATION_INLINE, 'code'],
]);

/**
 * Blocks that one element holds. An answer of a megabyte has tens of thousands: a browser that had
 * them in one element would go through all of them for each that is added.
 */
const BLOCKS = 60;

const SAFE_SCHEMES: ReadonlySet<string> = new Set(['http:', 'https:', 'mailto:']);

/** Something that draws the text that it is given. */
export interface Markdown {
  write(text: string): void;
  end(): void;
}

/** Makes something that draws Markdown into an element, and into others like it after that. */
export function createMarkdown(first: HTMLElement): Markdown {
  let target = first;
  const stack: HTMLElement[] = [];
  const top = () => stack.at(-1) ?? target;
  const addToken = (token: smd.Token) => {
    if (stack.length === 0 && target.childElementCount >= BLOCKS) target = addAfter(target);
    stack.push(add(top(), token));
  };
  const parser = smd.parser({
    data: undefined,
    add_token: (_, token: smd.Token) => addToken(token),
    end_token: () => finish(stack.pop()),
    add_text: (_, text: string) => addText(top(), text),
    set_attr: (_, kind: smd.Attr, value: string) => setAttribute(top(), kind, value),
  });
  /** The parser tells nobody of the line below a table's head: it is looked at as it ends. */
  const endLine = () => {
    if (parser.token === smd.TABLE && parser.table_state === 1) align(top(), parser.pending);
    smd.parser_write(parser, '\n');
  };
  return {
    write(text) {
      const [first = '', ...lines] = text.split('\n');
      smd.parser_write(parser, first);
      for (const line of lines) {
        endLine();
        smd.parser_write(parser, line);
      }
    },
    end: () => smd.parser_end(parser),
  };
}

/** Aligns the columns of a table as the line below its head says, such as `| :-: | ---: |`. */
function align(table: HTMLElement, line: string): void {
  const columns = line
    .replace(/^\s*\|/u, '')
    .split('|')
    .map(alignmentOf);
  if (columns.every((one) => one === '')) return;
  table.dataset['columns'] = columns.join();
  for (const cell of table.querySelectorAll('th')) alignCell(cell);
}

function alignmentOf(dashes: string): string {
  const [, start, end] = /^\s*(:?)-+(:?)\s*$/u.exec(dashes) ?? [];
  return end ? (start ? 'center' : 'right') : '';
}

function alignCell(cell: HTMLElement): void {
  const row = cell.parentElement;
  const columns = row?.parentElement?.dataset['columns']?.split(',');
  if (columns) cell.style.textAlign = columns[[...(row?.children ?? [])].indexOf(cell)] ?? '';
}

function addAfter(full: HTMLElement): HTMLElement {
  const next = document.createElement('div');
  next.className = full.className;
  full.classList.add('full');
  full.after(next);
  return next;
}

function finish(made: HTMLElement | undefined): void {
  if (made instanceof HTMLAnchorElement && made.dataset['address'] === undefined) unlink(made);
  else finishCodeBlock(made);
}

/** Makes text of brackets without an address: `list[0]`, a citation, a footnote. */
function unlink(link: HTMLAnchorElement): void {
  const { parentElement: parent, textContent: text } = link;
  const [, note] = /^\^(\S{1,20})$/u.exec(text) ?? [];
  if (note !== undefined) link.replaceWith(make('sup', {}, note));
  else if (link.childElementCount > 0) link.replaceWith('[', ...link.childNodes, ']');
  else if (parent) {
    link.remove();
    addText(parent, `[${text}]`);
  }
}

/** Lets the last text grow: a node for each delta would make the page slow. */
function addText(parent: HTMLElement, text: string): void {
  const { lastChild } = parent;
  if (lastChild instanceof Text) lastChild.appendData(text);
  else parent.append(text);
}

/** Adds an element for a token and returns where its content goes. */
function add(parent: HTMLElement, token: smd.Token): HTMLElement {
  if (token === smd.CODE_BLOCK || token === smd.CODE_FENCE) return addCodeBlock(parent);
  const made = document.createElement(tagOf(parent, token));
  if (made instanceof HTMLInputElement)
    Object.assign(made, { type: 'checkbox', disabled: true, ariaLabel: say('task') });
  if (token === smd.TABLE) return addTable(parent, made);
  parent.append(made);
  if (token === smd.TABLE_CELL) alignCell(made);
  return made;
}

function tagOf(parent: HTMLElement, token: smd.Token): string {
  if (token === smd.CHECKBOX) return 'input';
  if (token !== smd.TABLE_CELL) return TAGS.get(token) ?? 'span';
  return parent.previousElementSibling === null ? 'th' : 'td';
}

/** A wide table scrolls by itself, by keys, too. */
function addTable(parent: HTMLElement, table: HTMLElement): HTMLElement {
  const frame = document.createElement('div');
  frame.className = 'table';
  frame.tabIndex = 0;
  frame.setAttribute('role', 'region');
  frame.setAttribute('aria-label', say('table'));
  frame.append(table);
  parent.append(frame);
  return table;
}

function setAttribute(made: HTMLElement, kind: smd.Attr, value: string): void {
  if (kind === smd.HREF || kind === smd.SRC) setAddress(made, kind, value);
  if (kind === smd.START && /^\d{1,9}$/u.test(value)) made.setAttribute('start', value);
  if (kind === smd.CHECKED) made.toggleAttribute('checked', true);
  if (kind === smd.LANG) made.dataset['language'] = value.slice(0, 40);
}

/** A picture is a link to it: loading it at once would tell its server that it was seen. */
function setAddress(made: HTMLElement, kind: smd.Attr, value: string): void {
  if (!(made instanceof HTMLAnchorElement)) return;
  made.dataset['address'] = kind === smd.SRC ? 'picture' : 'link';
  if (!URL.canParse(value, location.origin)) return;
  const url = new URL(value, location.origin);
  if (!SAFE_SCHEMES.has(url.protocol)) return;
  made.href = url.href;
  made.target = '_blank';
  made.rel = 'noopener noreferrer';
  if (kind !== smd.SRC) return;
  made.className = 'picture';
  made.prepend(drawIcon('picture'));
  made.title = say('pictureFrom', { host: url.host });
}
