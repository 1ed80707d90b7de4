import { readFile } from 'node:fs/promises';
import { WORD_VECTORS_FILE } from '../word-vectors.ts';

const root = new URL('../../../', import.meta.url);

/** Reads the table of word vectors on Node. */
export function readWordVectors(): Promise<Uint8Array> {
  return readFile(new URL(WORD_VECTORS_FILE, root));
}
