/** Clients that send a head slower than anybody has to: they only hold connections. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { startServer } from '../support/server.ts';

it('a head that does not end is cut off, and others are served meanwhile', async () => {
  const server = await startServer();
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
  socket.on('error', () => undefined);
  const closed = once(socket, 'close').then(() => 'closed');
  try {
    socket.write('GET /health HTTP/1.1\r\nHost: localhost\r\n');
    const drip = setInterval(() => socket.write('X-Slow: a\r\n'), 500);
    expect((await request(`${server.url}/health`)).status).toBe(200);
    expect(await Promise.race([closed, sleep(40_000)])).toBe('closed');
    clearInterval(drip);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /u);
  } finally {
    socket.destroy();
    await server.close();
  }
});
