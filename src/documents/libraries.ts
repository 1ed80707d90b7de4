/** The libraries that read documents. Each is loaded when a document first needs it; where from is the host's business. */
import type { MarkupLibrary } from './html-to-markdown.ts';
import type { PdfLibrary } from './pdf-to-text.ts';

export interface Libraries {
  /** Finds tags, for HTML and XML. */
  markup(): Promise<MarkupLibrary>;
  pdf(): Promise<PdfLibrary>;
}
