/**
 * Loads the PDF library with its limits, wherever it is imported afterwards. A Node without such
 * hooks loads it as it is; the thread that reads a document is then limited by its time alone.
 */
import * as modules from 'node:module';
import { limitPdfLibrary } from '../../pdf/limit-library.ts';

const LIBRARY = '/unpdf/dist/pdfjs.mjs';

const hooks: modules.RegisterHooksOptions = {
  load(url, context, next) {
    const loaded = next(url, context);
    if (!url.endsWith(LIBRARY) || loaded.source === undefined) return loaded;
    const source = loaded.source ?? '';
    const text = typeof source === 'string' ? source : new TextDecoder().decode(source);
    return { ...loaded, source: limitPdfLibrary(text) };
  },
};

if ('registerHooks' in modules) modules.registerHooks(hooks);
