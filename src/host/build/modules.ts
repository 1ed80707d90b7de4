// Puts libraries that most requests never need into `dist/modules`, each as one module: those that
// read documents, check tokens or speak to MCP servers, what is known of single languages, and the
// providers of Google, Groq and OpenAI. They are deployed beside the Worker's own code, and each is
// loaded when it is first needed. A script: `node src/host/build/modules.ts`, before wrangler.
import { cp, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { limitedPdf } from './limited-pdf.ts';

const root = resolve(import.meta.dirname, '../../..');

/** Takes the part of zod that the Worker has, in place of the whole. */
const smallZod: Plugin = {
  name: 'small-zod',
  setup(building) {
    const path = resolve(root, 'src/host/workers/zod/index.ts');
    building.onResolve({ filter: /^zod(\/v4)?$/ }, () => ({ path }));
  },
};

/** The exports of each module. */
const MODULES = {
  languages: `export { STEMS, detectLanguage, foreignContent } from './src/text/language-data.ts';`,
  google: `export { createGoogle } from '@ai-sdk/google';`,
  groq: `export { createGroq } from '@ai-sdk/groq';`,
  openai: `export { createOpenAI } from '@ai-sdk/openai';`,
  jose: `export { jwtVerify, createLocalJWKSet, decodeProtectedHeader, errors } from 'jose';`,
  markup: `export { Tokenizer } from 'htmlparser2';`,
  mcp: `export { createMCPClient } from '@ai-sdk/mcp';`,
  office: `export { readOffice } from './src/documents/office/read-office.ts';`,
  reading: `export { renderPage } from './src/routes/reading/render-page.ts';`,
  telemetry: `export { createTelemetry } from './src/host/telemetry/open-telemetry.ts';`,
  pdf: `export { getDocumentProxy } from 'unpdf'; export { streamLimit } from 'unpdf/pdfjs';
    export { Unzlib } from 'fflate';`,
};

const cmaps = resolve(root, 'dist/modules/cmaps');
await rm(cmaps, { recursive: true, force: true });
// Tables of characters for PDFs in Chinese, Japanese and Korean: each is a module of bytes.
await cp(resolve(root, 'src/host/cmaps'), cmaps, {
  recursive: true,
  filter: (path) => !path.endsWith('LICENSE'),
});

await Promise.all(
  Object.entries(MODULES).map(([name, contents]) =>
    build({
      stdin: { contents, resolveDir: root },
      outfile: resolve(root, `dist/modules/${name}.mjs`),
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'neutral',
      target: 'es2024',
      external: ['node:*'],
      // It has no entry for a neutral platform.
      alias: {
        'pkce-challenge': resolve(root, 'node_modules/pkce-challenge/dist/index.browser.js'),
      },
      plugins: [limitedPdf, smallZod],
      logLevel: 'warning',
    }),
  ),
);
