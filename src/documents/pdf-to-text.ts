/** Extracts the text of a PDF, page by page. The host loads the library and passes it in. */
import type { Unzlib } from 'fflate';
import type * as Unpdf from 'unpdf';
import { ParleyError } from '../core/errors.ts';
import { isTooMany } from './control-characters.ts';
import { annotationLines } from './pdf-fields.ts';
import { refuseBomb } from './pdf-bomb.ts';
import { layOut, type Piece } from './pdf-layout.ts';
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
export const PDF_LIMITS: PdfLimits = { pages: 2_000, characters: 4_200_000, milliseconds: 15_000 };
/** Most pieces of text of one page; each takes some hundred bytes until the page is laid out. */
const MOST_PIECES = 100_000;

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
      throw tooLarge('The PDF holds more than can be read');
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
  let room = limits.characters;
  for (let number = 1; number <= pdf.numPages; number++) {
    const page = await pdf.getPage(number);
    const text = await readPage(page, { room, deadline });
    page.cleanup();
    check();
    room -= text.length;
    if (text !== '') pages.push(text);
  }
  return { title: await titleOf(pdf), text: withoutControls(pages.join('\n\n')) };
}

type Page = Awaited<ReturnType<Pdf['getPage']>>;

async function readPage(page: Page, bounds: PageBounds): Promise<string> {
  const drawn = layOut(await readPieces(page, bounds));
  // A damaged form must not make the page unreadable.
  const annotations = await page.getAnnotations().catch(() => []);
  return [drawn, ...annotationLines(annotations)].filter((text) => text !== '').join('\n');
}

interface PageBounds {
  /** The UTF-16 units that the file may still have. */
  room: number;
  /** By the clock, in milliseconds. */
  deadline: number;
}

/**
 * Reads the pieces of text of a page as they come, so that a page without end is given up.
 * @throws ParleyError `payload_too_large`
 */
async function readPieces(page: Page, { room, deadline }: PageBounds): Promise<Piece[]> {
  if (Date.now() > deadline) throw tooLong();
  const reader = page.streamTextContent().getReader();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(tooLong()), deadline - Date.now());
  const pieces: Piece[] = [];
  let left = room;
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), late.promise]);
      if (done) return pieces;
      // The library says nothing of the type of what it gives.
      for (const item of (value as TextContent).items) {
        if (!('str' in item)) continue;
        pieces.push(item);
        left -= item.str.length;
      }
      if (left < 0) throw tooLarge('The PDF has more characters than can be read');
      if (pieces.length > MOST_PIECES) throw tooLarge('A page of the PDF has too many pieces');
    }
  } finally {
    clearTimeout(timer);
    await reader.cancel(new Error('the page is not needed any more')).catch(() => undefined);
  }
}

const tooLong = () => tooLarge('The PDF takes too long to read');

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

type TextContent = Awaited<ReturnType<Page['getTextContent']>>;
