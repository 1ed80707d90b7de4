/**
 * Streams as they pass the wire: readers who know no chunks, who read what others are sent at the
 * same time, and who read nothing for a while.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { openStream } from '../support/sse.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';

let upstream: Upstream;
let server: TestServer;
beforeAll(async () => {
  upstream = await startUpstream();
  server = await startServer({ env: upstream.env });
});
afterAll(async () => {
  await server.close();
  await upstream.close();
});

/** Starts a turn whose model stands still after its first token. Returns the turn's id. */
async function begin(model: string, tokens: string[]): Promise<string> {
  upstream.script(model, { tokens, holdAt: 1, delayMs: { between: 2 } });
  const { json } = await request<{ id: string }>(`${server.url}/conversations`, {
    json: { user_id: 'u' },
  });
  const stream = await openStream(`${server.url}/conversations/${json.id}/messages`, {
    json: { message: 'Say it.', model: `openai/${model}`, stream: true },
  });
  stream.close();
  return String(stream.headers['x-turn-id']);
}

/** Reads a turn as plain text on a connection of its own, by a version of HTTP. */
function follow(turn: string, version: '1.0' | '1.1'): { socket: Socket; bytes: Promise<Buffer> } {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.write(
    `GET /turns/${turn}/events HTTP/${version}\r\nHost: ${hostname}:${port}\r\nAccept: text/event-stream\r\nConnection: close\r\n\r\n`,
  );
  const read: Buffer[] = [];
  socket.on('data', (bytes: Buffer) => read.push(bytes));
  const bytes = once(socket, 'close').then(() => Buffer.concat(read));
  return { socket, bytes };
}

/** Waits until a reader has the first token. */
function joined({ socket }: { socket: Socket }): Promise<void> {
  return new Promise((resolve) => {
    let text = '';
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString();
      if (text.includes('{"text":"first "}')) resolve();
    });
  });
}

function split(answer: Buffer): { head: string; body: Buffer } {
  const at = answer.indexOf('\r\n\r\n');
  return { head: answer.subarray(0, at).toString().toLowerCase(), body: answer.subarray(at + 4) };
}

/** Returns the chunks of a body. */
function chunksIn(body: Buffer): string[] {
  const chunks: string[] = [];
  for (let at = 0; ;) {
    const line = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.subarray(at, line).toString(), 16);
    if (!(size > 0)) {
      expect(body.subarray(at).toString()).toBe('0\r\n\r\n');
      return chunks;
    }
    chunks.push(body.subarray(line + 2, line + 2 + size).toString());
    expect(body.subarray(line + 2 + size, line + 4 + size).toString()).toBe('\r\n');
    at = line + 4 + size;
  }
}

function textIn(events: string): string {
  const deltas = events.matchAll(/^event: message\.delta\ndata: (.*)$/gmu);
  return [...deltas].map(([, data = '']) => (JSON.parse(data) as { text: string }).text).join('');
}

const TOKENS = [
  'first ',
  ...Array.from({ length: 40 }, (_, n) => ['ü', '漢字', '🙂', 'a'][n % 4]!),
];

it('readers of one turn get whole events in whole chunks, and those of HTTP/1.0 no chunks', async () => {
  const turn = await begin('shared', TOKENS);
  const readers = [follow(turn, '1.1'), follow(turn, '1.1'), follow(turn, '1.0')];
  await Promise.all(readers.map(joined));
  upstream.release('shared');
  const [one, other, old] = (await Promise.all(readers.map(({ bytes }) => bytes))).map(split);
  const chunks = chunksIn(one!.body);
  expect(chunks.length).toBeGreaterThan(3);
  for (const chunk of chunks) expect(chunk).toMatch(/\n\n$/u);
  expect(textIn(chunks.join(''))).toBe(TOKENS.join(''));
  expect(textIn(chunksIn(other!.body).join(''))).toBe(TOKENS.join(''));
  expect(one!.head).toContain('transfer-encoding: chunked');
  expect(old!.head).not.toContain('transfer-encoding');
  expect(old!.body.toString()).not.toContain('\r');
  expect(textIn(old!.body.toString())).toBe(TOKENS.join(''));
});

it('a reader who reads nothing for a while gets all of it later, as do the others', async () => {
  // Six bytes each as JSON: more than the buffers of a connection hold.
  const long = '\u0001'.repeat(20_000);
  const tokens = ['first ', ...Array.from({ length: 45 }, () => long)];
  const turn = await begin('long', tokens);
  const [slow, quick] = [follow(turn, '1.1'), follow(turn, '1.1')];
  await Promise.all([slow, quick].map(joined));
  slow.socket.pause();
  upstream.release('long');
  const { body } = split(await quick.bytes);
  expect(textIn(chunksIn(body).join(''))).toHaveLength(6 + 45 * 20_000);
  slow.socket.resume();
  const later = split(await slow.bytes);
  expect(textIn(chunksIn(later.body).join(''))).toHaveLength(6 + 45 * 20_000);
}, 60_000);
