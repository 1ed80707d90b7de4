/** Questions in other languages than English, of which the table of words knows nothing. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { wordEmbedder } from '../../../../src/models/offline/local-embedders.ts';
import { parseWordVectors } from '../../../../src/models/offline/word-vectors.ts';

const file = new URL('../../../../src/models/offline/word-vectors.bin', import.meta.url);
const table = parseWordVectors(readFileSync(file));
const embedder = wordEmbedder(() => Promise.resolve(table));
const limits = { callMs: 1, pausesMs: 0 };

async function nearness(question: string, texts: string[]): Promise<number[]> {
  const [vector] = await embedder.embed([question], { use: 'query', limits });
  const vectors = await embedder.embed(texts, { use: 'document', limits });
  return vectors.map((other) => other.reduce((sum, value, at) => sum + value * vector![at]!, 0));
}

/** Names, and words that both languages have: documents of such are taken for English. */
const LOOKS_ENGLISH =
  'Nation, culture, restaurant, message, image, village, table: The Paris Grand Hotel, or the New Orleans Museum.';

it('finds the answer, and not the document that looks English', async () => {
  const answer =
    'Les remboursements sont versés sur le compte du client dans les dix jours ouvrables.';
  const [right, wrong] = await nearness(
    'Quel est le délai de remboursement des clients, pour un message ?',
    [answer, LOOKS_ENGLISH],
  );
  expect(right).toBeGreaterThan(wrong!);
});

it('compares no function words', async () => {
  const [other, answer] = await nearness('Qui est le maire de la ville et que dit-il de elle ?', [
    'Le chat est de la couleur de la nuit et que le soleil de la plage le dit, il est de elle.',
    'Madame Dupont, maire, habite une maison ancienne.',
  ]);
  expect(answer).toBeGreaterThan(other!);
});

it('knows nothing of what they mean', async () => {
  expect(await embedder.knows('Quelle table est dans le restaurant ?')).toBe(0);
  expect(await embedder.knows('Which table is in the restaurant?')).toBe(1);
});
