import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { FILES, type PageFile } from '../pages/files.ts';
import { createPages, type Pages } from '../pages/pages.ts';

const root = resolve(import.meta.dirname, '../../..');

/** Returns the pages on Node, which reads each file when it is requested. */
export function createNodePages(): Pages {
  return createPages(async (path) => {
    const file = FILES[path];
    if (!file) return undefined;
    try {
      return await readPageFile(file);
    } catch (error) {
      // Without the packages of the viewers a page is missing, but the server still starts.
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  });
}

/** Returns the content of a file (all are text) as it is published. */
export async function readPageFile({ file, replace }: PageFile): Promise<string> {
  const text = await readFile(resolve(root, file), 'utf8');
  return replace ? text.replaceAll(replace.address, replace.by) : text;
}
