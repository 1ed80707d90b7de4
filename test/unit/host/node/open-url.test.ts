/**
 * A name is looked up once, and the connection goes where that said; nothing else is connected to.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createOpenUrl, type Resolve } from '../../../../src/host/node/open-url.ts';

/**
 * Two machines: one that counts as public here, and one that must not be reached. They have the
 * same port, and nobody else listens at these addresses or asks them: at 127.0.0.1 the port of the
 * other may be taken, or a stranger may come who looks for whom it belonged to before.
 */
const [PUBLIC, PRIVATE] = ['127.0.0.2', '127.0.0.3'];
const asked: string[] = [];
let servers: Server[];
let port: number;

beforeAll(async () => {
  const one = await listen(PUBLIC, 0);
  // Of a server that listens on a port.
  ({ port } = one.address() as AddressInfo);
  servers = [one, await listen(PRIVATE, port)];
});
beforeEach(() => void asked.splice(0));
afterAll(() => servers.forEach((server) => server.close()));

function listen(host: string, on: number): Promise<Server> {
  const server = createServer((_, response) => {
    asked.push(host);
    response.end('bytes');
  });
  return new Promise((resolve, reject) =>
    server.on('error', reject).listen(on, host, () => resolve(server)),
  );
}

/** Answers each look-up by the next of these lists of addresses, and the last one for ever. */
function answering(...answers: string[][]): Resolve & { count: () => number } {
  let count = 0;
  const find: Resolve = (_, __, done) => {
    const addresses = answers[Math.min(count++, answers.length - 1)] ?? [];
    setImmediate(() =>
      done(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      ),
    );
  };
  return Object.assign(find, { count: () => count });
}

const open = (find: Resolve) =>
  createOpenUrl(find, (address) => address === PUBLIC)(
    new URL(`http://files.example.com:${port}/a.png`),
    {
      signal: AbortSignal.timeout(10_000),
      trusted: false,
    },
  );

it('connects where the one look-up said, whatever the next one would say', async () => {
  const find = answering([PUBLIC], [PRIVATE]);
  const answer = await open(find);
  for await (const _ of answer.body);
  expect(asked).toEqual([PUBLIC]);
  expect(find.count()).toBe(1);
  await expect(open(find)).rejects.toThrow('not a public address');
  expect(asked).toEqual([PUBLIC]);
});

it.each([
  ['a private address', [PRIVATE]],
  ['a private address among public ones', [PUBLIC, PRIVATE]],
  ['a private address in the other form', ['::1']],
  ['no address', []],
])('connects to nothing for a name with %s', async (_, addresses) => {
  await expect(open(answering(addresses))).rejects.toThrow(/address/u);
  expect(asked).toEqual([]);
});
