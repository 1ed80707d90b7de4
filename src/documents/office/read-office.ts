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
import { readPptx } from './pptx.ts';
import { readXlsx } from './xlsx.ts';

export type OfficeKind = 'docx' | 'pptx' | 'xlsx' | 'epub' | 'mail';

export interface OfficeText {
  text: string;
  title: string | undefined;
}

const READERS: Record<Exclude<OfficeKind, 'mail'>, (archive: Archive) => OfficeText> = {
  docx: readDocx,
  pptx: readPptx,
  xlsx: readXlsx,
  epub: readEpub,
};

/** Returns the document's text as Markdown, or the reason why it is refused. */
export async function readOffice(
  kind: OfficeKind,
  bytes: Uint8Array,
): Promise<{ document: OfficeText } | { failure: Failure }> {
  try {
    const document = kind === 'mail' ? await readMail(bytes) : READERS[kind](new Archive(bytes));
    return { document };
  } catch (error) {
    const isTold = error instanceof ParleyError;
    return {
      failure: failureOf(isTold ? error : unreadable('The document is damaged and cannot be read')),
    };
  }
}
