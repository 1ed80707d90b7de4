/** The libraries that read documents on Node: packages, each loaded when it is first needed. */
import { readFile } from 'node:fs/promises';
import type { Libraries } from '../../documents/libraries.ts';
import type { PdfLibrary } from '../../documents/pdf-to-text.ts';

const CMAPS = new URL('../cmaps/', import.meta.url);

/** Imports the PDF library, with the limits that it gets where it is loaded. */
async function limitedPdf(): Promise<Pick<PdfLibrary, 'getDocumentProxy' | 'streamLimit'>> {
  await import('./tuning/limited-pdf.ts');
  const { getDocumentProxy } = await import('unpdf');
  // Only a library that was loaded with its limits exports this.
  const { streamLimit } = (await import('unpdf/pdfjs')) as Pick<PdfLibrary, 'streamLimit'>;
  return streamLimit ? { getDocumentProxy, streamLimit } : { getDocumentProxy };
}

export const libraries: Libraries = {
  markup: () => import('htmlparser2'),
  office: () => import('../../documents/office/read-office.ts'),
  pdf: async () => ({
    ...(await limitedPdf()),
    Unzlib: (await import('fflate')).Unzlib,
    readCMap: (fileName) => readFile(new URL(fileName, CMAPS)),
  }),
};
