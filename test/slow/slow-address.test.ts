/** An address of a file that never answers, which costs as long as such a fetch may take. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { startServer } from '../support/server.ts';

let site: Server;
beforeAll(async () => {
  site = createServer(() => undefined);
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  site.closeAllConnections();
  site.close();
});

describe.concurrent('an address that never answers', () => {
  it.each(['node', 'workerd'] as const)(
    'is given up: %s',
    { timeout: 300_000 },
    async (runtime) => {
      // Of a server that listens on a port.
      const host = `127.0.0.1:${(site.address() as AddressInfo).port}`;
      const env = { ATTACHMENT_HOSTS: host, DEFAULT_MODEL: 'offline' };
      const server = await startServer({ runtime, env, startLimitMs: 200_000 });
      try {
        const attachments = [{ url: `http://${host}/a.png` }];
        const json = { user_id: 'late', message: 'Look', attachments };
        const answer = await request(`${server.url}/conversations`, { json, timeoutMs: 60_000 });
        expect(answer).toMatchObject({ status: 400, json: { code: 'invalid_request' } });
        expect(answer.text).toContain('too long');
        const files = await request(`${server.url}/files?user_id=late`);
        expect(files.json).toEqual([]);
      } finally {
        await server.close();
      }
    },
  );
});
