/** Collects the text of Rich Text Format. Properties come before the text that they are for. */
import { MarkdownWriter } from '../markdown-writer.ts';
import { headingPrefix } from './headings.ts';

/** Control words that stand for a character. */
const CHARACTERS: Readonly<Record<string, string>> = {
  ...{ tab: '\t', emdash: '—', endash: '–', bullet: '•', emspace: ' ', enspace: ' ', qmspace: ' ' },
  ...{ lquote: '‘', rquote: '’', ldblquote: '“', rdblquote: '”', nestcell: ' ', zwj: '\u200d' },
  ...{ zwnj: '\u200c' },
};
/** Control words that end a paragraph. */
const ENDS = new Set(['par', 'sect', 'page', 'column']);

interface Paragraph {
  style: number;
  level: number;
  isListed: boolean;
  isInTable: boolean;
}

const PLAIN: Paragraph = { style: 0, level: 0, isListed: false, isInTable: false };

export class RtfBody {
  /** The level of each style that is one of headings. */
  readonly levels = new Map<number, number>();
  readonly #body = new MarkdownWriter();
  readonly #notes = new Set<string>();
  #writer = this.#body;
  #paragraph = PLAIN;
  /** The body's paragraph, while a note is read. */
  #interrupted = { paragraph: PLAIN, isBegun: false };
  #isBegun = false;
  #wasListed = false;
  #hasTable = false;
  #hasCell = false;
  #isHeaderRow = false;

  text(text: string): void {
    if (!this.#isBegun && text.trim() !== '') this.#begin();
    if (this.#isBegun) this.#writer.text(text);
  }

  control(word: string, value = 1): void {
    const character = CHARACTERS[word];
    if (character !== undefined) this.text(character);
    else if (ENDS.has(word)) this.#endParagraph();
    else if (word === 'line' || word === 'nestrow') this.#writer.lineBreak();
    else if (word === 'cell') this.#endCell();
    else if (word === 'row') this.#endRow();
    else if (word === 'trowd') this.#isHeaderRow = false;
    else if (word === 'trhdr') this.#isHeaderRow = true;
    else this.#format(word, value);
  }

  startNote(): void {
    this.#interrupted = { paragraph: this.#paragraph, isBegun: this.#isBegun };
    [this.#paragraph, this.#isBegun, this.#writer] = [PLAIN, false, new MarkdownWriter()];
  }

  endNote(): void {
    this.#notes.add(this.#writer.toString());
    this.#writer = this.#body;
    [this.#paragraph, this.#isBegun] = [this.#interrupted.paragraph, this.#interrupted.isBegun];
  }

  toString(): string {
    return [this.#body.toString(), ...this.#notes].filter((text) => text !== '').join('\n\n');
  }

  #format(word: string, value: number): void {
    const paragraph = this.#paragraph;
    if (word === 'pard') this.#paragraph = PLAIN;
    else if (word === 's') this.#paragraph = { ...paragraph, style: value };
    else if (word === 'outlinelevel' && value < 9)
      this.#paragraph = { ...paragraph, level: value + 1 };
    else if (word === 'ls') this.#paragraph = { ...paragraph, isListed: value > 0 };
    else if (word === 'intbl') this.#paragraph = { ...paragraph, isInTable: true };
  }

  #begin(): void {
    this.#isBegun = true;
    this.#place();
    const { style, level: own, isListed } = this.#paragraph;
    const level = own || (this.levels.get(style) ?? 0);
    if (level > 0) this.#writer.block(headingPrefix(level));
    else if (isListed && this.#wasListed) this.#writer.startLine('- ');
    else this.#writer.block(isListed ? '- ' : '');
    this.#wasListed = isListed && level === 0;
  }

  /** Opens the cell that the paragraph belongs to, or ends the table before it. */
  #place(): void {
    if (this.#writer !== this.#body) return;
    if (this.#paragraph.isInTable) return this.#startCell();
    if (this.#hasTable) this.#writer.endTable();
    [this.#hasTable, this.#hasCell] = [false, false];
  }

  #startCell(): void {
    if (this.#hasCell) return;
    if (!this.#hasTable) this.#writer.startTable();
    this.#writer.startCell(this.#isHeaderRow);
    [this.#hasTable, this.#hasCell] = [true, true];
  }

  #endParagraph(): void {
    this.#isBegun = false;
    this.#writer.startLine('');
  }

  #endCell(): void {
    if (this.#writer !== this.#body) return this.text(' ');
    this.#startCell();
    this.#endParagraph();
    this.#writer.endCell();
    this.#hasCell = false;
  }

  #endRow(): void {
    if (this.#writer !== this.#body) return this.#writer.lineBreak();
    this.#writer.endRow();
    this.#hasCell = false;
  }
}
