/**
 * Reads office documents, books and mails. The module includes its libraries and is loaded when
 * such a document arrives; on Workers it is built as a separate module. It returns its errors,
 * because an error class of another module would not be recognised.
 */
import { failureOf, ParleyError, type Failure } from '../../core/errors.ts';
import { unreadable } from '../refusals.ts';
import { Archive } from './archive.ts';
import { readDocx } from './docx.ts';
import { readEpub } from './epub.ts';
import { readMail } from './mail.ts';
import { readOpenDocument } from './opendocument.ts';
import { readPptx } from './pptx.ts';
import { readRtf } from './rtf.ts';
import { readXlsx } from './xlsx.ts';

export type OfficeKind = ArchiveKind | 'rtf' | 'mail';
type ArchiveKind = 'docx' | 'pptx' | 'xlsx' | 'odt' | 'odp' | 'ods' | 'epub';

export interface OfficeText {
  text: string;
  title: string | undefined;
}

const READERS: Record<ArchiveKind, (archive: Archive) => OfficeText> = {
  docx: readDocx,
  pptx: readPptx,
  xlsx: readXlsx,
  odt: readOpenDocument,
  odp: readOpenDocument,
  ods: readOpenDocument,
  epub: readEpub,
};

/** Returns the document's text as Markdown, or the reason why it is refused. */
export async function readOffice(
  kind: OfficeKind,
  bytes: Uint8Array,
): Promise<{ document: OfficeText } | { failure: Failure }> {
  try {
    return { document: await documentOf(kind, bytes) };
  } catch (error) {
    const isTold = error instanceof ParleyError;
    return {
      failure: failureOf(isTold ? error : unreadable('The document is damaged and cannot be read')),
    };
  }
}

async function documentOf(kind: OfficeKind, bytes: Uint8Array): Promise<OfficeText> {
  if (kind === 'mail') return readMail(bytes);
  return kind === 'rtf' ? readRtf(bytes) : READERS[kind](new Archive(bytes));
}
