import { expect, test } from 'vitest';
import { rewriteQuery } from '../../../../src/turns/run/rewrite-query.ts';

type Rewriting = Parameters<typeof rewriteQuery>[0];

/**
 * Returns what is searched for without a model after these questions, each of which was answered.
 */
async function offlineQueries(...questions: string[]): Promise<string[]> {
  const history = questions.flatMap((text, at) => [
    { id: `q${at}`, role: 'user', parts: [{ type: 'text', text }] },
    { id: `a${at}`, role: 'assistant', parts: [{ type: 'text', text: 'Indeed.' }] },
  ]);
  // Only what a rewriting without a model reads.
  const rewriting = { history: history.slice(0, -1), model: { name: 'offline/offline' } };
  return (await rewriteQuery(rewriting as unknown as Rewriting)).queries;
}

test('a first question is searched for as it is', async () => {
  expect(await offlineQueries('How warm is the pool?')).toEqual(['How warm is the pool?']);
});

test('a short follow-up is joined to the question before it', async () => {
  expect(await offlineQueries('How warm is the pool?', 'And the sauna?')).toEqual([
    'How warm is the pool?\nAnd the sauna?',
  ]);
});

test.each([
  ['English', 'And how many litres of water does it lose in a whole summer?'],
  ['Chinese', '它在整个夏天里一共会损失多少升水，需要多少钱'],
  ['Japanese', 'それは夏の間に全部で何リットルの水を失いますか'],
  ['Thai', 'ในฤดูร้อนมันจะสูญเสียน้ำไปทั้งหมดกี่ลิตร'],
])(
  'a long follow-up in %s is searched for by itself and with the conversation',
  async (_, long) => {
    const before = 'How warm is the pool?';
    expect(await offlineQueries(before, long)).toEqual([long, `${before}\n${long}`]);
  },
);

test('a short follow-up in Chinese is taken for short', async () => {
  expect(await offlineQueries('泳池有多暖？', '桑拿呢？')).toEqual(['泳池有多暖？\n桑拿呢？']);
});
