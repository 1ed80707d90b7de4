/** Behind a real nginx: streams, uploads, sockets, and restarts in which nothing is lost. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { startNginx } from '../support/nginx.ts';
import { OwnServers } from '../support/own-servers.ts';
import { freePort, repository, temporaryDirectory } from '../support/places.ts';
import { findProgram, type Proxy } from '../support/proxy-process.ts';
import type { TestServer } from '../support/server.ts';
import { openStream } from '../support/sse.ts';
import { openWebSocket } from '../support/websocket.ts';
import { restartInTurn } from './rolling-restart.ts';

const hasNginx = findProgram('nginx') !== undefined;
if (!hasNginx) console.warn('nginx is not installed: nothing is tested behind it');

const own = new OwnServers();
afterEach(() => own.close());

/** Starts nginx, and returns its address. */
async function proxy(httpFor: (port: number) => string): Promise<{ url: string; nginx: Proxy }> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const nginx = own.add(await startNginx(httpFor(port), `${url}/health`));
  return { url, nginx };
}

/** The sample of this repository, with these servers. */
function sample(servers: readonly TestServer[]): (port: number) => string {
  const text = readFileSync(join(repository, 'deploy', 'nginx.conf'), 'utf8');
  const lines = servers.map(({ url }) => `server ${new URL(url).host} max_fails=0;`);
  return (port) =>
    text
      .replace(/( *server 127\.0\.0\.1:\d+ max_fails=0;\n)+/u, `${lines.join('\n')}\n`)
      .replace('listen 80;', `listen 127.0.0.1:${port};`);
}

describe.skipIf(!hasNginx)('behind nginx with its default settings', () => {
  const plain = (server: TestServer) => (port: number) =>
    `
    upstream parley { server ${new URL(server.url).host}; }
    server { listen 127.0.0.1:${port}; location / { proxy_pass http://parley; } }`;

  it('a host that is not named is refused with the setting that allows it', async () => {
    const server = await own.serve();
    const { url } = await proxy(plain(server));
    const refused = await request(`${url}/health`);
    expect(refused).toMatchObject({ status: 403, json: { code: 'forbidden_host' } });
    expect(refused.text).toContain('TRUSTED_HOSTS');
    await expect.poll(() => server.logs()).toContain('TRUSTED_HOSTS=parley');
  });

  it('streams arrive as they are written, and a GET by EventSource does too', async () => {
    const server = await own.serve({ TRUSTED_HOSTS: 'parley' });
    const { url } = await proxy(plain(server));
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
    const id = String(stream.headers['x-conversation-id']);
    const events = await openStream(
      `${url}/conversations/${id}/stream?message=hello&model=offline`,
    );
    const { events: all, ended } = await events.collect();
    expect([ended, all.at(-1)?.data]).toEqual(['end', '[DONE]']);
  });
});

describe.skipIf(!hasNginx)('behind nginx as deploy/nginx.conf sets it up', () => {
  it('large uploads and sockets pass', { timeout: 120_000 }, async () => {
    const { url } = await proxy(sample([await own.serve()]));
    const text = `The blue valve. ${'A long manual says much of it.\n'.repeat(40_000)}`;
    const json = { user_id: 'u', text };
    const made = await request(`${url}/documents`, { json, timeoutMs: 100_000 });
    expect(made.status).toBe(200);

    const socket = await openWebSocket(`${url.replace('http', 'ws')}/ws/u`);
    socket.send({ message: 'hello' });
    await socket.next('message_complete');
    socket.close();
  });

  it('a queue that waits for longer than nginx does survives', async () => {
    const server = await own.serve({ KEEP_ALIVE_MS: '300' });
    const { url } = await proxy((port) =>
      sample([server])(port).replace('proxy_read_timeout 330s', 'proxy_read_timeout 1s'),
    );
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

  it(
    'three processes are restarted one after the other, and no turn or message is lost',
    { timeout: 300_000 },
    async () => {
      const database = `file:${join(temporaryDirectory('rolling'), 'parley.db')}`;
      const env = { DATABASE_URL: database };
      const servers = [await own.serve(env), await own.serve(env), await own.serve(env)];
      const { url, nginx } = await proxy(sample(servers));
      const report = await restartInTurn(servers, own.upstream, url);
      expect(report.problems).toEqual([]);
      expect(report.messages).toBeGreaterThanOrEqual(1_000);
      expect(report.exits).toEqual([0, 0, 0]);
      for (const turn of report.turns)
        expect(turn).toEqual({ ended: 'end', last: 'turn.completed', isWhole: true });
      expect(nginx.logs()).not.toMatch(/no live upstreams/u);
    },
  );
});
