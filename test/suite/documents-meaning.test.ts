/** What the offline embedding model knows of the meaning of words. */
import { expect, it } from 'vitest';
import { post, search } from './documents-client.ts';
import { unique } from './target.ts';

const ANSWERS: Record<string, string> = {
  'how do I get my money back': 'Purchases can be refunded within a month of delivery.',
  'can I bring my dog': 'Pets are welcome in all rooms on the ground floor.',
  'the screen stays black': 'If the display shows nothing, hold the power button.',
};

it('finds answers that share no word with the question, in every mode but keyword', async () => {
  const user_id = unique('user');
  for (const text of Object.values(ANSWERS)) await post({ user_id, text });
  for (const mode of ['hybrid', 'vector'])
    for (const [query, answer] of Object.entries(ANSWERS)) {
      const [first, second] = await search({ user_id, query, mode });
      expect([first?.text, second?.text], query).toContain(answer);
    }
  const query = 'how do I get my money back';
  expect((await search({ user_id, query, mode: 'hybrid' }))[0]?.text).toBe(ANSWERS[query]);
  expect(await search({ user_id, query, mode: 'keyword' })).toEqual([]);
});

it('finds the words of a question before what only means something like them', async () => {
  const user_id = unique('user');
  const texts = ['Refunds need a receipt.', 'Money is returned to buyers.', 'Bread needs yeast.'];
  for (const text of texts) await post({ user_id, text });
  const found = await search({ user_id, query: 'refund receipt', mode: 'hybrid' });
  expect(found[0]?.text).toBe(texts[0]);
});

it('does not take the halves of a contraction for words that are asked for', async () => {
  const user_id = unique('user');
  const texts = ['They won a T-shirt.', 'The engine has to be started by hand.'];
  for (const text of texts) await post({ user_id, text });
  const found = await search({ user_id, query: "why won't it start", mode: 'keyword' });
  expect(found.map(({ text }) => text)).toEqual([texts[1]]);
});
