/**
 * Documents while the embedding service, or what is wanted of them, changes: in-process, with an
 * embedder that does as it is told.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createApp } from '../../../src/app.ts';
import { ParleyError } from '../../../src/core/errors.ts';
import { parseConfig } from '../../../src/config.ts';
import { connectFile } from '../../../src/host/node/database/libsql-file.ts';
import { migrateFromFolder } from '../../../src/host/node/database/open.ts';
import { prepareOnNode } from '../../../src/host/node/prepare.ts';
import { sendTurn, sendWhole } from '../../../src/host/node/send-turn.ts';
import { NodeSockets } from '../../../src/host/node/websockets.ts';
import { createNodePages } from '../../../src/host/node/pages.ts';
import { pricesOf, registryOf, turnServiceSettingsOf } from '../../../src/host/services.ts';
import type { Embedder } from '../../../src/models/embeddings/registry.ts';
import { networkBy } from '../../../src/models/http.ts';
import { createFileExaminer } from '../../../src/documents/examine-file.ts';
import { createOpenUrl } from '../../../src/host/node/open-url.ts';
import { newHash } from '../../../src/host/hash.ts';
import { createIngester } from '../../../src/documents/ingester.ts';
import { reindex } from '../../../src/documents/reindex.ts';
import { createRetriever, createSearcher } from '../../../src/search/retrieve.ts';
import type { Database } from '../../../src/store/database.ts';
import { number } from '../../../src/store/rows.ts';
import { LocalTurnService } from '../../../src/turns/local-turn-service.ts';
import { createToolRegistry } from '../../../src/turns/tools/registry.ts';
import { noLog } from '../../support/log.ts';
import { hashedVector } from '../../support/upstream/embeddings.ts';

interface Document {
  document_id: string;
  status: string;
  searchable: boolean;
  dimension: number;
  chunk_count: number;
  metadata: object;
  url?: string;
  error?: { code: string; detail: string };
}

const folder = mkdtempSync(join(tmpdir(), 'parley-ingest-'));
let db: Database;
let app: ReturnType<typeof createApp>;
/**
 * What the embedding service does with a call: gives vectors of a dimension, or fails. Queries are
 * not asked for.
 */
let onEmbed: (texts: readonly string[]) => number | Promise<number>;
/** The dimension of questions. */
let asked: number;

/** @param name `provider/model` */
function embedderNamed(name: string): Embedder {
  return {
    name,
    isLocal: false,
    isWhole: () => Promise.resolve(true),
    knows: () => Promise.resolve(1),
    async embed(texts, { use }) {
      const dimension = use === 'query' ? asked : await onEmbed(texts);
      return texts.map((text) => hashedVector(text, dimension));
    },
  };
}

const prices = pricesOf({});
const embedder = embedderNamed('test/first');

beforeEach(async () => {
  db = connectFile(`file:${join(folder, `${crypto.randomUUID()}.db`)}`);
  await migrateFromFolder(db);
  [onEmbed, asked] = [() => 8, 8];
  const config = parseConfig({ AUTH: 'none' });
  const embeddings = { configured: embedder, resolve: () => embedder };
  const registry = registryOf(config, networkBy(fetch));
  const services = { db, embeddings, log: noLog };
  const searcher = createSearcher(services);
  const leaseMs = config.TURN_LEASE_MS;
  const ingester = createIngester({
    ...{ ...services, prices, leaseMs, prepare: prepareOnNode },
    requireRoom: () => Promise.resolve(),
  });
  const turns = new LocalTurnService({
    ...{
      db,
      registry,
      settings: turnServiceSettingsOf(config),
      toolRegistry: createToolRegistry(),
      prices,
    },
    retriever: createRetriever(searcher, embeddings),
    coalesce: setImmediate,
    defer: () => undefined,
    log: noLog,
  });
  const dependencies = {
    ...{ config, db, registry, embeddings, prices, limits: undefined, turns, log: noLog },
    ...{
      searcher,
      ingester,
      files: {
        newHash,
        openUrl: createOpenUrl(),
        ...createFileExaminer({ db, prepare: prepareOnNode }),
      },
    },
    defer: () => undefined,
  };
  const whole = {
    ...dependencies,
    identity: undefined,
    sockets: new NodeSockets(dependencies),
    pages: createNodePages(),
    loadReading: () => import('../../../src/routes/reading/render-page.ts'),
    loopbackOnly: false,
    isReady: () => true,
    listTools: () => Promise.resolve({ tools: [], servers: [] }),
    sendTurn,
    sendWhole,
  };
  app = createApp(() => whole);
});

afterEach(() => db.close());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function call<Body>(method: string, path: string, json?: object) {
  const body = json && JSON.stringify({ user_id: 'u', ...json });
  const headers = { 'content-type': 'application/json', 'content-length': String(body?.length) };
  const response = await app.request(path, { method, ...(body && { body, headers }) }, {});
  // The caller states the shape that it is about to assert.
  return { status: response.status, json: (await response.json()) as Body };
}

const post = (json: object) => call<Document & { code?: string }>('POST', '/documents', json);
const read = async (id: string) => (await call<Document>('GET', `/documents/${id}`)).json;
const search = (json: object = {}) =>
  call<{ results: { text: string }[] }>('POST', '/retrieve', { query: 'comet', ...json });
const reindexWith = (wanted: Embedder) =>
  reindex({ db, embedder: wanted, prices, leaseMs: 15_000 }, () => undefined);

/** Fails as a service does that refuses. */
function refuse(): never {
  throw new ParleyError({ code: 'model_error', detail: 'refused' });
}

/** How often vectors of each dimension are stored, those of drafts, too. */
async function dimensions(): Promise<Record<string, number>> {
  const sql = `SELECT length(embedding) / 4 AS dimension, count(*) AS chunks FROM chunk_vectors GROUP BY 1`;
  const [found] = await db.batch([{ sql, args: [] }], 'read');
  const rows = found?.rows ?? [];
  return Object.fromEntries(rows.map((row) => [number(row['dimension']), number(row['chunks'])]));
}

/** More chunks than are embedded at once. */
const large = {
  title: 'Large',
  text: Array.from(
    { length: 150 },
    (_, at) => `## Part ${at}\n\nThe comet number${at} returns. ${'star '.repeat(200)}`,
  ).join('\n\n'),
};

describe('an embedding model that changes its dimension', () => {
  it('fails a document in the middle, and a repeat embeds all of it again', async () => {
    let calls = 0;
    onEmbed = () => (calls++ === 0 ? 8 : 6);
    const detail = expect.stringMatching(/had 8 dimensions, and now 6/u);
    expect(await post(large)).toMatchObject({ status: 502, json: { code: 'model_error', detail } });
    asked = 6;
    const again = await post(large);
    expect(again).toMatchObject({ status: 200, json: { status: 'ready', dimension: 6 } });
    expect(await dimensions()).toEqual({ 6: again.json.chunk_count });
    for (const mode of ['hybrid', 'vector'])
      expect((await search({ mode })).json.results).not.toEqual([]);
  });

  it('lets a repeat resume once the dimension has changed back', async () => {
    const sizes: number[] = [];
    onEmbed = (texts) => {
      sizes.push(texts.length);
      return sizes.length === 2 ? 6 : 8;
    };
    expect((await post(large)).status).toBe(502);
    const { json } = await post(large);
    expect(json).toMatchObject({ status: 'ready', dimension: 8 });
    const [first = 0, , ...rest] = sizes;
    expect(first + rest.reduce((sum, size) => sum + size, 0)).toBe(json.chunk_count);
    expect(await dimensions()).toEqual({ 8: json.chunk_count });
  });

  it('is handled again when a repeat was cut off while it replaced vectors', async () => {
    let calls = 0;
    onEmbed = () => (calls++ < 2 ? 8 : refuse());
    expect((await post(large)).status).toBe(502);
    calls = -1;
    onEmbed = () => (calls++ < 1 ? 6 : refuse());
    expect((await post(large)).status).toBe(502);
    expect(Object.keys(await dimensions())).toEqual(['6', '8']);
    onEmbed = () => 6;
    const { json } = await post(large);
    expect(json).toMatchObject({ status: 'ready', dimension: 6 });
    expect(await dimensions()).toEqual({ 6: json.chunk_count });
  });

  it('between two runs of a reindex makes the second replace all of the first', async () => {
    const { json } = await post(large);
    let calls = 0;
    const second = embedderNamed('test/second');
    onEmbed = () => (calls++ < 2 ? 12 : refuse());
    await expect(reindexWith(second)).rejects.toThrow('refused');
    onEmbed = () => 10;
    expect(await reindexWith(second)).toBe(1);
    expect(await dimensions()).toEqual({ 10: json.chunk_count });
    expect(await read(json.document_id)).toMatchObject({ dimension: 10 });
  });

  it('ends a reindex that it happens in', async () => {
    const { json } = await post(large);
    let calls = 0;
    onEmbed = () => (calls++ < 2 ? 12 : 10);
    await expect(reindexWith(embedderNamed('test/second'))).rejects.toThrow(/had 12 dimensions/u);
    expect(await read(json.document_id)).toMatchObject({ dimension: 8 });
    expect((await search()).status).toBe(200);
  });
});

it('a document that has vectors of two dimensions is found by those that fit, and repaired by a reindex', async () => {
  const { json } = await post(large);
  const other = `UPDATE chunk_vectors SET embedding = zeroblob(24) WHERE id % 2 = 0`;
  await db.batch([{ sql: other, args: [] }], 'write');
  for (const mode of ['hybrid', 'vector', 'keyword']) {
    const { status, json: found } = await search({ mode, k: 100 });
    expect({ mode, status }).toEqual({ mode, status: 200 });
    expect(found.results).not.toEqual([]);
  }
  expect(await reindexWith(embedder)).toBe(1);
  expect(await dimensions()).toEqual({ 8: json.chunk_count });
  expect(await reindexWith(embedder)).toBe(0);
});

it('changes to a document during a reindex are kept', async () => {
  const document = { title: 'Comets', text: 'A comet returns.' };
  const { json } = await post({ ...document, url: 'https://x.org/1', metadata: { secret: false } });
  const said = { url: 'https://x.org/2', metadata: { secret: true } };
  onEmbed = async (texts) => {
    if (texts.some((text) => text.includes('comet'))) await post({ ...document, ...said });
    return 12;
  };
  expect(await reindexWith(embedderNamed('test/second'))).toBe(1);
  expect(await read(json.document_id)).toMatchObject({ ...said, dimension: 12 });
});

it('a failed document takes the description of the request that repeats it', async () => {
  const document = { title: 'Comets', text: 'A comet returns.' };
  const [first, second] = [1, 2].map((at) => ({
    url: `https://x.org/${at}`,
    metadata: { team: at },
  }));
  onEmbed = refuse;
  expect((await post({ ...document, ...first })).status).toBe(502);
  expect((await post({ ...document, ...second })).status).toBe(502);
  const [failed] = (await call<Document[]>('GET', '/documents?user_id=u')).json;
  expect(failed).toMatchObject({ status: 'failed', ...second });
  onEmbed = () => 8;
  // Whoever says nothing of it leaves it as it is.
  expect((await post(document)).json).toMatchObject({ status: 'ready', ...second });

  const id = { document_id: failed!.document_id };
  onEmbed = refuse;
  const replacement = { ...document, ...id, text: 'Another comet.' };
  expect((await post({ ...replacement, ...first })).status).toBe(502);
  expect((await post({ ...replacement, url: 'https://x.org/3' })).status).toBe(502);
  // What searches see is still the old one.
  expect(await read(id.document_id)).toMatchObject({ status: 'failed', ...second });
  onEmbed = () => 8;
  const metadata = { team: 4 };
  const replaced = await post({ ...replacement, metadata });
  expect(replaced.json).toMatchObject({ status: 'ready', url: 'https://x.org/3', metadata });
});

describe('the text that a document has, sent again while it is replaced', () => {
  const before = { title: 'Comets', text: 'A comet returns.' };
  const after = { title: 'Comets', text: 'A comet stays away.' };
  const textOf = async (id: string) => (await app.request(`/documents/${id}/text`, {}, {})).text();

  it('is recognised, and the replacement continues', async () => {
    const { document_id } = (await post(before)).json;
    let again: ReturnType<typeof post> | undefined;
    onEmbed = async ([text]) => {
      if (text?.includes('stays')) await (again ??= post({ ...before, metadata: { seen: 2 } }));
      return 8;
    };
    const replaced = await post({ ...after, document_id });
    expect(replaced).toMatchObject({ status: 200, json: { document_id, status: 'ready' } });
    expect(await textOf(document_id)).toBe(after.text);
    const known = { document_id, status: 'processing', searchable: true, metadata: { seen: 2 } };
    expect(await again).toMatchObject({ status: 200, json: known });
  });

  it('is recognised when the replacement has failed, which can still be resumed', async () => {
    const { document_id } = (await post(before)).json;
    onEmbed = refuse;
    expect((await post({ ...after, document_id })).status).toBe(502);
    const known = { document_id, status: 'failed', searchable: true };
    expect(await post(before)).toMatchObject({ status: 200, json: known });
    onEmbed = () => 8;
    expect((await post({ ...after, document_id })).json).toMatchObject({ status: 'ready' });
    expect(await textOf(document_id)).toBe(after.text);
  });

  it('cancels the replacement when the request names the document', async () => {
    const { document_id } = (await post(before)).json;
    let again: ReturnType<typeof post> | undefined;
    onEmbed = async ([text]) => {
      if (text?.includes('stays')) await (again ??= post({ ...before, document_id }));
      return 8;
    };
    expect((await post({ ...after, document_id })).status).toBe(200);
    expect(await again).toMatchObject({ status: 200, json: { status: 'ready' } });
    expect(await textOf(document_id)).toBe(before.text);
  });
});
