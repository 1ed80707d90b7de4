/**
 * Readers of a turn that the process holds: they are answered without asking the database, and get
 * the same as from the router.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  startDatabaseProxy,
  type DatabaseProxy,
  type DatabaseRequest,
} from '../support/database-proxy.ts';
import { request, type Answer } from '../support/http.ts';
import { startOtlpReceiver, type OtlpReceiver } from '../support/otlp-receiver.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { startSqld, type Sqld } from '../support/sqld.ts';
import { openStream } from '../support/sse.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';

let sqld: Sqld;
let proxy: DatabaseProxy;
let upstream: Upstream;
let collector: OtlpReceiver;
let server: TestServer;
const user_id = 'u';

beforeAll(async () => {
  sqld = await startSqld();
  proxy = await startDatabaseProxy(sqld.url);
  upstream = await startUpstream();
  // No checkpoint and no sweep asks the database while its requests are counted.
  const env = { ...upstream.env, DATABASE_URL: proxy.url, TURN_LEASE_MS: '60000' };
  collector = await startOtlpReceiver();
  const telling = {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_BSP_SCHEDULE_DELAY: '200',
  };
  server = await startServer({ env: { ...env, ...telling } });
});
beforeEach(() => upstream.reset());
afterAll(async () => {
  await server.close();
  await upstream.close();
  await proxy.close();
  await sqld.close();
  await collector.close();
});

async function start(): Promise<{ conversation: string; turn: string; messages: string }> {
  const { json } = await request<{ id: string }>(`${server.url}/conversations`, {
    json: { user_id },
  });
  const messages = `${server.url}/conversations/${json.id}/messages`;
  const stream = await openStream(messages, {
    json: { message: 'Say it.', model: 'openai/m', stream: true },
  });
  const turn = String(stream.headers['x-turn-id']);
  stream.close();
  return { conversation: json.id, turn, messages };
}

const eventsOf = (turn: string) => `${server.url}/turns/${turn}/events`;

async function ended(turn: string): Promise<void> {
  const status = () =>
    request<{ status: string }>(`${server.url}/turns/${turn}`).then(({ json }) => json.status);
  await expect.poll(status, { timeout: 20_000 }).toBe('complete');
}

/** Finds the requests that ask the database about a turn. */
const looksAt =
  (turn: string) =>
  ({ statements }: DatabaseRequest): boolean =>
    statements.some(
      ({ sql, args }) => /^select/iu.test(sql) && JSON.stringify(args).includes(turn),
    );

/** Leaves out what differs between any two answers. */
function kept({ status, headers, text }: Answer<unknown>): unknown {
  const { date, 'x-request-id': id, 'server-timing': timing, ...others } = headers;
  expect([date, id, timing]).not.toContain(undefined);
  expect(timing).toMatch(/^total;dur=[\d.]+$/u);
  return { status, headers: others, text };
}

/** Joins the deltas, since readers that come at different times get different ones. */
function inOneDelta(answer: Answer<unknown>): unknown {
  const events = answer.text.split('\n\n').map((event) => /^data: (.*)$/mu.exec(event)?.[1] ?? '');
  const deltas = events.flatMap((data) => /^\{"text":(.*)\}$/u.exec(data)?.[1] ?? []);
  const others = events.filter((data) => !data.startsWith('{"text":'));
  return { ...Object(kept(answer)), text: deltas.map((text) => JSON.parse(text)).join(''), others };
}

describe('who follows or replays a turn', () => {
  it('gets from a running turn what the router gives, and asks the database nothing', async () => {
    upstream.script('m', {
      text: 'one two three four five',
      delayMs: { first: 600, between: 200 },
    });
    const { turn } = await start();
    proxy.reset();
    const reading = Array.from({ length: 20 }, () => request(eventsOf(turn)));
    // The router looks into the database whose turn it is: this request is counted.
    const byRouter = request(`${eventsOf(turn)}?user_id=${user_id}`);
    const expected = inOneDelta(await byRouter);
    for (const answer of await Promise.all(reading)) expect(inOneDelta(answer)).toEqual(expected);
    // Of 21, one by the router; the turn's own requests are counted, too.
    expect(proxy.count(looksAt(turn))).toBeLessThan(10);
  });

  it('gets from a finished turn what the router gives, and the database is asked once for several', async () => {
    upstream.script('m', { text: 'one two three' });
    const { turn } = await start();
    await ended(turn);
    const expected = kept(await request(`${eventsOf(turn)}?user_id=${user_id}`));
    // One look holds for a tenth of a second, which a slow machine may need for each request.
    const looksForTen = async () => {
      proxy.reset();
      for (let time = 0; time < 10; time++)
        expect(kept(await request(eventsOf(turn)))).toEqual(expected);
      return proxy.count(looksAt(turn));
    };
    await expect.poll(looksForTen, { timeout: 30_000 }).toBeLessThan(10);
  });

  it('finds no turn that was deleted, and the new title of one whose conversation was renamed', async () => {
    upstream.script('m', { text: 'one two three' });
    const { turn, conversation } = await start();
    await ended(turn);
    const url = `${server.url}/conversations/${conversation}`;
    for (const title of ['First', 'Second', 'Third']) {
      await request(url, { method: 'PATCH', json: { title } });
      for (let time = 0; time < 3; time++)
        expect((await request(eventsOf(turn))).text).toContain(`"title":"${title}"`);
    }
    await request(url, { method: 'DELETE' });
    for (let time = 0; time < 3; time++) expect((await request(eventsOf(turn))).status).toBe(404);
  });

  it('is told to those who watch as the router tells of it', async () => {
    upstream.script('m', { text: 'one two three' });
    const { turn } = await start();
    await ended(turn);
    const told = async (url: string, trace: string) => {
      const traceId = trace.repeat(32);
      const parentSpanId = trace.repeat(16);
      await request(url, { headers: { traceparent: `00-${traceId}-${parentSpanId}-01` } });
      const found = () => collector.spans().filter((span) => span.traceId === traceId);
      await expect.poll(() => found().length, { timeout: 20_000 }).toBe(2);
      const [inner, outer] = found().toSorted((a) => (a.parentSpanId === parentSpanId ? 1 : -1));
      expect(outer?.parentSpanId).toBe(parentSpanId);
      expect(inner?.parentSpanId).toBe(outer?.spanId);
      return [inner, outer].map((span) => ({
        ...{ ...span, traceId: '', spanId: '', parentSpanId: '' },
        attributes: { ...span?.attributes, 'parley.request.id': '' },
      }));
    };
    const byRouter = await told(`${eventsOf(turn)}?user_id=${user_id}`, 'a');
    expect(await told(eventsOf(turn), 'b')).toEqual(byRouter);
  });

  it('is answered by the router when the request says more than the address', async () => {
    upstream.script('m', { text: 'one two three' });
    const { turn } = await start();
    await ended(turn);
    const plain = await request(eventsOf(turn));
    const get = (headers: Record<string, string>) => request(eventsOf(turn), { headers });
    expect((await get({ 'x-request-id': 'mine' })).headers['x-request-id']).toBe('mine');
    const origin = 'http://localhost:5173';
    expect((await get({ origin })).headers['access-control-allow-origin']).toBe(origin);
    expect((await get({ 'x-forwarded-proto': 'https' })).headers).toHaveProperty(
      'strict-transport-security',
    );
    expect((await get({ host: 'evil.example' })).status).toBe(403);
    expect((await get({ 'last-event-id': 'garbled' })).status).toBe(400);
    const ids = [...plain.text.matchAll(/^id: (.+)$/gmu)].map(([, id]) => id ?? '');
    expect((await get({ 'last-event-id': ids.at(-1) ?? '' })).status).toBe(204);
    expect((await request(`${eventsOf(turn)}?user_id=other`)).status).toBe(404);
    expect((await request(eventsOf(turn), { method: 'HEAD' })).text).toBe('');
  });

  it('is answered by the router alone where FOLLOW_FAST_PATH is off', async () => {
    upstream.script('m', { text: 'one two three' });
    const { turn } = await start();
    await ended(turn);
    const before = kept(await request(eventsOf(turn)));
    await server.restart({ FOLLOW_FAST_PATH: 'off' });
    try {
      expect(kept(await request(eventsOf(turn)))).toEqual(before);
      proxy.reset();
      for (let time = 0; time < 5; time++) await request(eventsOf(turn));
      expect(proxy.count(looksAt(turn))).toBe(5);
    } finally {
      await server.restart({ FOLLOW_FAST_PATH: 'on' });
    }
  });
});
