/**
 * Extracts the text of slides: each under its title or number, with its tables and speaker notes.
 */
import { MarkdownWriter } from '../markdown-writer.ts';
import { unreadable } from '../refusals.ts';
import type { Archive } from './archive.ts';
import { chartText } from './chart.ts';
import { diagramText } from './diagram.ts';
import {
  attribute,
  readXml,
  relationshipId,
  relationships,
  textsOf,
  titleOf,
  type Attributes,
} from './xml.ts';

const PRESENTATION = 'ppt/presentation.xml';

export function readPptx(archive: Archive): { text: string; title: string | undefined } {
  const slides = slideParts(archive).map((part, at) => slideText(archive, part, at + 1));
  return { text: slides.filter((text) => text !== '').join('\n\n'), title: titleOf(archive) };
}

/** Returns the slides in the order in which they are shown. */
function slideParts(archive: Archive): string[] {
  const bytes = archive.read(PRESENTATION);
  if (!bytes) throw unreadable('The document is damaged: it has no presentation');
  const parts = relationships(archive, PRESENTATION);
  const slides: string[] = [];
  readXml(bytes, {
    open(name, attributes) {
      const target = name === 'sldId' ? parts.get(relationshipId(attributes))?.target : undefined;
      if (target !== undefined) slides.push(target);
    },
  });
  return slides;
}

function slideText(archive: Archive, part: string, number: number): string {
  const bytes = archive.read(part);
  if (!bytes) return '';
  const slide = new Shapes();
  readXml(bytes, slide);
  const others = [...relationships(archive, part).values()];
  const partsOf = (wanted: string) =>
    others.flatMap(({ type, target }) => (type === wanted ? (archive.read(target) ?? []) : []));
  const body = [
    slide.toString(),
    ...partsOf('diagramData').map(diagramText),
    ...partsOf('chart').map(chartText),
    ...partsOf('notesSlide').map(notesText),
    ...partsOf('comments').flatMap((comments) => textsOf(comments, COMMENTS)),
  ]
    .filter((text) => text !== '')
    .join('\n\n');
  const title = slide.title.replace(/\s+/g, ' ').trim();
  return body === '' && title === '' ? '' : `# ${title || `Slide ${number}`}\n\n${body}`.trim();
}

/** The elements of comments that hold their texts, in the older format and the newer one. */
const COMMENTS = new Set(['text', 'txBody']);

function notesText(bytes: Uint8Array): string {
  const notes = new Shapes();
  readXml(bytes, notes);
  return notes.toString();
}

/** Placeholders with the same content on each slide. */
const FURNITURE = /^(?:sldNum|dt|ftr|hdr|sldImg)$/;

/** Collects the shapes of a slide. */
class Shapes {
  title = '';
  readonly #writer = new MarkdownWriter();
  #placeholder = '';
  #isText = false;
  #isHeaderRow = false;
  /** True within a duplicate for older programs. */
  #isFallback = false;

  open(name: string, attributes: Attributes): void {
    if (name === 'Fallback') this.#isFallback = true;
    if (this.#isFallback) return;
    if (name === 'sp') this.#placeholder = '';
    else if (name === 'ph') this.#placeholder = attribute(attributes, 'type') ?? 'body';
    else if (name === 't') this.#isText = true;
    else if (name === 'p') this.#paragraph();
    else if (name === 'br') this.#break();
    else this.#table(name, attributes);
  }

  text(text: string): void {
    if (!this.#isText || this.#isFallback || FURNITURE.test(this.#placeholder)) return;
    if (this.#isTitle) this.title += text;
    else this.#writer.text(text);
  }

  close(name: string): void {
    if (name === 'Fallback') this.#isFallback = false;
    if (this.#isFallback) return;
    if (name === 't') this.#isText = false;
    else if (name === 'sp') {
      this.#placeholder = '';
      this.#writer.block('');
    } else if (name === 'p') this.#writer.startLine('');
    else if (name === 'tbl') this.#writer.endTable();
    else if (name === 'tr') {
      this.#isHeaderRow = false;
      this.#writer.endRow();
    } else if (name === 'tc') this.#writer.endCell();
  }

  toString(): string {
    return this.#writer.toString();
  }

  get #isTitle(): boolean {
    return this.#placeholder === 'title' || this.#placeholder === 'ctrTitle';
  }

  #break(): void {
    if (this.#isTitle) this.title += ' ';
    else this.#writer.lineBreak();
  }

  #paragraph(): void {
    if (this.#isTitle) this.title += ' ';
    else this.#writer.startLine('');
  }

  #table(name: string, attributes: Attributes): void {
    if (name === 'tbl') this.#writer.startTable();
    else if (name === 'tblPr') this.#isHeaderRow = attribute(attributes, 'firstRow') === '1';
    else if (name === 'tr') this.#writer.startRow();
    else if (name === 'tc') this.#writer.startCell(this.#isHeaderRow);
  }
}
