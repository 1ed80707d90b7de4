/** Extracts the text of a PDF, page by page. The host loads the library and passes it in. */
import type { Unzlib } from 'fflate';
import type * as Unpdf from 'unpdf';
import { ParleyError } from '../core/errors.ts';
import { isTooMany } from './control-characters.ts';
import { annotationLines } from './pdf-fields.ts';
import { refuseBomb } from './pdf-bomb.ts';
import { tooLarge, unreadable } from './refusals.ts';

export interface PdfLimits {
  pages: number;
  /** Length of the text, in UTF-16 units, after which reading stops. */
  characters: number;
  milliseconds: number;
}

export interface PdfText {
  title: string | undefined;
  text: string;
}

/** Enough for a long book, which takes some seconds. */
export const PDF_LIMITS: PdfLimits = { pages: 2_000, characters: 4_200_000, milliseconds: 20_000 };

export interface PdfLibrary extends Pick<typeof Unpdf, 'getDocumentProxy'> {
  /**
   * Reads one of the library's character code tables (`90ms-RKSJ-H.bcmap`), for fonts that have
   * none of their own.
   */
  readCMap: (fileName: string) => Promise<Uint8Array>;
  /** Unpacks streams, to measure their size. */
  Unzlib: typeof Unzlib;
  /** Says which files unpacked to too much, by their size; where the host limits that. */
  streamLimit?: { isExceeded(size: number): boolean; forget(size: number): void };
}
type Pdf = Awaited<ReturnType<PdfLibrary['getDocumentProxy']>>;

/**
 * Reads a PDF.
 * @param bytes are transferred, so they are empty afterwards
 * @throws ParleyError `document_unreadable`, `payload_too_large`
 */
export async function readPdf(
  library: PdfLibrary,
  bytes: Uint8Array,
  limits: PdfLimits = PDF_LIMITS,
): Promise<PdfText> {
  const deadline = Date.now() + limits.milliseconds;
  refuseBomb(bytes, library.Unzlib);
  const size = bytes.length;
  // The library passes over a stream that it cannot read, and so over one that is too large.
  const check = () => {
    if (library.streamLimit?.isExceeded(size))
      throw tooLarge('The PDF unpacks to more than can be read');
  };
  try {
    return await readOpened(await open(library, bytes), { limits, deadline, check });
  } catch (error) {
    check();
    throw error;
  } finally {
    library.streamLimit?.forget(size);
  }
}

interface Reading {
  limits: PdfLimits;
  deadline: number;
  /** Throws when too much was unpacked. */
  check: () => void;
}

async function readOpened(pdf: Pdf, reading: Reading): Promise<PdfText> {
  try {
    return await readPages(pdf, reading);
  } catch (error) {
    if (error instanceof ParleyError) throw error;
    throw unreadable('The PDF is damaged and cannot be read', error);
  } finally {
    await pdf.loadingTask.destroy().catch(() => undefined);
  }
}

async function open({ getDocumentProxy, readCMap }: PdfLibrary, bytes: Uint8Array): Promise<Pdf> {
  try {
    // Draws no font and requests no address.
    return await getDocumentProxy(bytes, {
      enableXfa: false,
      stopAtErrors: false,
      verbosity: 0,
      useWorkerFetch: false,
      useWasm: false,
      disableFontFace: true,
      cMapUrl: 'cmaps/',
      cMapPacked: true,
      BinaryDataFactory: filesBy(readCMap),
    });
  } catch (error) {
    const isLocked = error instanceof Error && error.name === 'PasswordException';
    const detail = isLocked
      ? 'The PDF is encrypted; send it without a password'
      : 'The PDF is damaged and cannot be read';
    throw unreadable(detail, error);
  }
}

/**
 * Gives the library access to its own files: character tables come from us, fonts are not needed.
 */
function filesBy(readCMap: PdfLibrary['readCMap']) {
  return class {
    async fetch({ kind, filename }: { kind: string; filename: string }): Promise<Uint8Array> {
      if (kind !== 'cMapUrl' || !/^[\w-]+\.bcmap$/.test(filename))
        throw new TypeError('a file of the PDF library that is not needed for text');
      return readCMap(filename);
    }
  };
}

async function readPages(pdf: Pdf, { limits, deadline, check }: Reading): Promise<PdfText> {
  if (pdf.numPages > limits.pages)
    throw tooLarge(`The PDF has ${pdf.numPages} pages; at most ${limits.pages} are read`);
  const pages: string[] = [];
  let length = 0;
  for (let number = 1; number <= pdf.numPages; number++) {
    if (Date.now() > deadline) throw tooLarge('The PDF takes too long to read');
    const page = await pdf.getPage(number);
    const text = await readPage(page);
    page.cleanup();
    check();
    length += text.length;
    if (length > limits.characters)
      throw tooLarge(`The PDF has more than ${limits.characters} characters`);
    if (text !== '') pages.push(text);
  }
  return { title: await titleOf(pdf), text: withoutControls(pages.join('\n\n')) };
}

async function readPage(page: Awaited<ReturnType<Pdf['getPage']>>): Promise<string> {
  const { items } = await page.getTextContent();
  const drawn = layOut(items.filter((item) => 'str' in item));
  // A damaged form must not make the page unreadable.
  const annotations = await page.getAnnotations().catch(() => []);
  return [drawn, ...annotationLines(annotations)].filter((text) => text !== '').join('\n');
}

/** Glyphs of a font without a character mapping appear as control or private characters. */
const MEANINGLESS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;
const PRIVATE = /[\ue000-\uf8ff\ufffd]/g;

/**
 * Removes control characters.
 * @throws ParleyError `document_unreadable` if the text is mostly glyphs without a meaning
 */
function withoutControls(text: string): string {
  const length = text.replace(/\s+/g, '').length;
  const controls = text.match(MEANINGLESS)?.length ?? 0;
  const unknown = text.match(PRIVATE)?.length ?? 0;
  if (isTooMany(controls, length) || unknown > length / 2)
    throw unreadable(
      'The fonts of the PDF do not say which characters they show; it must be recognised first',
    );
  return controls === 0 ? text : text.replace(MEANINGLESS, '');
}

async function titleOf(pdf: Pdf): Promise<string | undefined> {
  const { info } = await pdf.getMetadata().catch(() => ({ info: {} }));
  const title = 'Title' in info ? info.Title : undefined;
  return typeof title === 'string' && title.trim() !== '' ? title.trim() : undefined;
}

interface Item {
  str: string;
  hasEOL: boolean;
  height: number;
  /** The last two numbers are the position. */
  transform: number[];
}

/** A gap between lines of more than this many line heights starts a paragraph. */
const PARAGRAPH_GAP = 1.8;

/**
 * Arranges a page's items in lines, with a blank line where the page has a gap. Joins words that
 * are hyphenated at a line end.
 */
function layOut(items: readonly Item[]): string {
  const paragraphs: string[] = [];
  let text = '';
  let last: Item | undefined;
  for (const item of items) {
    if (last && startsParagraph(last, item)) {
      paragraphs.push(text.trimEnd());
      text = '';
    }
    text += item.str;
    if (item.hasEOL) text += '\n';
    if (item.str.trim() !== '') last = item;
  }
  return (
    [...paragraphs, text]
      .join('\n\n')
      .replace(/(\p{Ll})[-\u2010]\n(?=\p{Ll})/gu, '$1')
      // Starts at the first of several spaces only; starting at each of them would be quadratic.
      .replace(/(?<![ \t])[ \t]+\n/g, '\n')
      .replace(/\n{3,}/g, '\n\n')
      .trim()
  );
}

function startsParagraph(before: Item, item: Item): boolean {
  const height = Math.max(before.height, item.height, 1);
  return (before.transform[5] ?? 0) - (item.transform[5] ?? 0) > height * PARAGRAPH_GAP;
}
