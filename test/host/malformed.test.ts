/**
 * What Node refuses before any door, or before it has come whole: it is answered like any other
 * mistake, and harms nobody else.
 */
import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { asRecord, parseJson } from '../support/json.ts';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => (server = await startServer()));
afterAll(() => server.close());

/** All that the server says to these bytes until it closes the connection. */
async function send(bytes: string): Promise<string> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
  socket.on('error', () => undefined);
  socket.write(bytes);
  await once(socket, 'close');
  return answer;
}

it('tells a client that writes its method in small letters how it is written', async () => {
  const answer = await fetch(`${server.url}/chats/x`, { method: 'patch', body: '{}' });
  const problem: unknown = await answer.json();
  expect(problem).toMatchObject({ status: 400, code: 'invalid_request' });
  expect(problem).toHaveProperty('detail', expect.stringContaining('such as PATCH'));
});

it.each([
  ['no HTTP', 'hello there\r\n\r\n', 400, 'invalid_request'],
  [
    'a header that is none',
    'GET /health HTTP/1.1\r\nHost: localhost\r\nbad header\r\n\r\n',
    400,
    'invalid_request',
  ],
  [
    'two lengths',
    'POST /chats HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    400,
    'invalid_request',
  ],
  [
    'headers without end',
    `GET /health HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'x'.repeat(100_000)}\r\n\r\n`,
    431,
    'payload_too_large',
  ],
])('%s', async (_, bytes, status, code) => {
  const answer = await send(bytes);
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `, 'u'));
  expect(head).toContain('Content-Type: application/problem+json');
  const problem = asRecord(parseJson(body));
  expect(problem).toMatchObject({ status, code });
  expect(head).toContain(`X-Request-Id: ${String(problem['instance'])}`);
  expect((await request(`${server.url}/health`)).status).toBe(200);
});

it.each([
  ['with its length', 3_000_000, false],
  ['that is just over the limit', 1_600_000, false],
  ['in pieces', 3_000_000, true],
])('keeps the connection on which a body %s was refused', async (_, length, isInPieces) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const body = JSON.stringify({ user_id: 'u', title: 'x'.repeat(length) });
  const ask = async (method: string, path: string, sent: string) => {
    const asked = httpRequest(`${server.url}${path}`, {
      agent,
      method,
      headers: {
        'content-type': 'application/json',
        ...(!isInPieces && { 'content-length': sent.length }),
      },
    });
    asked.end(sent);
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    await once(answer.resume(), 'end');
    return { status: answer.statusCode, isReused: asked.reusedSocket };
  };
  try {
    expect(await ask('POST', '/chats', body)).toMatchObject({ status: 413 });
    expect(await ask('GET', '/health', '')).toEqual({ status: 200, isReused: true });
  } finally {
    agent.destroy();
  }
});

it('tells a client that goes on sending why it is refused', async () => {
  for (let round = 0; round < 20; round += 1) {
    // On a connection that is to be closed after the answer.
    const answer = await request(`${server.url}/chats`, { json: { title: 'x'.repeat(6_000_000) } });
    expect(answer).toMatchObject({ status: 413, json: { code: 'payload_too_large' } });
  }
});

it('does not listen for ever to one that never ends', async () => {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  // What is still sent when the server has closed is answered by a reset.
  socket.on('error', () => undefined);
  const closed = new Promise((resolve) => socket.on('close', resolve));
  socket.write(
    'POST /chats HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n',
  );
  const sending = setInterval(() => socket.write('x'.repeat(1_000)), 100);
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
  await closed;
  clearInterval(sending);
  expect(answer).toMatch(/^HTTP\/1\.1 413 /u);
});
