/**
 * Draws Markdown as it comes. The parser is incremental; this renderer makes elements and texts and
 * nothing else: no HTML is ever parsed, links have safe schemes, and pictures load on a click.
 */
import * as smd from 'streaming-markdown';
import {
  noteIn,
  readMarkdown,
  safeAddress,
  TAGS,
  type Alignment,
  type Markdown,
} from '../../src/text/markdown.ts';
import { make } from '../shared/elements.ts';
import { drawIcon } from '../shared/icons.ts';
import { say } from '../shared/words.ts';
import { addCodeBlock, finishCodeBlock } from './code-block.ts';

/**
 * Blocks that one element holds. An answer of a megabyte has tens of thousands: a browser that had
 * them in one element would go through all of them for each that is added.
 */
const BLOCKS = 60;

/** Makes something that draws Markdown into an element, and into others like it after that. */
export function createMarkdown(first: HTMLElement): Markdown {
  let target = first;
  const stack: HTMLElement[] = [];
  const top = () => stack.at(-1) ?? target;
  const addToken = (token: smd.Token) => {
    if (stack.length === 0 && target.childElementCount >= BLOCKS) target = addAfter(target);
    stack.push(add(top(), token));
  };
  return readMarkdown({
    open: addToken,
    close: () => finish(stack.pop()),
    text: (text) => addText(top(), text),
    attribute: (kind, value) => setAttribute(top(), kind, value),
    align: (columns) => align(top(), columns),
  });
}

function align(table: HTMLElement, columns: readonly Alignment[]): void {
  if (columns.every((one) => one === '')) return;
  table.dataset['columns'] = columns.join();
  for (const cell of table.querySelectorAll('th')) alignCell(cell);
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
  const note = noteIn(text);
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
  const url = safeAddress(value, location.origin);
  if (!url) return;
  made.href = url.href;
  made.target = '_blank';
  made.rel = 'noopener noreferrer';
  if (kind !== smd.SRC) return;
  made.className = 'picture';
  made.prepend(drawIcon('picture'));
  made.title = say('pictureFrom', { host: url.host });
}
