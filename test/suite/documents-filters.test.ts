/** Reading on around a passage, and turns that are about some of a user's documents. */
import { describe, expect, it } from 'vitest';
import { post } from './documents-client.ts';
import { passagesIn, sourcesOf } from './rag-client.ts';
import { suiteTarget, unique } from './target.ts';
import { conversation, hear, scripted, sentMessages } from './turns.ts';

const target = suiteTarget();

interface Chunk {
  chunk_id: string;
  document_id: string;
  ordinal: number;
  text: string;
  start: number;
  end: number;
  before: Chunk[];
  after: Chunk[];
}

/** Five parts of about a chunk each. */
const longText = Array.from({ length: 5 }, (_, part) => {
  const words = Array.from({ length: 90 }, (_, at) => `word${part}x${at}`);
  return `## Part ${part}\n\nOf the harbour and its crane: ${words.join(' ')}.`;
}).join('\n\n');

async function harbour() {
  const user_id = unique('user');
  const { json } = await post({ user_id, text: longText });
  const { document_id } = json;
  const { json: found } = await target.call<{ results: Chunk[] }>('/retrieve', {
    json: { user_id, query: 'word0x1', mode: 'keyword', k: 1 },
  });
  const id = found.results[0]?.chunk_id;
  const { json: first } = await read(id, `user_id=${user_id}&around=10`);
  return { user_id, document_id, chunks: [first, ...first.after] };
}

function read(id: string | undefined, query: string) {
  return target.call<Chunk>(`/chunks/${id}?${query}`);
}

describe('a chunk', () => {
  it('is read with those before and after it', async () => {
    const { user_id, chunks } = await harbour();
    const ids = (list: readonly Chunk[]) => list.map(({ chunk_id }) => chunk_id);
    expect(chunks.map(({ ordinal }) => ordinal)).toEqual([...chunks.keys()]);
    expect(chunks.length).toBeGreaterThan(3);
    for (const { text, start, end } of chunks) expect(text).toBe(longText.slice(start, end));
    const { status, json } = await read(chunks[1]?.chunk_id, `user_id=${user_id}&around=1`);
    expect(status).toBe(200);
    expect(json).toMatchObject({ ordinal: 1, text: chunks[1]?.text });
    expect(ids(json.before)).toEqual(ids(chunks.slice(0, 1)));
    expect(ids(json.after)).toEqual(ids(chunks.slice(2, 3)));
    const { json: first } = await read(chunks[0]?.chunk_id, `user_id=${user_id}&around=2`);
    expect([first.before, ids(first.after)]).toEqual([[], ids(chunks.slice(1, 3))]);
    const { json: alone } = await read(chunks[0]?.chunk_id, `user_id=${user_id}`);
    expect([alone.before, alone.after]).toEqual([[], []]);
  });

  it('is nobody else’s, and gone with its document', async () => {
    const { user_id, chunks, document_id } = await harbour();
    const id = chunks[0]?.chunk_id;
    expect((await read(id, `user_id=${unique('user')}&around=1`)).status).toBe(404);
    expect((await read(id, 'around=1')).status).toBe(400);
    expect((await read(id, `user_id=${user_id}&around=11`)).status).toBe(400);
    expect((await read('1e3', `user_id=${user_id}`)).status).toBe(404);
    await target.call(`/documents/${document_id}?user_id=${user_id}`, { method: 'DELETE' });
    expect((await read(id, `user_id=${user_id}`)).status).toBe(404);
  });
});

describe('a grounded turn', () => {
  async function asked(fields: (ids: string[]) => object) {
    const user_id = unique('reader');
    const ids: string[] = [];
    for (const [title, year] of Object.entries({ Old: 2020, New: 2025, Newest: 2026 })) {
      const text = `${title}: the valve needs oil every ${year - 2000} days.`;
      const { json } = await post({ user_id, title, text, metadata: { year } });
      ids.push(json.document_id);
    }
    const id = await conversation(target, { user_id, mode: 'rag' });
    const { model, name } = await scripted(target, { text: 'Often [1].' });
    const json = { message: 'How often does the valve need oil?', model, ...fields(ids) };
    const stream = await target.stream(`/conversations/${id}/messages`, { json });
    await hear(stream);
    const [request] = await target.upstream.requests(name);
    const sent = String(sentMessages(request?.body).at(-1)?.content);
    const titles = sourcesOf(stream.events).map(({ title }) => title);
    return { titles: new Set(titles), sent };
  }

  it('is about the documents that it names', async () => {
    const { titles, sent } = await asked((ids) => ({ document_ids: ids.slice(1) }));
    expect(titles).toEqual(new Set(['New', 'Newest']));
    expect(passagesIn(sent)).toHaveLength(2);
  });

  it('is about the documents with the metadata that it names', async () => {
    const { titles } = await asked(() => ({ document_metadata: { year: [2020, 2026] } }));
    expect(titles).toEqual(new Set(['Newest', 'Old']));
    expect((await asked(() => ({ document_metadata: { year: 1999 } }))).titles.size).toBe(0);
  });

  it('tells the model the date of each document', async () => {
    const { sent } = await asked(() => ({}));
    const today = new Date().toISOString().slice(0, 10);
    const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
    const dates = Array.from(sent.matchAll(/<passage [^>]* date="([^"]*)">/gu), ([, date]) => date);
    expect(dates).toHaveLength(3);
    for (const date of dates) expect([today, yesterday]).toContain(date);
  });
});
