/** Documents: sent in, found, read, replaced, deleted, and never somebody else's. */
import { describe, expect, it } from 'vitest';
import { post, search, upload, type DocumentBody } from './documents-client.ts';
import { anId, aProblem, aTime } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';

const target = suiteTarget();

const refunds =
  '# Refunds\n\nA purchase can be returned within thirty days.\n\n# Shipping\n\nParcels leave Lyon each morning.';

describe('a document', () => {
  it('can be uploaded, searched, read, listed and deleted', async () => {
    const user_id = unique('user');
    const metadata = { department: 'sales', tags: ['a', 'b'], year: 2024, old: true };
    const { status, headers, json } = await post({
      user_id,
      text: refunds,
      url: 'https://example.com/r',
      metadata,
    });
    expect(status).toBe(200);
    expect(json).toMatchObject({
      document_id: anId,
      title: 'Refunds',
      status: 'ready',
      mime_type: 'text/plain',
      conversation_id: null,
      metadata,
      url: 'https://example.com/r',
      size: refunds.length,
      created_at: aTime,
    });
    expect(json.chunk_count).toBeGreaterThan(0);
    expect(headers.location).toBe(`/documents/${json.document_id}`);

    const [best] = await search({ user_id, query: 'returning a purchase' });
    expect(best).toMatchObject({
      document_id: json.document_id,
      title: 'Refunds',
      ordinal: 0,
      keyword_rank: 1,
      vector_rank: 1,
    });
    const { text } = await target.call(`/documents/${json.document_id}/text`);
    expect(text).toBe(refunds);
    expect(text.slice(best!.start, best!.end)).toBe(best!.text);

    expect((await target.call(`/documents/${json.document_id}/`)).json).toEqual(json);
    expect((await target.call(`/documents?user_id=${user_id}`)).json).toEqual([json]);
    const deleted = await target.call(`/documents/${json.document_id}?user_id=${user_id}`, {
      method: 'DELETE',
    });
    expect(deleted).toMatchObject({
      status: 200,
      json: { detail: `Document ${json.document_id} deleted successfully` },
    });
    expect(await search({ user_id, query: 'returning a purchase' })).toEqual([]);
    expect((await target.call(`/documents/${json.document_id}`)).status).toBe(404);
    expect((await target.call(`/documents?user_id=${user_id}`)).json).toEqual([]);
  });

  it('is the same when it is sent again, and another in another place or under another title', async () => {
    const user_id = unique('user');
    const { json: first } = await post({ user_id, text: refunds });
    const { json: again } = await post({ user_id, text: refunds, metadata: { seen: 2 } });
    expect(again).toMatchObject({ document_id: first.document_id, metadata: { seen: 2 } });
    const { json: other } = await post({ user_id, text: refunds, title: 'Other' });
    expect(other.document_id).not.toBe(first.document_id);
    const { json: conversation } = await target.call<{ conversation_id: string }>(
      '/conversations',
      { json: { user_id } },
    );
    const { json: there } = await post({
      user_id,
      text: refunds,
      conversation_id: conversation.conversation_id,
    });
    expect(there.document_id).not.toBe(first.document_id);
    // Copies do not fill the list; the newest comes first.
    const found = await search({ user_id, query: 'parcels from Lyon', mode: 'keyword' });
    expect(found.map(({ document_id }) => document_id)).toEqual([
      there.document_id,
      first.document_id,
    ]);
  });

  it('is created once when many requests send it at the same time', async () => {
    const user_id = unique('user');
    const text = Array.from(
      { length: 60 },
      (_, at) => `Paragraph ${at} says ${'word '.repeat(40)}.`,
    ).join('\n\n');
    const answers = await Promise.all(Array.from({ length: 8 }, () => post({ user_id, text })));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(new Set(answers.map(({ json }) => json.document_id)).size).toBe(1);
    expect(new Set(answers.map(({ json }) => json.status))).toEqual(new Set(['ready']));
  });

  it('honours an Idempotency-Key', async () => {
    const [user_id, key] = [unique('user'), { 'idempotency-key': unique('key') }];
    const { json: first } = await post({ user_id, text: refunds }, key);
    const { json: again } = await post({ user_id, text: refunds }, key);
    expect(again.document_id).toBe(first.document_id);
    const other = await post({ user_id, text: 'Something else.' }, key);
    expect(other).toMatchObject({ status: 409, json: aProblem(409, 'idempotency_key_reused') });
    const fileKey = { 'idempotency-key': unique('key') };
    const file = { content: 'A file of words.', name: 'a.txt' };
    const { json: uploaded } = await upload({ user_id }, file, fileKey);
    expect((await upload({ user_id }, file, fileKey)).json.document_id).toBe(uploaded.document_id);
    const changed = await upload({ user_id }, { ...file, content: 'Other words.' }, fileKey);
    expect(changed.status).toBe(409);
  });

  it('is not changed back by a retry of an older request', async () => {
    const user_id = unique('user');
    const keys = Array.from({ length: 3 }, () => ({ 'idempotency-key': unique('key') }));
    const title = 'Opening hours';
    const first = { user_id, title, text: 'Open from nine.' };
    const { document_id } = (await post(first, keys[0])).json;
    const second = { ...first, text: 'Open from ten.', document_id };
    const third = { ...first, text: 'Open from noon.', document_id };
    expect((await post(second, keys[1])).json).toMatchObject({ document_id, status: 'ready' });
    expect((await post(third, keys[2])).json).toMatchObject({ document_id, status: 'ready' });
    for (const [body, key] of [
      [second, keys[1]],
      [first, keys[0]],
      [third, keys[2]],
    ] as const) {
      expect(await post(body, key)).toMatchObject({ status: 200, json: { document_id } });
      const { text } = await target.call(`/documents/${document_id}/text`);
      expect(text).toBe('Open from noon.');
    }
    const other = await post({ ...second, text: 'Closed.' }, keys[1]);
    expect(other).toMatchObject({ status: 409, json: aProblem(409, 'idempotency_key_reused') });
    // Without its key it is a request like any other.
    expect((await post(second)).status).toBe(200);
    expect((await target.call(`/documents/${document_id}/text`)).text).toBe('Open from ten.');
  });

  it('is replaced whole: every search meanwhile sees the old one or the new one', async () => {
    const user_id = unique('user');
    const version = (word: string) =>
      Array.from(
        { length: 80 },
        (_, at) =>
          `## Part ${at}\n\nThe ${word} lighthouse number${at} shines. ${'sea '.repeat(150)}`,
      ).join('\n\n');
    const { json } = await post({ user_id, text: version('oldest'), title: 'Lights' });
    const replacing = post({
      user_id,
      text: version('newest'),
      title: 'Lights',
      document_id: json.document_id,
    });
    let isOver = false;
    void replacing.finally(() => (isOver = true));
    const seen = new Set<string>();
    while (!isOver) {
      const results = await search({ user_id, query: 'lighthouse shines', k: 50 });
      const words = results.map(({ text }) => /The (\w+) lighthouse/u.exec(text)?.[1] ?? '');
      expect(results.length).toBeGreaterThan(0);
      expect(new Set(words).size).toBe(1);
      seen.add(words[0]!);
    }
    expect((await replacing).json).toMatchObject({
      document_id: json.document_id,
      status: 'ready',
    });
    expect(seen).toContain('oldest');
    const after = await search({ user_id, query: 'oldest newest lighthouse', k: 50 });
    expect(after.every(({ text }) => text.includes('newest'))).toBe(true);
    expect((await target.call(`/documents?user_id=${user_id}`)).json).toHaveLength(1);
  });

  it('ends as one of the replacements that were sent at the same time, whole', async () => {
    const user_id = unique('user');
    const { json } = await post({ user_id, text: 'The first.', title: 'Race' });
    const { document_id } = json;
    const version = (word: string) =>
      Array.from(
        { length: 70 },
        (_, at) => `## ${at}\n\nA ${word} horse${at} runs. ${'mud '.repeat(200)}`,
      ).join('\n\n');
    const words = ['amber', 'brown', 'cream'];
    const answers = await Promise.all(
      words.map((word) => post({ user_id, text: version(word), title: 'Race', document_id })),
    );
    for (const answer of answers)
      expect(answer).toMatchObject({ status: 200, json: { document_id, status: 'ready' } });
    const results = await search({ user_id, query: 'horse runs', k: 100 });
    const colours = new Set(results.map(({ text }) => /A (\w+) horse/u.exec(text)?.[1]));
    expect(colours.size).toBe(1);
    expect(words).toContain([...colours][0]);
  });

  it('streams its progress when events are asked for', async () => {
    const user_id = unique('user');
    const text = Array.from(
      { length: 200 },
      (_, at) => `## Part ${at}\n\n${`row${at} `.repeat(220)}`,
    ).join('\n\n');
    const stream = await target.stream('/documents', { json: { user_id, text, stream: true } });
    expect(stream.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    const { events, ended } = await stream.collect();
    expect(ended).toBe('end');
    const progress = events
      .filter(({ type }) => type === 'document.progress')
      .map(({ data }) => JSON.parse(data) as { done: number; total: number });
    expect(progress.length).toBeGreaterThan(2);
    expect(progress[0]).toMatchObject({ done: 0 });
    expect(progress.at(-1)!.done).toBe(progress.at(-1)!.total);
    expect(progress.map(({ done }) => done)).toEqual(
      progress.map(({ done }) => done).toSorted((a, b) => a - b),
    );
    expect(events.at(-2)?.type).toBe('document.completed');
    const completed = JSON.parse(events.at(-2)!.data) as DocumentBody;
    expect(completed).toMatchObject({ status: 'ready', chunk_count: progress[0]!.total });
    expect(events.at(-1)).toMatchObject({ type: 'done', data: '[DONE]' });
  });

  it('lists in pages', async () => {
    const user_id = unique('user');
    const ids: string[] = [];
    for (const at of [1, 2, 3])
      ids.unshift((await post({ user_id, text: `Text number ${at}.` })).json.document_id);
    const first = await target.call<DocumentBody[]>(`/documents?user_id=${user_id}&limit=2`);
    expect(first.json.map((item) => item.document_id)).toEqual(ids.slice(0, 2));
    const next = /<([^>]+)>; rel="next"/u.exec(String(first.headers.link))![1]!;
    const second = await target.call<DocumentBody[]>(next);
    expect(second.json.map((item) => item.document_id)).toEqual(ids.slice(2));
    expect(second.headers.link).toBeUndefined();
  });

  it('is deleted with its conversation', async () => {
    const user_id = unique('user');
    const { json } = await target.call<{ conversation_id: string }>('/conversations', {
      json: { user_id },
    });
    const conversation_id = json.conversation_id;
    const { json: document } = await post({
      user_id,
      text: 'The orchid blooms in March.',
      conversation_id,
    });
    await post({ user_id, text: 'The orchid needs little water.' });
    const query = 'orchid';
    expect(await search({ user_id, query, conversation_id })).toMatchObject([
      { document_id: document.document_id },
    ]);
    expect(await search({ user_id, query })).toHaveLength(2);
    expect(
      (await target.call(`/documents?user_id=${user_id}&conversation_id=${conversation_id}`)).json,
    ).toHaveLength(1);
    await target.call(`/conversations/${conversation_id}`, { method: 'DELETE' });
    expect(await search({ user_id, query })).toHaveLength(1);
    expect((await target.call(`/documents/${document.document_id}`)).status).toBe(404);
    const gone = await target.call('/retrieve', { json: { user_id, query, conversation_id } });
    expect(gone.status).toBe(404);
  });
});

describe('somebody else', () => {
  it('cannot read or change a document', async () => {
    const [user_id, other] = [unique('user'), unique('user')];
    const { json } = await post({ user_id, text: refunds });
    const { document_id } = json;
    for (const path of [`/documents/${document_id}`, `/documents/${document_id}/text`])
      expect((await target.call(`${path}?user_id=${other}`)).status).toBe(404);
    const deleting = await target.call(`/documents/${document_id}?user_id=${other}`, {
      method: 'DELETE',
    });
    expect(deleting.status).toBe(404);
    expect((await post({ user_id: other, text: 'Mine now.', document_id })).status).toBe(404);
    expect(
      await search({ user_id: other, query: 'purchase', document_ids: [document_id] }),
    ).toEqual([]);
    const { json: conversation } = await target.call<{ conversation_id: string }>(
      '/conversations',
      { json: { user_id } },
    );
    const { conversation_id } = conversation;
    expect((await post({ user_id: other, text: 'Slipped in.', conversation_id })).status).toBe(404);
    expect(
      (
        await target.call('/retrieve', {
          json: { user_id: other, query: 'purchase', conversation_id },
        })
      ).status,
    ).toBe(404);
    expect(await search({ user_id, query: 'purchase' })).toHaveLength(1);
  });

  it('is never found, among a hundred users with nearly the same text, by any mode or filter', async () => {
    const tribe = unique('tribe');
    const users = Array.from({ length: 100 }, (_, at) => `${tribe}-${at}`);
    const own = new Map<string, string>();
    for (let at = 0; at < users.length; at += 10)
      await Promise.all(
        users.slice(at, at + 10).map(async (user_id, offset) => {
          const text = `The secret harbour code of the tribe is number ${at + offset}.`;
          const { status, json } = await post({
            user_id,
            text,
            title: 'Harbour',
            metadata: { kind: 'code' },
          });
          expect(status).toBe(200);
          own.set(user_id, json.document_id);
        }),
      );
    const filters = [{}, { metadata: { kind: 'code' } }, { document_ids: [...own.values()] }];
    for (const user_id of users.filter((_, at) => at % 7 === 0))
      for (const mode of ['hybrid', 'vector', 'keyword'])
        for (const filter of filters) {
          const results = await search({
            user_id,
            query: 'secret harbour code',
            mode,
            k: 100,
            ...filter,
          });
          expect(results.map(({ document_id }) => document_id)).toEqual([own.get(user_id)]);
        }
  });
});

describe('a search', () => {
  it('is filtered by documents and metadata', async () => {
    const user_id = unique('user');
    const make = async (n: number, metadata: object) =>
      (await post({ user_id, text: `Report ${n} about glaciers and ice number${n}.`, metadata }))
        .json.document_id;
    const first = await make(1, { year: 2023, tags: ['ice', 'snow'], draft: false });
    const second = await make(2, { year: 2024, tags: ['ice'], draft: true });
    const found = async (filter: object) =>
      (await search({ user_id, query: 'glaciers', ...filter }))
        .map(({ document_id }) => document_id)
        .toSorted();
    expect(await found({})).toEqual([first, second].toSorted());
    expect(await found({ document_ids: [second] })).toEqual([second]);
    expect(await found({ document_ids: [] })).toEqual([]);
    expect(await found({ metadata: { year: 2023 } })).toEqual([first]);
    expect(await found({ metadata: { year: '2023' } })).toEqual([]);
    expect(await found({ metadata: { year: [2023, 2024] } })).toEqual([first, second].toSorted());
    expect(await found({ metadata: { tags: 'snow' } })).toEqual([first]);
    expect(await found({ metadata: { draft: true } })).toEqual([second]);
    expect(await found({ metadata: { draft: 1 } })).toEqual([]);
    expect(await found({ metadata: { "' OR 1=1 --": null } })).toEqual([]);
  });

  it('takes any text', async () => {
    const user_id = unique('user');
    await post({ user_id, text: 'Plain words about nothing in particular.' });
    const queries = [
      '"',
      "'",
      'NEAR(',
      'a AND OR NOT b',
      'title:x*',
      '^',
      '(((',
      '\0',
      '🦜',
      '\ud800',
      '?!',
      '; DROP TABLE chunks',
      'word '.repeat(3000),
    ];
    for (const query of queries)
      for (const mode of ['hybrid', 'keyword', 'vector']) {
        const { status } = await target.call('/retrieve', { json: { user_id, query, mode } });
        expect({ query, mode, status }).toEqual({ query, mode, status: 200 });
      }
  });

  it.each([
    [{ query: 'x' }, 'user_id'],
    [{ user_id: 'u' }, 'query'],
    [{ user_id: 'u', query: ' ' }, 'query'],
    [{ user_id: 'u', query: 'x', k: 0 }, 'k'],
    [{ user_id: 'u', query: 'x', k: 101 }, 'k'],
    [{ user_id: 'u', query: 'x', mode: 'psychic' }, 'mode'],
    [{ user_id: 'u', query: 'x', document_ids: 'all' }, 'document_ids'],
    [{ user_id: 'u', query: 'x', metadata: { a: { b: 1 } } }, 'metadata.a'],
  ])('refuses %j', async (json, path) => {
    const answer = await target.call<{ errors: { path: string }[] }>('/retrieve', { json });
    expect(answer).toMatchObject({ status: 400, json: aProblem(400, 'invalid_request') });
    expect(answer.json.errors.map((error) => error.path)).toContain(path);
  });
});
