// Puts the PDF library as one module into `dist/modules`, which is deployed beside the Worker's own code and loaded when a PDF comes. A script:
// `node src/host/build/pdf-module.ts`, before wrangler.
import { resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '../../..');

await build({
  stdin: { contents: `export { getDocumentProxy } from 'unpdf';`, resolveDir: root },
  outfile: resolve(root, 'dist/modules/pdf.mjs'),
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'neutral',
  target: 'es2024',
  external: ['node:*'],
  logLevel: 'warning',
});
