/** Extracts the text that is searched and cited from a document. Nothing is ever fetched. */
import { ParleyError } from '../core/errors.ts';
import { clean } from '../core/safe-text.ts';
import { htmlToText } from './html-to-markdown.ts';
import { decodeText } from './decode-text.ts';
import {
  essence,
  kindOfBytes,
  kindOfString,
  MIME_TYPES,
  textTypeOf,
  type Kind,
} from './detect-type.ts';
import type { Libraries } from './libraries.ts';
import { titleFor } from './titles.ts';
import { readPdf } from './pdf-to-text.ts';
import { tooLarge, unreadable } from './refusals.ts';

/** Largest upload, in bytes. */
export const LARGEST_UPLOAD = 10 * 1024 * 1024;
/**
 * Largest text of one document, in bytes of UTF-8: more than a thousand pages. `sqld` accepts no
 * row of five million bytes.
 */
export const LARGEST_TEXT = 4 * 1024 * 1024;

/** A document as the client sent it: a string, or a file. */
export interface Sent {
  content: string | Uint8Array;
  mimeType?: string | undefined;
  fileName?: string | undefined;
}

export interface Extracted {
  /** Plain text or Markdown: not empty, without NUL, well-formed, with `\n` as line end. */
  text: string;
  mimeType: string;
  /** The document's own title, else its file name or first line. */
  title: string;
  /** Size of the upload in bytes. */
  size: number;
  /**
   * The charset that the bytes were decoded with, as the Encoding standard names it; null if none
   * was needed.
   */
  charset: string | null;
}

/**
 * Extracts the text and the title of a document.
 * @throws ParleyError `payload_too_large`, `unsupported_media_type`, or `document_unreadable` if it
 * is broken, encrypted or without any text
 */
export async function extract(sent: Sent, libraries: Libraries): Promise<Extracted> {
  const { content, fileName } = sent;
  const size = typeof content === 'string' ? bytesOf(content) : content.length;
  if (size > LARGEST_UPLOAD) throw uploadTooLarge();
  const kind = kindOf(sent);
  const read = await readAs(kind, sent, libraries);
  // Clients that decode the text drop a byte order mark, and would count offsets from behind it.
  const text = clean(read.text)
    .replace(/\r\n?/g, '\n')
    .replace(/^\uFEFF+/u, '');
  if (bytesOf(text) > LARGEST_TEXT)
    throw tooLarge(`The document's text may have ${LARGEST_TEXT} bytes`);
  if (text.trim() === '') throw unreadable(emptyDetail(kind));
  return {
    text,
    size,
    mimeType: kind === 'text' ? textTypeOf(essence(sent.mimeType), fileName) : MIME_TYPES[kind],
    charset: read.charset ?? null,
    title: titleFor({ own: read.title, fileName, text }),
  };
}

/**
 * Returns the kind that a document is read as. It only examines the beginning.
 * @throws ParleyError `unsupported_media_type`
 */
export function kindOf({ content, mimeType, fileName }: Sent): Kind {
  return typeof content === 'string'
    ? kindOfString(content, essence(mimeType))
    : kindOfBytes(content, { mimeType, name: fileName });
}

export function uploadTooLarge(): ParleyError {
  return new ParleyError({
    code: 'payload_too_large',
    detail: `A document may have ${LARGEST_UPLOAD} bytes`,
  });
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

function emptyDetail(kind: Kind): string {
  return kind === 'pdf'
    ? 'The PDF holds no text; one that was scanned must be recognised first'
    : 'The document holds no text';
}

/** The result of reading a file. */
interface Read {
  text: string;
  title?: string | undefined;
  charset?: string;
}

async function readAs(
  kind: Kind,
  { content, mimeType }: Sent,
  libraries: Libraries,
): Promise<Read> {
  if (typeof content === 'string') return readText(kind, { text: content }, mimeType, libraries);
  if (kind === 'text' || kind === 'html')
    return readText(kind, decodeText(content, mimeType), mimeType, libraries);
  if (kind === 'pdf') return readPdf(await libraries.pdf(), content);
  const { readOffice } = await libraries.office();
  const answer = await readOffice(kind, content);
  if ('failure' in answer) throw new ParleyError(answer.failure);
  return answer.document;
}

async function readText(
  kind: Kind,
  decoded: { text: string; charset?: string },
  mimeType: string | undefined,
  libraries: Libraries,
): Promise<Read> {
  if (kind !== 'html') return decoded;
  const { text } = decoded;
  const isXml = /^\s*<\?xml\b/.test(text.slice(0, 100)) || /\bxhtml\b/i.test(mimeType ?? '');
  return { ...decoded, ...htmlToText(await libraries.markup(), text, isXml) };
}
