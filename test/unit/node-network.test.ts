/** What a service may do to a connection: whatever it is, the call fails or the body does, and never the process. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { nodeNetwork } from '../../src/host/node-network.ts';
import type { BodyTap } from '../../src/models/network.ts';

const tight = 'Connection: close\r\n\r\n';
const stream = `Content-Type: text/event-stream\r\n${tight}`;
/** For what was sent to arrive before the connection is reset. */
const SETTLE_MS = 20;

let reply: (socket: Socket) => void = () => undefined;
const server = createServer((socket) => {
  socket.on('error', () => undefined);
  socket.once('data', () => reply(socket));
});
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => new Promise((resolve) => server.close(resolve)));

/** Hands on at the word, or when the body is over. */
function tapUntil(word: string): BodyTap & { seen: string[] } {
  const seen: string[] = [];
  const nothing = new Uint8Array(0);
  return {
    seen,
    push(bytes) {
      seen.push(Buffer.from(bytes).toString());
      return seen.at(-1)?.includes(word) ? bytes : undefined;
    },
    end: () => (seen.push('<end>'), nothing),
    fail: () => (seen.push('<fail>'), nothing),
  };
}

async function ask(answer: (socket: Socket) => void, tap?: BodyTap): Promise<string> {
  reply = answer;
  const { port } = server.address() as AddressInfo;
  const init = { method: 'POST', body: '{}' };
  const response = await nodeNetwork(`http://127.0.0.1:${port}/`, init, tap);
  return `${response.status} ${await response.text()}`;
}

it.each(['000 Nothing', '600 Much', '999 No'])('a status that is none: %s', async (status) => {
  await expect(ask((socket) => socket.end(`HTTP/1.1 ${status}\r\n${tight}`))).rejects.toThrow(
    'fetch failed',
  );
});

it('odd words beside the status', async () => {
  expect(await ask((socket) => socket.end(`HTTP/1.1 200 \u0001\r\n${tight}a`))).toBe('200 a');
  const streamed = (socket: Socket) => socket.end(`HTTP/1.1 200 \u0001\r\n${stream}a`);
  expect(await ask(streamed, tapUntil('a'))).toBe('200 a');
});

it('another protocol', async () => {
  const other = 'HTTP/1.1 101 Other\r\nUpgrade: other\r\nConnection: upgrade\r\n\r\n';
  await expect(ask((socket) => socket.write(other))).rejects.toThrow('fetch failed');
});

const reset = (socket: Socket) => {
  socket.write(`HTTP/1.1 200 OK\r\n${stream}one two`);
  setTimeout(() => socket.resetAndDestroy(), SETTLE_MS);
};

// Such a body ends after its failure once more, as if all were well.
it.each([
  ['that nobody follows', undefined],
  ['that was handed on', tapUntil('two')],
  ['that is followed', tapUntil('three')],
])('a reset in a body %s that lasts until the connection closes', async (_, tap) => {
  await expect(ask(reset, tap)).rejects.toThrow('terminated');
  expect(tap?.seen ?? []).not.toContain('<end>');
});
