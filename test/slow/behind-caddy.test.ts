/** Behind a real Caddy as `deploy/Caddyfile` sets it up: streams, sockets, uploads, restarts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCaddy } from '../support/caddy.ts';
import { request } from '../support/http.ts';
import { OwnServers } from '../support/own-servers.ts';
import { freePort, repository, temporaryDirectory } from '../support/places.ts';
import { findProgram } from '../support/proxy-process.ts';
import type { TestServer } from '../support/server.ts';
import { openStream } from '../support/sse.ts';
import { openWebSocket } from '../support/websocket.ts';
import { restartInTurn } from '../host/rolling-restart.ts';

const hasCaddy = findProgram('caddy') !== undefined;
if (!hasCaddy) console.warn('Caddy is not installed: nothing is tested behind it');

const NAME = 'chat.example.com';

const own = new OwnServers({ TRUSTED_HOSTS: NAME });
afterAll(() => own.close());

/** Starts Caddy with the sample of this repository before these servers; returns its address. */
async function proxy(...servers: TestServer[]): Promise<string> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const text = readFileSync(join(repository, 'deploy', 'Caddyfile'), 'utf8');
  const places = servers.map((server) => new URL(server.url).host).join(' ');
  const sites = text
    .replace(/^chat\.example\.com \{/mu, `http://127.0.0.1:${port}, http://${NAME}:${port} {`)
    .replace(/reverse_proxy [\d.: ]+\{/u, `reverse_proxy ${places} {`);
  own.add(await startCaddy(sites, `${url}/health`));
  return url;
}

describe.skipIf(!hasCaddy)('behind Caddy', () => {
  let server: TestServer;
  let url: string;
  beforeAll(async () => {
    server = await own.serve();
    url = await proxy(server);
  });

  it('the public name, large uploads and sockets pass', { timeout: 120_000 }, async () => {
    const headers = { host: `${NAME}:${new URL(url).port}` };
    expect(await request(`${url}/health`, { headers })).toMatchObject({ status: 200 });

    const text = `The blue valve. ${'A long manual says much of it.\n'.repeat(40_000)}`;
    const json = { user_id: 'u', text };
    const made = await request(`${url}/documents`, { json, timeoutMs: 100_000 });
    expect(made.status).toBe(200);

    const socket = await openWebSocket(`${url.replace('http', 'ws')}/ws/u`);
    socket.send({ message: 'hello' });
    await socket.next('message_complete');
    socket.close();
  });

  it('streams arrive as they are written', async () => {
    own.upstream.script('slow', {
      tokens: ['one ', 'two '],
      infinite: true,
      delayMs: { between: 50 },
    });
    const json = { user_id: 'u', message: 'go', model: 'openai/slow' };
    const stream = await openStream(`${url}/conversations`, { json });
    await stream.next('message.delta');
    await stream.next('message.delta');
    const turn = `${url}/turns/${String(stream.headers['x-turn-id'])}`;
    const cancelled = await request(`${turn}/cancel`, { method: 'POST' });
    expect(cancelled.json).toMatchObject({ status: 'cancelled' });
    expect(await stream.collect()).toMatchObject({ ended: 'end' });
  });

  it('a queue in which nothing is said for seconds survives', async () => {
    own.upstream.script('silent', { text: 'at last', delayMs: { first: 2_500 } });
    const json = { user_id: 'u', message: 'go', model: 'openai/silent' };
    const first = await openStream(`${url}/conversations`, { json });
    const id = String(first.headers['x-conversation-id']);
    const queued = await openStream(`${url}/conversations/${id}/messages`, {
      json: { ...json, on_busy: 'queue' },
    });
    for (const stream of [first, queued])
      expect(await stream.collect()).toMatchObject({
        ended: 'end',
        text: expect.stringContaining('turn.completed'),
      });
  });

  it.each([
    ['a stream', true],
    ['an answer in JSON', false],
  ])('a client that leaves %s is noticed', async (_, stream) => {
    own.upstream.script('slow', { tokens: ['on '], infinite: true, delayMs: { between: 50 } });
    const { json: made } = await request<{ conversation_id: string }>(`${url}/conversations`, {
      json: { user_id: 'u' },
    });
    const path = `/conversations/${made.conversation_id}/messages`;
    const json = { message: 'go', model: 'openai/slow', on_disconnect: 'cancel', stream };
    const asked = own.upstream.requests.length;
    const left = new AbortController();
    const asking = fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(json),
      signal: left.signal,
    }).then((answer) => answer.text());
    await expect.poll(() => own.upstream.requests.length).toBeGreaterThan(asked);
    left.abort();
    await expect(asking).rejects.toThrow();
    const lastStatus = async () => {
      const { json: messages } = await request<{ status: string }[]>(`${server.url}${path}`);
      return messages.at(-1)?.status;
    };
    await expect.poll(lastStatus, { timeout: 10_000 }).toBe('cancelled');
  });

  it(
    'three processes are restarted one after the other, and no turn or message is lost',
    { timeout: 300_000 },
    async () => {
      const database = `file:${join(temporaryDirectory('rolling'), 'parley.db')}`;
      const env = { DATABASE_URL: database };
      const servers = [await own.serve(env), await own.serve(env), await own.serve(env)];
      const report = await restartInTurn(servers, own.upstream, await proxy(...servers));
      expect(report.problems).toEqual([]);
      expect(report.messages).toBeGreaterThanOrEqual(1_000);
      expect(report.exits).toEqual([0, 0, 0]);
      for (const turn of report.turns)
        expect(turn).toEqual({ ended: 'end', last: 'turn.completed', isWhole: true });
    },
  );
});
