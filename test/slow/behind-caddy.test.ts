/** Behind a real Caddy as `deploy/Caddyfile` sets it up: streams, sockets, uploads, restarts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCaddy } from '../support/caddy.ts';
import { request } from '../support/http.ts';
import { OwnServers } from '../support/own-servers.ts';
import { freePort, repository } from '../support/places.ts';
import { findProgram } from '../support/proxy-process.ts';
import type { TestServer } from '../support/server.ts';
import {
  restartsLoseNothing,
  silentQueueSurvives,
  streamArrives,
  uploadsAndSocketsPass,
} from '../host/behind-proxy.ts';
import { WHOLE_LOAD } from '../host/rolling-restart.ts';

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

    await uploadsAndSocketsPass(url);
  });

  it('streams arrive as they are written', async () => {
    await streamArrives(own, url);
  });

  it('a queue in which nothing is said for seconds survives', async () => {
    await silentQueueSurvives(own, url);
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
    () => restartsLoseNothing(own, WHOLE_LOAD, (servers) => proxy(...servers)),
  );
});
