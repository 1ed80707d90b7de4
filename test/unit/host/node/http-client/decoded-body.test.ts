/** Bodies that are compressed in ways which few services use, and listeners that throw. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, deflateRawSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createUndiciFetch } from '../../../../../src/host/node/http-client/http-client.ts';
import type { BodyInterceptor } from '../../../../../src/models/http.ts';

const undiciFetch = createUndiciFetch();
const text = 'data: words, words, words\n\n';
let reply: (response: ServerResponse) => void = () => undefined;
const server = createServer((_, response) => reply(response));
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function ask(encoding: string, body: Buffer, tap?: BodyInterceptor): Promise<Response> {
  reply = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': encoding });
    response.end(body);
  };
  const { port } = server.address() as AddressInfo;
  return undiciFetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: '{}' }, tap);
}

it.each([
  ['deflate without its header', 'deflate', deflateRawSync(text)],
  ['gzip by its old name', 'x-gzip', gzipSync(text)],
  ['gzip in capitals', 'GZIP', gzipSync(text)],
  ['a body that is named as not encoded', 'identity', Buffer.from(text)],
  ['two encodings', 'gzip, br', brotliCompressSync(gzipSync(text))],
])('%s is read', async (_, encoding, body) => {
  expect(await (await ask(encoding, body)).text()).toBe(text);
});

it.each(['rot13', 'gzip, rot13'])(
  'a body in %s, which is unknown, is left as it is',
  async (name) => {
    expect(await (await ask(name, Buffer.from(text))).text()).toBe(text);
  },
);

it('a body of no bytes needs no decoding', async () => {
  expect(await (await ask('gzip', Buffer.alloc(0))).text()).toBe('');
});

it('bytes that are not what the header says fail the body', async () => {
  const response = await ask('gzip', Buffer.from(text));
  await expect(response.text()).rejects.toThrow('terminated');
});

it('an interceptor that throws fails its own request', async () => {
  const tap: BodyInterceptor = {
    isDone: false,
    push() {
      throw new Error('of the tap');
    },
    end: () => undefined,
    fail: () => undefined,
  };
  await expect(ask('gzip', gzipSync(text), tap)).rejects.toThrow('of the tap');
  expect(await (await ask('gzip', gzipSync(text))).text()).toBe(text);
});
