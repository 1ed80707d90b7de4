/** A search in documents as OpenAI's package asks for it. */
import type OpenAI from 'openai';
import { beforeAll, describe, expect, it } from 'vitest';
import { openAiClient } from './openai-client.ts';
import { suiteTarget, unique } from './target.ts';

const target = suiteTarget();
const owner = unique('user');
const client = openAiClient(target, owner);

beforeAll(async () => {
  const texts = {
    valves: 'The blue valve closes clockwise.',
    pumps: 'The blue pump starts by itself.',
  };
  for (const [topic, text] of Object.entries(texts)) {
    const json = { user_id: owner, title: topic, text, metadata: { topic, year: 2026 } };
    expect((await target.call('/documents', { json })).status).toBe(200);
  }
});

const search = (
  body: Partial<OpenAI.VectorStoreSearchParams>,
  asked: OpenAI = client,
  store = 'documents',
) => asked.vectorStores.search(store, { query: 'the blue valve', ...body });
const names = (page: { data: { filename: string }[] }) =>
  page.data.map(({ filename }) => filename).toSorted();

describe('a search', () => {
  it('finds passages of all documents, best first', async () => {
    const found = await search({ query: ['blue valve', 'clockwise'] });
    expect(found.data[0]).toMatchObject({
      filename: 'valves',
      score: expect.any(Number),
      content: [{ type: 'text', text: 'The blue valve closes clockwise.' }],
    });
    expect(names(await search({ max_num_results: 1 }))).toEqual(['valves']);
    const least = (found.data[0]?.score ?? 0) + 1;
    expect(names(await search({ ranking_options: { score_threshold: least } }))).toEqual([]);
  });

  it('honours filters', async () => {
    const topic = (value: string) => ({ type: 'eq' as const, key: 'topic', value });
    const year = { type: 'in' as const, key: 'year', value: [2025, 2026] };
    expect(names(await search({ filters: topic('pumps') }))).toEqual(['pumps']);
    const both = { type: 'and' as const, filters: [year, topic('pumps')] };
    expect(names(await search({ filters: both }))).toEqual(['pumps']);
    const either = { type: 'or' as const, filters: [topic('pumps'), topic('valves')] };
    expect(names(await search({ filters: either }))).toEqual(['pumps', 'valves']);
    expect(names(await search({ filters: { ...topic('x'), key: 'none' } }))).toEqual([]);
  });

  it.each([
    ['filters', { filters: { type: 'ne', key: 'topic', value: 'pumps' } }],
    ['filters', { filters: { type: 'or', filters: [{ type: 'eq', key: 'a', value: 1 }, {}] } }],
    ['filters', { filters: 'topic' }],
    ['rewrite_query', { rewrite_query: true }],
    ['ranking_options.ranker', { ranking_options: { ranker: 'default-2024-11-15' } }],
    ['ranking_options.hybrid_search', { ranking_options: { hybrid_search: { text_weight: 1 } } }],
    ['query', { query: '' }],
    ['max_num_results', { max_num_results: 51 }],
  ])('a search that cannot be honoured is refused by its name: %s', async (param, body) => {
    await expect(search(body as never)).rejects.toMatchObject({ status: 400, param });
  });

  it('finds nothing of another user, and no other store', async () => {
    const other = client.withOptions({ defaultHeaders: { 'x-user-id': unique('other') } });
    expect(names(await search({}, other))).toEqual([]);
    await expect(search({}, client, 'vs_1')).rejects.toMatchObject({ status: 404 });
  });
});
