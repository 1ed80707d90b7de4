/** The offline embedding model with its table, for measurements. */
import { readFileSync } from 'node:fs';
import {
  knownShare,
  offlineEmbedding,
  questionEmbedding,
} from '../../src/models/offline/embedder.ts';
import { parseWordVectors } from '../../src/models/offline/word-vectors.ts';
import { foreignContent } from '../../src/text/detect-language.ts';

const file = new URL('../../src/models/offline/word-vectors.bin', import.meta.url);
export const table = parseWordVectors(readFileSync(file));

export function embedDocument(text: string): number[] {
  return offlineEmbedding(text, { table, isQuery: false });
}

export function embedQuery(text: string): number[] {
  return questionEmbedding({ text, foreign: foreignContent(text) }, table);
}

/** Returns how much of a question's meaning the model knows: 0 to 1. */
export function knownOf(question: string): number {
  return knownShare({ text: question, foreign: foreignContent(question) }, table);
}
