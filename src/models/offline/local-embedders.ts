/** The embedders that need no network. */
import type { Embedder } from '../embeddings/registry.ts';
import { hashedEmbedding, knownShare, offlineEmbedding } from './embedder.ts';
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
    knows: async (question) => knownShare(question, await table()),
    async embed(texts, { use }) {
      const words = await table();
      const isQuery = use === 'query';
      return texts.map((text) => offlineEmbedding(text, { table: words, isQuery }));
    },
  };
}

export const hashedEmbedder: Embedder = {
  name: HASHED_EMBEDDER,
  isLocal: true,
  isWhole: () => Promise.resolve(true),
  knows: () => Promise.resolve(0),
  embed: (texts) => Promise.resolve(texts.map(hashedEmbedding)),
};
