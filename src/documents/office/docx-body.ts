/**
 * Collects the text of a part of a Word document. A paragraph's properties come before its text.
 */
import { MarkdownWriter } from '../markdown-writer.ts';
import type { ParagraphStyle } from './docx-styles.ts';
import { headingPrefix } from './headings.ts';
import { attribute, type Attributes, type XmlHandler } from './xml.ts';

/** Text that was deleted or moved away, duplicates for older programs, pronunciation guides. */
const LEFT_OUT = new Set(['del', 'moveFrom', 'Fallback', 'rt']);

interface Paragraph extends ParagraphStyle {
  isBegun: boolean;
}

/** Returns true if the table's first row is styled as its header. */
function looksForFirstRow(attributes: Attributes): boolean {
  const said = attribute(attributes, 'firstRow');
  if (said !== undefined) return said === '1' || said === 'true';
  return (Number.parseInt(attribute(attributes, 'val') ?? '0', 16) & 0x20) !== 0;
}

export class WordBody implements XmlHandler {
  readonly #writer = new MarkdownWriter();
  readonly #styles: ReadonlyMap<string, ParagraphStyle>;
  /** Number of open elements of `LEFT_OUT`. */
  #leftOut = 0;
  #isText = false;
  #isHeaderRow = false;
  /** True if the previous paragraph was a list item. */
  #isInList = false;
  /** The open paragraphs: a text box within one has paragraphs of its own. */
  readonly #paragraphs: Paragraph[] = [];

  constructor(styles: ReadonlyMap<string, ParagraphStyle>) {
    this.#styles = styles;
  }

  open(name: string, attributes: Attributes): void {
    if (LEFT_OUT.has(name)) this.#leftOut++;
    if (this.#leftOut > 0) return;
    if (name === 'p') this.#paragraphs.push({ level: 0, isListed: false, isBegun: false });
    else if (name === 't') this.#isText = true;
    else if (name === 'pStyle' || name === 'outlineLvl' || /^num(?:Pr|Id)$/.test(name))
      this.#format(name, attribute(attributes, 'val') ?? '');
    else if (name === 'tab') this.text('\t', true);
    else if (name === 'noBreakHyphen') this.text('-', true);
    else if (name === 'br' || name === 'cr') this.#writer.lineBreak();
    else this.#table(name, attributes);
  }

  text(text: string, isOwn = this.#isText): void {
    if (!isOwn || this.#leftOut > 0) return;
    const paragraph = this.#paragraphs.at(-1);
    if (paragraph && !paragraph.isBegun) this.#begin(paragraph);
    this.#writer.text(text);
  }

  close(name: string): void {
    if (LEFT_OUT.has(name)) this.#leftOut--;
    else if (this.#leftOut > 0) return;
    else if (name === 't') this.#isText = false;
    else if (name === 'p') this.#endParagraph();
    else if (name === 'tbl') this.#writer.endTable();
    else if (name === 'tr') {
      this.#isHeaderRow = false;
      this.#writer.endRow();
    } else if (name === 'tc') this.#writer.endCell();
  }

  toString(): string {
    return this.#writer.toString();
  }

  #table(name: string, attributes: Attributes): void {
    if (name === 'tbl') this.#writer.startTable();
    else if (name === 'tblLook') this.#isHeaderRow = looksForFirstRow(attributes);
    else if (name === 'tr') this.#writer.startRow();
    else if (name === 'tblHeader') this.#isHeaderRow = true;
    else if (name === 'tc') this.#writer.startCell(this.#isHeaderRow);
  }

  #format(name: string, value: string): void {
    const paragraph = this.#paragraphs.at(-1);
    if (!paragraph) return;
    if (name === 'pStyle') Object.assign(paragraph, this.#styles.get(value));
    // The number 0 takes a paragraph out of the list of its style.
    else if (name.startsWith('num')) paragraph.isListed = value !== '0';
    else if (Number(value) < 9) paragraph.level = Number(value) + 1;
  }

  #begin(paragraph: Paragraph): void {
    const { level, isListed } = paragraph;
    paragraph.isBegun = true;
    if (level > 0) this.#writer.block(headingPrefix(level));
    else if (isListed && this.#isInList) this.#writer.startLine('- ');
    else this.#writer.block(isListed ? '- ' : '');
    this.#isInList = isListed && level === 0;
  }

  #endParagraph(): void {
    this.#paragraphs.pop();
    this.#writer.startLine('');
  }
}
