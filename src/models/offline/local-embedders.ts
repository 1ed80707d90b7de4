/** The embedders that need no network. */
import { contentOfForeign } from '../../text/languages.ts';
import type { Embedder } from '../embeddings/registry.ts';
import {
  hashedEmbedding,
  knownShare,
  offlineEmbedding,
  questionEmbedding,
  type Question,
} from './embedder.ts';
import type { WordTable } from './word-table.ts';

/**
 * The name that is stored with vectors of features and words. Raise its number when the same text
 * gets another vector; `npm run reindex` then moves documents to the new space.
 */
export const OFFLINE_EMBEDDER = 'offline/words-1';
/** The name of vectors of features alone, which the offline model made before it had words. */
export const HASHED_EMBEDDER = 'offline/offline';

/**
 * Makes the offline embedder. While its table is missing it embeds features alone, which may be
 * compared with the other vectors of the space but knows no meaning.
 */
export function wordEmbedder(table: WordTable): Embedder {
  return {
    name: OFFLINE_EMBEDDER,
    isLocal: true,
    isWhole: async () => (await table()) !== undefined,
    knows: async (question) => knownShare(await askedIn(question), await table()),
    async embed(texts, { use }) {
      const words = await table();
      if (use !== 'query')
        return texts.map((text) => offlineEmbedding(text, { table: words, isQuery: false }));
      const questions = await Promise.all(texts.map(askedIn));
      return questions.map((question) => questionEmbedding(question, words));
    },
  };
}

async function askedIn(question: string): Promise<Question> {
  return { text: question, foreign: await contentOfForeign(question) };
}

export const hashedEmbedder: Embedder = {
  name: HASHED_EMBEDDER,
  isLocal: true,
  isWhole: () => Promise.resolve(true),
  knows: () => Promise.resolve(0),
  embed: (texts) => Promise.resolve(texts.map(hashedEmbedding)),
};
