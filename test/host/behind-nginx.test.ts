/** Behind a real nginx: streams, uploads, sockets, and restarts in which nothing is lost. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { startNginx } from '../support/nginx.ts';
import { OwnServers } from '../support/own-servers.ts';
import { freePort, repository } from '../support/places.ts';
import { findProgram, type Proxy } from '../support/proxy-process.ts';
import type { TestServer } from '../support/server.ts';
import { openStream } from '../support/sse.ts';
import {
  restartsLoseNothing,
  silentQueueSurvives,
  streamArrives,
  uploadsAndSocketsPass,
} from './behind-proxy.ts';
import { SMALL_LOAD } from './rolling-restart.ts';

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
    const stream = await streamArrives(own, url);
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
    await uploadsAndSocketsPass(url);
  });

  it('a queue that waits for longer than nginx does survives', async () => {
    const server = await own.serve({ KEEP_ALIVE_MS: '300' });
    const { url } = await proxy((port) =>
      sample([server])(port).replace('proxy_read_timeout 330s', 'proxy_read_timeout 1s'),
    );
    await silentQueueSurvives(own, url);
  });

  it(
    'three processes are restarted one after the other, and no turn or message is lost',
    { timeout: 300_000 },
    async () => {
      let nginx: Proxy | undefined;
      await restartsLoseNothing(own, SMALL_LOAD, async (servers) => {
        const before = await proxy(sample(servers));
        ({ nginx } = before);
        return before.url;
      });
      expect(nginx?.logs()).not.toMatch(/no live upstreams/u);
    },
  );
});
