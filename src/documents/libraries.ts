/**
 * The libraries that read documents. Each is loaded when a document first needs it; the host knows
 * from where.
 */
import type { MarkupLibrary } from './html-to-markdown.ts';
import type * as Office from './office/read-office.ts';
import type { PdfLibrary } from './pdf-to-text.ts';

export type OfficeLibrary = Pick<typeof Office, 'readOffice'>;

export interface Libraries {
  /** Returns the tokenizer for HTML and XML. */
  markup(): Promise<MarkupLibrary>;
  pdf(): Promise<PdfLibrary>;
  /** Returns the reader of office documents, books and mails, with the libraries that it needs. */
  office(): Promise<OfficeLibrary>;
}
