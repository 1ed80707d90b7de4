/** What the offline embedding model knows of the meaning of words. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { startServer, type TestServer } from '../support/server.ts';
import type { Result } from './documents-client.ts';
import { suiteTarget, unique } from './target.ts';

/** A server without a key: that of the suite has its embeddings from a service. */
let server: TestServer;

beforeAll(async () => {
  const { runtime } = suiteTarget();
  server = await startServer({ runtime, env: { DEFAULT_MODEL: 'offline' }, startLimitMs: 120_000 });
}, 150_000);

afterAll(() => server.close());

async function post(json: object): Promise<void> {
  const { status, text } = await request(`${server.url}/documents`, { json });
  expect(status, text).toBe(200);
}

async function search(json: object): Promise<Result[]> {
  const answer = await request<{ results: Result[] }>(`${server.url}/retrieve`, { json });
  expect(answer.status, answer.text).toBe(200);
  return answer.json.results;
}

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

it('finds the answer to a question in French, and not the text that looks English', async () => {
  const user_id = unique('user');
  const answer =
    'Les remboursements sont versés sur le compte du client dans les dix jours ouvrables.';
  const other =
    'Nation, culture, restaurant, message, image, village, table: The Paris Grand Hotel, or the New Orleans Museum.';
  for (const text of [answer, other]) await post({ user_id, text });
  const query = 'Quel est le délai de remboursement des clients, pour un message ?';
  const found = await search({ user_id, query, mode: 'vector' });
  expect(found.map(({ text }) => text)).toEqual([answer, other]);
});
