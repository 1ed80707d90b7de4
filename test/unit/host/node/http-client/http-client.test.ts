/** What a service may do to a connection: the call fails, or the body, and never the process. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import tls, { createServer as createSecureServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createUndiciFetch } from '../../../../../src/host/node/http-client/http-client.ts';
import { networkBy, type BodyInterceptor } from '../../../../../src/models/http.ts';
import { localhost } from '../../../../support/tls.ts';

const undiciFetch = createUndiciFetch();
const tight = 'Connection: close\r\n\r\n';
const stream = `Content-Type: text/event-stream\r\n${tight}`;
/** For what was sent to arrive before the connection is reset. */
const SETTLE_MS = 20;

function listen(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
}

let reply: (socket: Socket) => void = () => undefined;
const sockets = new Set<Socket>();
const server = createServer((socket) => {
  sockets.add(socket);
  socket.on('error', () => undefined);
  socket.once('data', () => reply(socket));
});
beforeAll(() => listen(server));
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  return new Promise((resolve) => server.close(resolve));
});

/** Remembers what it is told; `over` resolves when the body has ended or failed. */
function listeningTap() {
  const seen: string[] = [];
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const tell = (word: string) => void seen.push(word);
  return {
    seen,
    over,
    isDone: false,
    push: (bytes: Uint8Array) => tell(Buffer.from(bytes).toString()),
    end: () => resolve(tell('<end>')),
    fail: () => resolve(tell('<fail>')),
  } satisfies BodyInterceptor & { seen: string[]; over: Promise<void> };
}

function addressOf(listening: Server, protocol = 'http'): string {
  const { port } = listening.address() as AddressInfo;
  return `${protocol}://127.0.0.1:${port}/`;
}

function address(protocol?: string): string {
  return addressOf(server, protocol);
}

const init = { method: 'POST', body: '{}' };

async function ask(answer: (socket: Socket) => void, tap?: BodyInterceptor): Promise<string> {
  reply = answer;
  const response = await undiciFetch(address(), init, tap);
  return `${response.status} ${await response.text()}`;
}

it.each(['000 Nothing', '600 Much', '999 No'])('a status that is none: %s', async (status) => {
  await expect(ask((socket) => socket.end(`HTTP/1.1 ${status}\r\n${tight}`))).rejects.toThrow(
    'fetch failed',
  );
});

it('odd words beside the status', async () => {
  expect(await ask((socket) => socket.end(`HTTP/1.1 200 \u0001\r\n${tight}a`))).toBe('200 a');
});

it('odd words beside the status of a stream', async () => {
  reply = (socket) => socket.end(`HTTP/1.1 200 \u0001\r\n${stream}a`);
  const tap = listeningTap();
  void undiciFetch(address(), init, tap);
  await tap.over;
  expect(tap.seen).toEqual(['a', '<end>']);
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
it('a reset in a body that lasts until the connection closes', async () => {
  await expect(ask(reset)).rejects.toThrow('terminated');
});

it('a reset in such a body of which a tap is told', async () => {
  const tap = listeningTap();
  await expect(ask(reset, tap)).rejects.toThrow('fetch failed');
  expect(tap.seen).toEqual(['one two', '<fail>']);
});

it.each([
  ['its end is told', 'Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n'],
  ['its length is told', 'Content-Length: 9\r\n\r\none'],
  ['it lasts until the connection closes', `${tight}one`],
])('a reset while nobody reads, of a body of which %s', async (_, rest) => {
  reply = (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\n${rest}`);
    setTimeout(() => socket.resetAndDestroy(), SETTLE_MS);
  };
  const response = await undiciFetch(address(), init);
  await sleep(3 * SETTLE_MS);
  await expect(response.text()).rejects.toThrow('terminated');
});

it('a body of which all was said is over, whatever its connection does', async () => {
  const closed = new Promise((resolve) => {
    reply = (socket) => {
      socket.once('close', resolve);
      socket.write(`HTTP/1.1 200 OK\r\n${stream}one `);
      setTimeout(() => socket.write('end'), SETTLE_MS);
    };
  });
  const tap = listeningTap();
  Object.defineProperty(tap, 'isDone', { get: () => tap.seen.join('').endsWith('end') });
  // Whoever asked hears that the connection was closed.
  const asked = undiciFetch(address(), init, tap).catch((error: unknown) => error);
  await closed;
  expect(await asked).toBeInstanceOf(TypeError);
  // Of the connection's end the tap may be told or not.
  expect(tap.seen.filter((word) => !word.startsWith('<')).join('')).toBe('one end');
});

it('hints before the answer', async () => {
  const hints = 'HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n';
  const answer = `HTTP/1.1 200 OK\r\n${tight}a`;
  expect(await ask((socket) => socket.end(hints + answer))).toBe('200 a');
});

it('headers that come twice, and no body', async () => {
  const twice = 'X-One: 1\r\nX-One: 2\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n';
  reply = (socket) => socket.end(`HTTP/1.1 204 No Content\r\n${twice}`);
  const { status, headers, body } = await undiciFetch(address(), init);
  expect([status, headers.get('x-one'), headers.getSetCookie(), body]).toEqual([
    204,
    '1, 2',
    ['a=1', 'b=2'],
    null,
  ]);
});

it('a request in one piece', async () => {
  let asked = '';
  const server = createServer((socket) => {
    socket.on('data', (data) => {
      asked += data.toString();
      if (asked.endsWith('héllo')) socket.end(`HTTP/1.1 200 OK\r\n${tight}a`);
    });
  });
  await listen(server);
  const headers = { authorization: 'Bearer x', 'content-type': 'text/plain' };
  const request = new Request(`${addressOf(server)}a?b=c`, {
    method: 'PUT',
    body: 'héllo',
    headers,
  });
  await expect((await undiciFetch(request, undefined)).text()).resolves.toBe('a');
  server.close();
  expect(asked).toMatch(/^PUT \/a\?b=c HTTP\/1\.1\r\n/);
  expect(asked).toMatch(/\r\nauthorization: Bearer x\r\n/);
  expect(asked).toMatch(/\r\ncontent-length: 6\r\n/);
});

// The library itself gives up on a connection after ten seconds.
it.each([
  ['a connection that is still being made', 'https', () => undefined],
  ['an answer that does not come', 'http', () => undefined],
])(
  'a signal ends the wait for %s',
  async (_, protocol, answer) => {
    reply = answer;
    const ended = undiciFetch(address(protocol), { ...init, signal: AbortSignal.timeout(50) });
    await expect(ended).rejects.toThrow('The operation was aborted due to timeout');
  },
  5_000,
);

it('a signal ends a body, and the connection', async () => {
  const closed = new Promise((resolve) => {
    reply = (socket) => {
      socket.once('close', resolve);
      socket.write(`HTTP/1.1 200 OK\r\n${stream}one`);
    };
  });
  const abort = new AbortController();
  const response = await undiciFetch(address(), { ...init, signal: abort.signal });
  abort.abort();
  await expect(response.text()).rejects.toThrow('terminated');
  await closed;
});

it('a reader that stops ends the connection', async () => {
  const closed = new Promise((resolve) => {
    reply = (socket) => {
      socket.once('close', resolve);
      socket.write(`HTTP/1.1 200 OK\r\n${stream}one`);
    };
  });
  const { body } = await undiciFetch(address(), init);
  await body?.cancel();
  await closed;
});

it('nothing listens', async () => {
  await expect(undiciFetch('http://127.0.0.1:1/', init)).rejects.toThrow('fetch failed');
});

it('a connection that the service closes between two requests', async () => {
  const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na';
  for (let count = 0; count < 20; count++) {
    // Closed as soon as it has answered, without having said so.
    expect(await ask((socket) => socket.write(answer, () => socket.end()))).toBe('200 a');
  }
});

describe('TLS that breaks after it was made', () => {
  const record = Buffer.from(`1703030018${'00'.repeat(24)}`, 'hex');
  const answer = `HTTP/1.1 200 OK\r\n${stream}abc`;
  const secure = createSecureServer(localhost, (socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write(answer));
  });
  /** The connection of a server before it, which adds to what it says. */
  let spoiled: Socket | undefined;
  const between = createServer((socket) => {
    const onward = connect((secure.address() as AddressInfo).port, '127.0.0.1');
    for (const one of [socket, onward]) one.on('error', () => undefined);
    socket.pipe(onward).pipe(socket, { end: false });
    spoiled = socket;
  });
  beforeAll(async () => {
    const { getCACertificates, setDefaultCACertificates } = tls;
    setDefaultCACertificates([...getCACertificates(), localhost.cert]);
    for (const one of [secure, between]) await listen(one);
  });
  afterAll(() => {
    secure.close();
    between.close();
  });

  it.each<[string, (socket: Socket) => void]>([
    ['a record that cannot be read', (socket) => socket.write(record)],
    ['such a record, then the end', (socket) => socket.end(record)],
    ['a word that is none', (socket) => socket.write('HTTP/1.1 500 No\r\n\r\n')],
  ])('%s', async (_, spoil) => {
    const response = await undiciFetch(addressOf(between, 'https'), init);
    // The head has come, so whatever is added comes within the body.
    if (spoiled) spoil(spoiled);
    await expect(response.text()).rejects.toThrow('terminated');
  });
});

it('a service that would rather speak HTTP/2 is spoken to in HTTP/1.1', async () => {
  const { getCACertificates, setDefaultCACertificates } = tls;
  setDefaultCACertificates([...getCACertificates(), localhost.cert]);
  const spoken: (string | false | null)[] = [];
  const ALPNProtocols = ['h2', 'http/1.1'];
  const both = createSecureServer({ ...localhost, ALPNProtocols }, (socket) => {
    spoken.push(socket.alpnProtocol);
    socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\n${tight}a`));
  });
  await listen(both);
  expect(await (await undiciFetch(addressOf(both, 'https'), init)).text()).toBe('a');
  expect(spoken).toEqual(['http/1.1']);
  both.close();
});

it('a connection whose last request is still going out is not used for the next', async () => {
  // Of its own, so that no other connection is at hand.
  const deaf = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.pause();
      socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig');
    });
  });
  await listen(deaf);
  const url = addressOf(deaf);
  const large = { ...init, body: 'x'.repeat(8_000_000) };
  expect(await (await undiciFetch(url, large)).text()).toBe('big');
  await sleep(SETTLE_MS);
  expect(await (await undiciFetch(url, init)).text()).toBe('big');
  deaf.close();
}, 5_000);

it('a request that is given up opens no other connection', async () => {
  reply = () => undefined;
  const before = sockets.size;
  const calls = Array.from({ length: 10 }, () =>
    undiciFetch(address(), { ...init, signal: AbortSignal.timeout(50) }).catch(() => undefined),
  );
  await Promise.all(calls);
  await sleep(3 * SETTLE_MS);
  expect(sockets.size - before).toBeLessThanOrEqual(10);
});

it('a header that cannot be sent', async () => {
  const headers = { authorization: 'Bearer ключ' };
  await expect(undiciFetch(address(), { ...init, headers })).rejects.toThrow('fetch failed');
});

it('a tap that throws fails its own request', async () => {
  reply = (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\n${stream}one`);
    setTimeout(() => socket.write('two'), SETTLE_MS);
  };
  const tap = listeningTap();
  const { push } = tap;
  tap.push = (bytes) => {
    if (Buffer.from(bytes).toString() === 'two') throw new Error('of the tap');
    push(bytes);
  };
  await expect(undiciFetch(address(), init, tap)).rejects.toThrow('of the tap');
});

it.each([
  ['Node', undiciFetch],
  ['a runtime’s own fetch', networkBy(fetch)],
])('a redirect is not followed by the network of %s', async (_, network) => {
  const redirect = `HTTP/1.1 307 There\r\nLocation: ${address()}\r\n${tight}`;
  let count = 0;
  reply = (socket) => void (count++, socket.end(redirect));
  expect((await network(address(), init)).status).toBe(307);
  expect(count).toBe(1);
});

it.each([
  ['as long as asked', 10_000, '', 1],
  ['no longer than asked', 30, '', 2],
  ['as long as the service says', 30, 'Keep-Alive: timeout=5\r\n', 1],
  ['not at all when the service is about to close it', 10_000, 'Keep-Alive: timeout=1\r\n', 2],
])('an idle connection is kept %s', async (_, idleMs, hint, connections) => {
  let count = 0;
  const own = createServer((socket) => {
    sockets.add(socket);
    count++;
    const answer = `HTTP/1.1 200 OK\r\n${hint}Content-Length: 1\r\n\r\na`;
    socket.on('error', () => undefined).on('data', () => socket.write(answer));
  });
  await listen(own);
  const url = addressOf(own);
  const network = createUndiciFetch(idleMs);
  expect(await (await network(url, init)).text()).toBe('a');
  await sleep(10 * SETTLE_MS);
  expect(await (await network(url, init)).text()).toBe('a');
  expect(count).toBe(connections);
  own.close();
});
