/** The PDF library on Workers: a module beside the main one (see `pdf-module.ts`). */
import type * as Unpdf from 'unpdf';

/** A name that the bundler cannot follow, so that it leaves the module where it is. */
const MODULE: string = './pdf.mjs';

export async function loadPdfLibrary(): Promise<Pick<typeof Unpdf, 'getDocumentProxy'>> {
  // Made from the same package, see `pdf-module.ts`.
  return (await import(MODULE)) as Pick<typeof Unpdf, 'getDocumentProxy'>;
}
