/**
 * Extracts the text of a Word document: its body with headings, lists and tables, then its notes.
 */
import { MarkdownWriter } from '../markdown-writer.ts';
import { unreadable } from '../refusals.ts';
import type { Archive } from './archive.ts';
import { attribute, readXml, relationships, titleOf, type Attributes } from './xml.ts';

const DEEPEST_HEADING = 6;
/** Text that was deleted or moved away, and duplicates for older programs. */
const LEFT_OUT = new Set(['del', 'moveFrom', 'Fallback']);

export function readDocx(archive: Archive): { text: string; title: string | undefined } {
  const root = [...relationships(archive, '').values()].find(
    ({ type }) => type === 'officeDocument',
  );
  const part = root?.target ?? 'word/document.xml';
  const body = archive.read(part);
  if (!body) throw unreadable('The document is damaged: it has no text part');
  const others = [...relationships(archive, part).values()];
  const levels = headingLevels(
    archive.read(others.find(({ type }) => type === 'styles')?.target ?? ''),
  );
  const writer = new MarkdownWriter();
  readXml(body, new Body(writer, levels));
  for (const { target } of others.filter(({ type }) => /^(?:foot|end)notes$/.test(type))) {
    const notes = archive.read(target);
    if (notes) readXml(notes, new Body(writer, levels));
  }
  return { text: writer.toString(), title: titleOf(archive) };
}

/**
 * Returns the heading level of each style that has one: its outline level, else by its English
 * name.
 */
function headingLevels(bytes: Uint8Array | undefined): Map<string, number> {
  const levels = new Map<string, number>();
  let style = '';
  if (bytes)
    readXml(bytes, {
      open(name, attributes) {
        if (name === 'style') style = attribute(attributes, 'styleId') ?? '';
        const value = attribute(attributes, 'val') ?? '';
        const named = name === 'name' ? /^(?:heading ([1-9])|(title))$/i.exec(value) : null;
        if (named) levels.set(style, named[2] ? 1 : Number(named[1]));
        if (name === 'outlineLvl' && Number(value) < 9) levels.set(style, Number(value) + 1);
      },
    });
  return levels;
}

/** Returns true if the table's first row is styled as its header. */
function looksForFirstRow(attributes: Attributes): boolean {
  const said = attribute(attributes, 'firstRow');
  if (said !== undefined) return said === '1' || said === 'true';
  return (Number.parseInt(attribute(attributes, 'val') ?? '0', 16) & 0x20) !== 0;
}

/** Collects a body. A paragraph's properties come before its text. */
class Body {
  readonly #writer: MarkdownWriter;
  readonly #levels: Map<string, number>;
  /** Number of open elements of `LEFT_OUT`. */
  #leftOut = 0;
  #isText = false;
  #isHeaderRow = false;
  /** True if the previous paragraph was a list item. */
  #isInList = false;
  /** A paragraph that has begun, but of which nothing is written yet. */
  #pending: { level: number; isListed: boolean } | undefined;

  constructor(writer: MarkdownWriter, levels: Map<string, number>) {
    this.#writer = writer;
    this.#levels = levels;
  }

  open(name: string, attributes: Attributes): void {
    if (LEFT_OUT.has(name)) this.#leftOut++;
    if (this.#leftOut > 0) return;
    if (name === 'p') this.#pending = { level: 0, isListed: false };
    else if (name === 't') this.#isText = true;
    else if (name === 'pStyle' || name === 'outlineLvl' || name === 'numPr')
      this.#format(name, attributes);
    else if (name === 'tab') this.text('\t', true);
    else if (name === 'noBreakHyphen') this.text('-', true);
    else if (name === 'br' || name === 'cr') this.#writer.lineBreak();
    else this.#table(name, attributes);
  }

  text(text: string, isOwn = this.#isText): void {
    if (!isOwn || this.#leftOut > 0) return;
    this.#begin();
    this.#writer.text(text);
  }

  close(name: string): void {
    if (LEFT_OUT.has(name)) this.#leftOut--;
    if (this.#leftOut > 0) return;
    if (name === 't') this.#isText = false;
    else if (name === 'p') this.#writer.startLine('');
    else if (name === 'tbl') this.#writer.endTable();
    else if (name === 'tr') {
      this.#isHeaderRow = false;
      this.#writer.endRow();
    } else if (name === 'tc') this.#writer.endCell();
  }

  #table(name: string, attributes: Attributes): void {
    if (name === 'tbl') this.#writer.startTable();
    else if (name === 'tblLook') this.#isHeaderRow = looksForFirstRow(attributes);
    else if (name === 'tr') this.#writer.startRow();
    else if (name === 'tblHeader') this.#isHeaderRow = true;
    else if (name === 'tc') this.#writer.startCell(this.#isHeaderRow);
  }

  #format(name: string, attributes: Attributes): void {
    if (!this.#pending) return;
    const value = attribute(attributes, 'val') ?? '';
    if (name === 'numPr') this.#pending.isListed = true;
    else if (name === 'pStyle') this.#pending.level = this.#levels.get(value) ?? 0;
    else if (Number(value) < 9) this.#pending.level = Number(value) + 1;
  }

  #begin(): void {
    if (!this.#pending) return;
    const { level, isListed } = this.#pending;
    this.#pending = undefined;
    if (level > 0) this.#writer.block(`${'#'.repeat(Math.min(level, DEEPEST_HEADING))} `);
    else if (isListed && this.#isInList) this.#writer.startLine('- ');
    else this.#writer.block(isListed ? '- ' : '');
    this.#isInList = isListed;
  }
}
