/** What a stream feels of the searches and ingests of others: nothing, since threads do them. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { openStream } from '../support/sse.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';

/** Chunks of the library that is searched: enough for a search to take some milliseconds. */
const CHUNKS = 600;
const SEARCHERS = 16;
const TOKENS = 200;
const PACE_MS = 10;

let upstream: Upstream;
let server: TestServer;

beforeAll(async () => {
  upstream = await startUpstream();
  server = await startServer({ env: { ...upstream.env, EMBEDDING_MODEL: 'offline' } });
  await ingest('searcher', CHUNKS);
}, 120_000);

afterAll(async () => {
  await server.close();
  await upstream.close();
});

const word = (at: number) => `word${(Math.imul(at, 2_654_435_761) >>> 8) % 4_000}`;
const sentence = (at: number) => Array.from({ length: 90 }, (_, i) => word(at * 90 + i)).join(' ');

async function ingest(user_id: string, chunks: number): Promise<void> {
  const parts = Array.from({ length: chunks }, (_, at) => `## Part ${at}\n\n${sentence(at)}.`);
  const json = { user_id, title: 'Large', text: parts.join('\n\n') };
  const { status } = await request(`${server.url}/documents`, { json });
  expect(status).toBe(200);
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}

/** Opens a stream of paced tokens. @returns the times between what came, in milliseconds */
async function gapsOfStream(): Promise<number[]> {
  upstream.script('paced', {
    tokens: Array.from({ length: TOKENS }, (_, at) => `${at} `),
    delayMs: { between: PACE_MS },
  });
  const json = { user_id: 'reader', message: 'Hi', model: 'openai/paced' };
  const stream = await openStream(`${server.url}/conversations`, { json });
  await stream.collect(60_000);
  return stream.pieces.slice(1).map(({ at }, index) => at - (stream.pieces[index]?.at ?? at));
}

/** Searches again and again until it is told to stop. @returns the time of each search */
async function searchUntil(isOver: () => boolean): Promise<number[]> {
  const times: number[] = [];
  for (let at = 0; !isOver(); at++) {
    const begunAt = performance.now();
    const json = {
      user_id: 'searcher',
      query: `${word(at)} ${word(at * 7)} ${word(at + 3)}`,
      k: 8,
    };
    const { status } = await request(`${server.url}/retrieve`, { json });
    expect(status).toBe(200);
    times.push(performance.now() - begunAt);
  }
  return times;
}

it('goes on at its own pace while many search and one ingests', async () => {
  let isOver = false;
  const searching = Array.from({ length: SEARCHERS }, () => searchUntil(() => isOver));
  const ingesting = ingest('writer', CHUNKS);
  const gaps = await gapsOfStream();
  isOver = true;
  const times = (await Promise.all(searching)).flat();
  await ingesting;
  expect(times.length).toBeGreaterThanOrEqual(SEARCHERS);
  // On the event loop of the streams, a gap is half of a search that waits for all the others.
  expect(median(gaps) / median(times)).toBeLessThan(0.25);
}, 120_000);

it('stops searching for a client that has left, and answers the next', async () => {
  const json = { user_id: 'searcher', query: 'word1 word2', k: 8 };
  const left = Array.from({ length: 50 }, async () => {
    const signal = AbortSignal.timeout(20);
    const headers = { 'content-type': 'application/json' };
    const init = { method: 'POST', body: JSON.stringify(json), headers, signal };
    const asked = await fetch(`${server.url}/retrieve`, init).catch(() => undefined);
    await asked?.text().catch(() => undefined);
  });
  const { status } = await request(`${server.url}/retrieve`, { json });
  expect(status).toBe(200);
  await Promise.all(left);
});

it('refuses the searches of one user beyond a limit, and still serves others', async () => {
  const search = (user_id: string) =>
    request<{ code?: string }>(`${server.url}/retrieve`, {
      json: { user_id, query: 'word1 word2 word3', k: 8 },
    });
  const many = Array.from({ length: 150 }, () => search('searcher'));
  const other = search('other');
  const answers = await Promise.all(many);
  expect((await other).status).toBe(200);
  for (const { status, headers, json } of answers) {
    if (status === 200) continue;
    expect([status, json.code]).toEqual([429, 'queue_full']);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
  }
  expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(50);
});
