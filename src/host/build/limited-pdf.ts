/** Builds the PDF library with its limits. */
import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';
import { limitPdfLibrary } from '../pdf/limit-library.ts';

export const limitedPdf: Plugin = {
  name: 'limited-pdf',
  setup(build) {
    build.onLoad({ filter: /unpdf[\\/]dist[\\/]pdfjs\.mjs$/ }, async ({ path }) => ({
      contents: limitPdfLibrary(await readFile(path, 'utf8')),
      loader: 'js',
    }));
  },
};
