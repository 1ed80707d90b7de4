import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createCompressedPages } from './compressed-pages.ts';
import { assetName, FILES, type PageFile } from '../pages/files.ts';
import { createPages, type Pages } from '../pages/pages.ts';

const root = resolve(import.meta.dirname, '../../..');
const collected = resolve(root, 'dist/assets');

/**
 * Returns the pages on Node, which reads each file when it is requested. The chat is built when it
 * is first asked for; where the packages of development are missing, it was built before.
 */
export function createNodePages(): Pages {
  let chat: Promise<ReadonlyMap<string, string> | undefined> | undefined;
  const pages = createPages(async (path) => {
    const file = FILES[path];
    if (file) return found(() => readPageFile(file));
    const built = await (chat ??= buildChat());
    return built ? built.get(path) : found(() => readFile(collected + assetName(path), 'utf8'));
  });
  return createCompressedPages(pages);
}

/** Returns true where the chat was built, or the package is there that builds it. */
export function hasChat(): boolean {
  return (
    existsSync(collected + assetName('/')) || existsSync(resolve(root, 'node_modules/esbuild'))
  );
}

/** Builds the chat; undefined where the packages for that are not installed. */
async function buildChat(): Promise<ReadonlyMap<string, string> | undefined> {
  try {
    const { buildWeb } = await import('../build/web.ts');
    return await buildWeb();
  } catch (error) {
    if (isCode(error, 'ERR_MODULE_NOT_FOUND')) return undefined;
    throw error;
  }
}

/** Returns the content of a file (all are text) as it is published. */
export async function readPageFile({ file, replace }: PageFile): Promise<string> {
  const text = await readFile(resolve(root, file), 'utf8');
  return replace ? text.replaceAll(replace.address, replace.by) : text;
}

/** Without its file a page is missing, but the server still starts. */
async function found(read: () => Promise<string>): Promise<string | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
