/**
 * Ingests that meet trouble: a killed server, a busy embedding service, vectors that are none,
 * another model, and what leads out of each.
 */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { deflateSync } from 'node:zlib';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { asText } from '../support/json.ts';
import { makePdf } from '../support/pdf.ts';
import { localCommand, repository } from '../support/places.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { openStream } from '../support/sse.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { wordTable } from '../../src/store/search/tables.ts';
import { upstreamWords } from '../support/upstream/behaviour.ts';
import { openBesideServer } from '../support/whole-database.ts';

interface Document {
  document_id: string;
  status: string;
  chunk_count: number;
  embedding_model: string;
  dimension: number;
  searchable: boolean;
  error?: { code: string; detail: string };
  progress?: { done: number; total: number };
}

let upstream: Upstream;
let server: TestServer;

beforeEach(async () => {
  upstream = await startUpstream();
});
afterEach(async () => {
  await server.close();
  await upstream.close();
});

async function start(env: Record<string, string>): Promise<void> {
  server = await startServer({
    env: { ...upstream.env, DEFAULT_MODEL: 'offline', TURN_LEASE_MS: '1000', ...env },
  });
}

const user_id = 'u';
const large = Array.from(
  { length: 300 },
  (_, at) => `## Part ${at}\n\nThe comet number${at} returns. ${'star '.repeat(200)}`,
).join('\n\n');

const post = (json: object) =>
  request<Document>(`${server.url}/documents`, { json: { user_id, ...json } });
const read = async (id: string) => (await request<Document>(`${server.url}/documents/${id}`)).json;
const list = async () =>
  (await request<Document[]>(`${server.url}/documents?user_id=${user_id}`)).json;
const retrieve = (json: object) =>
  request<{ results: { text: string }[]; code?: string; detail?: string }>(
    `${server.url}/retrieve`,
    { json: { user_id, ...json } },
  );

/** Runs `npm run reindex` with the server's environment and more. */
async function reindex(env: Record<string, string>): Promise<string> {
  const child = spawn(
    localCommand('node'),
    ['--disable-warning=ExperimentalWarning', 'src/host/cli/reindex.ts'],
    {
      cwd: repository,
      env: { ...server.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (piece: Buffer) => (output += piece.toString()));
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`reindex ended with ${String(code)}: ${output}`);
  return output;
}

it('killed in the middle, says failed, keeps what is there, and goes on when it is sent again', async () => {
  upstream.script('slow', { headersDelayMs: 300 });
  await start({ EMBEDDING_MODEL: 'openai/slow' });
  await post({ text: 'A small one, ready before.' });
  const stream = await openStream(`${server.url}/documents`, {
    json: { user_id, text: large, stream: true },
  });
  const progress = await stream.next('document.progress');
  let { done } = JSON.parse(progress.data) as { done: number };
  while (done === 0)
    done = (JSON.parse((await stream.next('document.progress')).data) as { done: number }).done;
  await server.kill();
  stream.close();
  await server.restart();
  await sleep(1_200);
  const [document] = await list();
  expect(document).toMatchObject({
    status: 'failed',
    searchable: false,
    chunk_count: 0,
    error: { code: 'ingest_interrupted' },
  });
  expect(document!.progress!.done).toBeGreaterThan(0);
  expect((await retrieve({ query: 'comet', mode: 'keyword' })).json.results).toEqual([]);

  const before = upstream.requests.length;
  const again = await post({ text: large });
  expect(again.json).toMatchObject({ document_id: document!.document_id, status: 'ready' });
  const embedded = upstream.requests
    .slice(before)
    .filter(({ wire }) => wire !== 'unknown')
    .flatMap(({ body }) => (body as { input: string[] }).input);
  expect(embedded).toHaveLength(document!.progress!.total - document!.progress!.done);
  const found = await retrieve({ query: 'comet number0', mode: 'keyword', k: 100 });
  expect(found.json.results.length).toBeGreaterThan(50);
});

it('waits for an embedding service that is busy, and passes on what does not end', async () => {
  upstream.script('busy', [
    { status: { code: 429, retryAfter: 1 } },
    { status: { code: 503 } },
    {},
  ]);
  upstream.script('closed', { status: { code: 429, retryAfter: 120 } });
  await start({ EMBEDDING_MODEL: 'openai/busy' });
  const started = performance.now();
  expect((await post({ text: 'Patience.' })).json).toMatchObject({ status: 'ready' });
  expect(performance.now() - started).toBeGreaterThan(1_000);
  const embedding = upstream.requests.filter(({ wire }) => wire !== 'unknown');
  expect(embedding).toHaveLength(3);

  await server.restart({ EMBEDDING_MODEL: 'openai/closed' });
  const refused = await post({ text: 'In vain.' });
  expect(refused).toMatchObject({ status: 429, json: { code: 'model_rate_limited' } });
  expect(refused.headers['retry-after']).toBe('120');
  // Why it was is in the log alone, in the service's own words.
  expect(server.logs()).toContain('status 429');
  expect(refused.text).not.toContain(upstreamWords);
  const [failed] = await list();
  expect(failed).toMatchObject({ status: 'failed', error: { code: 'model_rate_limited' } });
  const events = await (
    await openStream(`${server.url}/documents`, {
      json: { user_id, text: 'In vain.', stream: true },
    })
  ).collect();
  expect(events.events.map(({ type }) => type)).toEqual([
    'document.progress',
    'document.failed',
    'done',
  ]);
  upstream.script('closed', {});
  expect((await post({ text: 'In vain.' })).json).toMatchObject({
    document_id: failed!.document_id,
    status: 'ready',
  });
});

it.each([
  ['zeros', () => [0, 0, 0]],
  ['too large for a vector', () => [1e300, 1, 1]],
  ['of several dimensions', (text: string) => (text.length % 2 === 0 ? [1] : [1, 2])],
  ['no numbers', () => [null, 'x']],
])('refuses vectors that are %s', async (_, vector) => {
  upstream.script('odd', { vector });
  await start({ EMBEDDING_MODEL: 'openai/odd' });
  const answer = await post({
    text: `# One\n\n${'a '.repeat(900)}\n\n# Two\n\n${'bb '.repeat(901)}`,
  });
  expect(answer).toMatchObject({
    status: 502,
    json: { code: 'model_error', detail: 'AI service temporarily unavailable' },
  });
  expect((await list())[0]).toMatchObject({ status: 'failed', searchable: false });
});

it('tells of another space, and is led out of it by reindexing, beside which the old one goes on serving', async () => {
  upstream.script('new', { dimensions: 64, headersDelayMs: 100 });
  await start({ EMBEDDING_MODEL: 'offline' });
  const { json: first } = await post({ text: large });
  expect(first).toMatchObject({ embedding_model: 'offline/words-1', status: 'ready' });
  await post({ text: 'A meteor is no comet.', title: 'Meteors' });

  let served = 0;
  let isOver = false;
  const reindexing = reindex({ EMBEDDING_MODEL: 'openai/new' }).finally(() => (isOver = true));
  while (!isOver && (await read(first.document_id)).dimension !== 64) {
    const { status, json } = await retrieve({ query: 'comet number7' });
    // The switch may come between two reads, never within one.
    if (status === 409) expect(json.code).toBe('embedding_space_mismatch');
    else expect(json.results[0]?.text).toContain('comet');
    if (status === 200) served++;
  }
  const output = await reindexing;
  expect(served).toBeGreaterThan(0);
  expect(output).toContain('2/2 documents');

  const refused = await retrieve({ query: 'comet' });
  expect(refused).toMatchObject({ status: 409, json: { code: 'embedding_space_mismatch' } });
  expect(refused.json.detail).toContain('npm run reindex');
  expect((await retrieve({ query: 'comet', mode: 'keyword' })).status).toBe(200);

  await server.restart({ EMBEDDING_MODEL: 'openai/new' });
  expect(await read(first.document_id)).toMatchObject({
    status: 'ready',
    embedding_model: 'openai/new',
    dimension: 64,
    chunk_count: first.chunk_count,
  });
  for (const mode of ['hybrid', 'vector', 'keyword'])
    expect((await retrieve({ query: 'comet number7', mode })).json.results).not.toEqual([]);
  expect(await reindex({})).toContain('nothing to do');
});

it('searches a library that is half in an earlier space of the offline model, until it is moved', async () => {
  await start({ EMBEDDING_MODEL: 'offline/offline' });
  const { json: old } = await post({ text: 'Comets are reimbursed by the treasury.' });
  expect(old).toMatchObject({ embedding_model: 'offline/offline' });
  const found = async (query: string, mode = 'hybrid') => {
    const { status, json } = await retrieve({ query, mode });
    expect(status).toBe(200);
    return (json.results as unknown as Passage[]).map(({ text }) => text);
  };

  await server.restart({ EMBEDDING_MODEL: 'offline' });
  for (const mode of ['hybrid', 'vector', 'keyword'])
    expect(await found('reimbursement of comets', mode)).toEqual([
      expect.stringContaining('Comets'),
    ]);
  await post({ text: 'Purchases can be refunded.', title: 'Shop' });
  expect((await found('the reimbursement of comets'))[0]).toContain('Comets');
  for (const mode of ['hybrid', 'vector']) expect(await found('money back', mode)).toHaveLength(2);

  expect(await reindex({ EMBEDDING_MODEL: 'offline' })).toContain('1/1 documents');
  expect(await read(old.document_id)).toMatchObject({ embedding_model: 'offline/words-1' });
  expect((await found('the reimbursement of comets'))[0]).toContain('Comets');
  expect((await found('money back'))[0]).toContain('refunded');
});

/** The most memory that the server has held at any time, in bytes. */
async function peakMemory(): Promise<number> {
  const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/u.exec(status)?.[1]) * 1024;
}

/** Bytes: reading it takes 140 MB, and 570 MB where nothing bounds what it unpacks to. */
const MOST_HELD = 350_000_000;

// Only Linux tells how much a process has held.
const linux = it.runIf(process.platform === 'linux');
linux('gives up a PDF that unpacks to gigabytes, and goes on serving', async () => {
  await start({ EMBEDDING_MODEL: 'offline' });
  const once = deflateSync(Buffer.alloc(1024 ** 3, ' '), { level: 9 });
  const content = makePdf([['unused']], {
    packed: { bytes: deflateSync(once), filters: ['FlateDecode', 'FlateDecode'] },
  });
  expect(content.length).toBeLessThan(20_000);
  const form = new FormData();
  form.set('user_id', user_id);
  form.set('file', new Blob([content.slice()], { type: 'application/pdf' }), 'bomb.pdf');
  // What reads documents is started by the first of them.
  await post({ text: 'Before.' });
  const before = await peakMemory();
  const answering = fetch(`${server.url}/documents`, { method: 'POST', body: form });
  expect((await post({ text: 'Meanwhile.' })).json.status).toBe('ready');
  expect((await answering).status).toBe(413);
  expect((await peakMemory()) - before).toBeLessThan(MOST_HELD);
});

it.each([
  { name: 'openai/text-embedding-3-small', wire: 'openai-embeddings', dimension: 1536 },
  { name: 'google/gemini-embedding-001', wire: 'gemini-embeddings', dimension: 3072 },
])('is embedded by $name, in as few calls as it takes', async ({ name, wire, dimension }) => {
  await start({ EMBEDDING_MODEL: name });
  const { json: document } = await post({ text: large });
  expect(document).toMatchObject({ status: 'ready', embedding_model: name, dimension });
  const calls = upstream.requests.filter((seen) => seen.wire === wire);
  expect(calls).toHaveLength(Math.ceil(document.chunk_count / 64));
  const query = 'The comet number217 returns.';
  const found = await retrieve({ query, k: 3, mode: 'vector' });
  expect(found.json.results[0]?.text).toContain('number217');
  const asked = upstream.requests.filter((seen) => seen.wire === wire).at(-1)?.body;
  // Gemini embeds a question otherwise than what answers it.
  if (wire === 'gemini-embeddings') expect(JSON.stringify(asked)).toContain('RETRIEVAL_QUERY');
});

it('brings documents up to date that were indexed before, while they go on being found', async () => {
  await start({ EMBEDDING_MODEL: 'offline' });
  const rows = Array.from({ length: 400 }, (_, at) => `Pump${at}x | ${at * 7} | in stock`);
  const text = `Article | Price | State\n--- | --- | ---\n${rows.join('\n')}`;
  const { json: table } = await post({ text, title: 'Prices' });
  const { json: tax } = await post({ text: 'Die Kraft\u00adfahrzeug\u00adsteuer.', title: 'Tax' });
  await indexAsBefore(table.document_id);
  await indexAsBefore(tax.document_id);
  const found = async (query: string) =>
    (await retrieve({ query, mode: 'keyword', k: 3 })).json.results as unknown as Passage[];
  expect(await found('Kraftfahrzeugsteuer')).toEqual([]);
  expect((await found('Pump387x'))[0]).toMatchObject({ headings: [] });

  expect(await reindex({})).toContain('2/2 documents');
  expect(await found('Kraftfahrzeugsteuer')).toHaveLength(1);
  const [passage] = await found('Pump387x');
  expect(passage!.headings).toEqual(['Article | Price | State']);
  expect(passage!.text).toBe(text.slice(passage!.start, passage!.end));
  expect(await read(table.document_id)).toMatchObject({ status: 'ready', searchable: true });
  expect((await read(table.document_id)).chunk_count).toBeGreaterThan(2);
  expect(await reindex({})).toContain('nothing to do');
  // What is sent again is as before the same document.
  expect((await post({ text, title: 'Prices' })).json.document_id).toBe(table.document_id);
});

interface Passage {
  text: string;
  headings: string[];
  start: number;
  end: number;
}

/**
 * Makes of a document what was stored before analyses had versions: two chunks, split anywhere, and
 * words divided by invisible characters.
 */
async function indexAsBefore(id: string): Promise<void> {
  const db = openBesideServer(server.databaseUrl);
  const { rows } = await db.execute({
    sql: 'SELECT version, text FROM documents WHERE id = ?',
    args: [id],
  });
  const version = Number(rows[0]?.['version']);
  const text = asText(rows[0]?.['text']);
  const half = Math.floor(text.length / 2);
  const parts = [text.slice(0, half), text.slice(half)];
  const index = wordTable(user_id);
  const { chunk_count } = await read(id);
  const kept = Math.min(chunk_count, parts.length);
  const last = version + chunk_count - 1;
  await db.batch(
    [
      { sql: `DELETE FROM ${index} WHERE rowid BETWEEN ? AND ?`, args: [version, last] },
      { sql: 'DELETE FROM chunks WHERE id BETWEEN ? AND ?', args: [version + kept, last] },
      { sql: 'DELETE FROM chunk_vectors WHERE id BETWEEN ? AND ?', args: [version + kept, last] },
      ...parts.slice(0, kept).flatMap((part, at) => [
        {
          sql: `UPDATE chunks SET text = ?, headings = '[]', start_offset = ?, end_offset = ? WHERE id = ?`,
          args: [part, at * half, at * half + part.length, version + at],
        },
        {
          sql: `INSERT INTO ${index} (rowid, title, text) VALUES (?, '', ?)`,
          args: [version + at, (part.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).join(' ')],
        },
      ]),
      {
        sql: 'UPDATE documents SET analysis = NULL, chunk_count = ? WHERE id = ?',
        args: [kept, id],
      },
      {
        sql: 'UPDATE owners SET chunk_count = chunk_count - ? WHERE user_id = ?',
        args: [chunk_count - kept, user_id],
      },
    ],
    'write',
  );
  db.close();
}
