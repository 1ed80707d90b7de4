/** Collects the text of an OpenDocument text or presentation. */
import { MarkdownWriter } from '../markdown-writer.ts';
import { headingLevelOf, headingPrefix } from './headings.ts';
import type { Attributes, XmlHandler } from './xml.ts';

/** Deleted text, text of forms and pictures, numbers of pages and notes, pronunciation guides. */
const LEFT_OUT = new Set([
  ...['tracked-changes', 'forms', 'scripts', 'note-citation', 'ruby-text', 'desc', 'page-number'],
]);
/** Texts that come last, wherever they are declared. */
const NOTES = new Set(['note-body', 'annotation']);
/** Classes of frames with the same content on each slide. */
const FURNITURE = /^(?:header|footer|date-time|page-number)$/;

interface Paragraph {
  level: number;
  isListed: boolean;
  isBegun: boolean;
}

export class OpenText implements XmlHandler {
  /** The text before the first slide, then each slide, then the notes. */
  readonly #texts: string[] = [];
  readonly #notes: string[] = [];
  #writer = new MarkdownWriter();
  /** The writers that notes interrupt. */
  readonly #interrupted: MarkdownWriter[] = [];
  /** The open paragraphs: a frame within one has its own, and a note's head belongs to none. */
  readonly #paragraphs: (Paragraph | undefined)[] = [];
  readonly #levels = new Map<string, number>();
  #leftOut = 0;
  #slides = 0;
  #title: string | undefined;
  #isTitle = false;
  #isHeaderRow = false;
  #isItem = false;
  #wasListed = false;

  open(name: string, attributes: Attributes): void {
    if (this.#leftOut > 0 || this.#isLeftOut(name, attributes)) {
      this.#leftOut++;
      return;
    }
    if (name === 'style') this.#readStyle(attributes);
    else if (name === 'p') this.#startParagraph(this.#levelOf(attributes));
    else if (name === 'h') this.#startParagraph(Number(attributes['text:outline-level']) || 1);
    else if (name === 'list-item') this.#isItem = true;
    else if (name === 's') this.text(' ');
    else if (name === 'tab') this.text('\t');
    else if (name === 'line-break') this.#break();
    else if (NOTES.has(name)) this.#startNote();
    else if (name === 'frame') this.#isTitle = attributes['presentation:class'] === 'title';
    else if (name === 'page') this.#startSlide();
    else this.#openTable(name);
  }

  text(text: string): void {
    const paragraph = this.#paragraphs.at(-1);
    if (this.#leftOut > 0 || !paragraph) return;
    if (this.#isTitle && this.#slides > 0) this.#title = (this.#title ?? '') + text;
    else this.#write(paragraph, text);
  }

  close(name: string): void {
    if (this.#leftOut > 0) this.#leftOut--;
    else if (name === 'p' || name === 'h') this.#endParagraph();
    else if (NOTES.has(name)) this.#endNote();
    else if (name === 'frame') this.#isTitle = false;
    else if (name === 'page') this.#endSlide();
    else this.#closeTable(name);
  }

  toString(): string {
    return [...this.#texts, this.#writer.toString(), ...this.#notes]
      .filter((text) => text !== '')
      .join('\n\n');
  }

  #isLeftOut(name: string, attributes: Attributes): boolean {
    const isFurniture = FURNITURE.test(attributes['presentation:class'] ?? '');
    return LEFT_OUT.has(name) || isFurniture;
  }

  /** Styles of the text itself are based on those that programs name. */
  #readStyle(attributes: Attributes): void {
    const level = headingLevelOf(attributes['style:parent-style-name'] ?? '');
    if (level > 0) this.#levels.set(attributes['style:name'] ?? '', level);
  }

  #levelOf(attributes: Attributes): number {
    const style = attributes['text:style-name'] ?? '';
    return this.#levels.get(style) ?? headingLevelOf(style);
  }

  #startParagraph(level: number): void {
    if (this.#isTitle && this.#title !== undefined) this.#title += ' ';
    this.#paragraphs.push({ level, isListed: this.#isItem, isBegun: false });
    this.#isItem = false;
  }

  #write(paragraph: Paragraph, text: string): void {
    if (!paragraph.isBegun && text.trim() !== '') this.#begin(paragraph);
    if (paragraph.isBegun) this.#writer.text(text);
  }

  #begin(paragraph: Paragraph): void {
    const { level, isListed } = paragraph;
    paragraph.isBegun = true;
    if (level > 0) this.#writer.block(headingPrefix(level));
    else if (isListed && this.#wasListed) this.#writer.startLine('- ');
    else this.#writer.block(isListed ? '- ' : '');
    this.#wasListed = isListed;
  }

  #endParagraph(): void {
    this.#paragraphs.pop();
    this.#writer.startLine('');
  }

  #break(): void {
    if (this.#isTitle) this.text(' ');
    else this.#writer.lineBreak();
  }

  #startNote(): void {
    this.#interrupted.push(this.#writer);
    this.#writer = new MarkdownWriter();
    this.#paragraphs.push(undefined);
  }

  #endNote(): void {
    this.#paragraphs.pop();
    this.#notes.push(this.#writer.toString());
    this.#writer = this.#interrupted.pop() ?? this.#writer;
  }

  #startSlide(): void {
    this.#slides++;
    this.#title = undefined;
  }

  #endSlide(): void {
    const title = (this.#title ?? '').replace(/\s+/gu, ' ').trim();
    const body = [this.#writer.toString(), ...this.#notes.splice(0)].filter(Boolean).join('\n\n');
    this.#writer = new MarkdownWriter();
    if (title !== '' || body !== '')
      this.#texts.push(`# ${title || `Slide ${this.#slides}`}\n\n${body}`.trim());
  }

  #openTable(name: string): void {
    if (name === 'table') this.#writer.startTable();
    else if (name === 'table-header-rows') this.#isHeaderRow = true;
    else if (name === 'table-row') this.#writer.startRow();
    else if (/^(?:covered-)?table-cell$/.test(name)) this.#writer.startCell(this.#isHeaderRow);
  }

  #closeTable(name: string): void {
    if (name === 'table') this.#writer.endTable();
    else if (name === 'table-header-rows') this.#isHeaderRow = false;
    else if (name === 'table-row') this.#writer.endRow();
    else if (/^(?:covered-)?table-cell$/.test(name)) this.#writer.endCell();
  }
}
