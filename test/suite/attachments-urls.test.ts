/** Files that are given by their addresses: what is fetched, and what never is. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { request, type Answer } from '../support/http.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import type { Answered } from './attachments-client.ts';
import { png, wav, type FileJson } from './files-client.ts';
import { aProblem } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';

const target = suiteTarget();
const image = png();
const asked: string[] = [];
let site: Server;
let host: string;
let upstream: Upstream;
let server: TestServer;

/** What the site answers to each path; an answer that never ends is ended by whoever asks. */
const PATHS: Record<string, (response: ServerResponse, request: IncomingMessage) => void> = {
  '/valve%20blue.png': (response) => response.end(image),
  '/lying.txt': (response) => response.setHeader('content-type', 'text/html').end(wav()),
  '/notes.txt': (response) =>
    response.setHeader('content-type', 'text/plain').end('Valves are blue.'),
  '/within': (response) => response.writeHead(302, { location: '/valve%20blue.png' }).end(),
  '/loop': (response) => response.writeHead(302, { location: '/loop' }).end(),
  '/to-private': (response) => response.writeHead(302, { location: 'http://10.0.0.1/x.png' }).end(),
  '/to-metadata': (response) =>
    response.writeHead(307, { location: 'http://169.254.169.254/latest/meta-data' }).end(),
  '/to-file': (response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
  '/to-port': (response) =>
    response.writeHead(302, { location: `http://${host.replace(/:\d+$/u, ':22')}/` }).end(),
  '/to-name': (response) => response.writeHead(301, { location: 'http://localhost/x.png' }).end(),
  '/nothing': (response) => response.writeHead(404).end('no'),
  '/empty': (response) => response.end(),
  '/broken': (response) => response.writeHead(500).end('no'),
  '/cut': (response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write(image, () => response.destroy());
  },
  '/large': (response) => response.writeHead(200, { 'content-length': String(2 ** 30) }).end(image),
  '/endless': (response) => {
    const piece = Buffer.concat([image, Buffer.alloc(256 * 1024)]);
    const more = () => {
      while (response.write(piece));
      response.once('drain', more);
    };
    more();
  },
  '/program': (response) => response.end(Buffer.from('\x7fELF\x02\x01\x01\0', 'latin1')),
  '/packed': (response) => response.setHeader('content-encoding', 'br').end(image),
};

beforeAll(async () => {
  site = createServer((incoming, response) => {
    asked.push(incoming.url ?? '');
    response.on('error', () => undefined);
    const [path = ''] = (incoming.url ?? '').split('?');
    PATHS[path]?.(response, incoming);
  });
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  // Of a server that listens on a port.
  host = `127.0.0.1:${(site.address() as AddressInfo).port}`;
  upstream = await startUpstream();
  server = await startServer({
    runtime: target.runtime,
    env: { ...upstream.env, ATTACHMENT_HOSTS: host, DEFAULT_MODEL: 'offline' },
  });
}, 200_000);
afterAll(async () => {
  site.closeAllConnections();
  site.close();
  await server.close();
  await upstream.close();
});

/** The paths that were asked for and that hold a mark. */
function askedFor(mark: string): string[] {
  return asked.filter((path) => path.includes(mark));
}

interface Said {
  user_id: string;
  answer: Answer<Answered>;
}

async function attach(url: string, fields: object = {}, base = server.url): Promise<Said> {
  const user_id = unique('user');
  const answer = await request<Answered>(`${base}/conversations`, {
    json: { user_id, message: 'Look', attachments: [{ url }], model: 'offline', ...fields },
    timeoutMs: 60_000,
  });
  return { user_id, answer };
}

async function filesOf(user_id: string, base = server.url): Promise<FileJson[]> {
  const { json } = await request<FileJson[]>(`${base}/files?user_id=${user_id}`);
  return json;
}

describe.concurrent('an address of a file', () => {
  it('is fetched once, and the file is kept with the message', async () => {
    const name = unique('gpt-4o-');
    upstream.script(name, { tokens: ['A ', 'valve'] });
    const mark = unique('once');
    const url = `http://${host}/valve%20blue.png?${mark}`;
    const { user_id, answer } = await attach(url, { model: `openai/${name}` });
    expect(answer.status, answer.text).toBe(200);
    expect(askedFor(mark)).toEqual([`/valve%20blue.png?${mark}`]);
    const [file] = await filesOf(user_id);
    expect(file).toMatchObject({ name: 'valve blue.png', mime_type: 'image/png' });
    const path = `/conversations/${answer.json.conversation_id}/messages`;
    const messages = await request<Answered['messages']>(server.url + path);
    expect(messages.json[0]?.attachments).toMatchObject([{ file_id: file?.file_id, url }]);
    await request(server.url + path, { json: { message: 'Again' } });
    expect(askedFor(mark)).toHaveLength(1);
    const bodies = upstream.requests.filter(({ model }) => model === name);
    expect(bodies).toHaveLength(2);
    for (const { body } of bodies)
      expect(JSON.stringify(body)).toContain(`data:image/png;base64,${image.toString('base64')}`);
  });

  it('may redirect within its host', async () => {
    const { user_id, answer } = await attach(`http://${host}/within`, { model: 'offline' });
    // The offline model sees nothing: the file was fetched all the same, and is not kept.
    expect(answer.json).toMatchObject(aProblem(400, 'unsupported_parameter'));
    expect(answer.json.detail).toContain('valve blue.png');
    expect(await filesOf(user_id)).toEqual([]);
  });

  it('is read as a text by a model that reads nothing else', async () => {
    const { answer } = await attach(`http://${host}/notes.txt`);
    expect(answer.status, answer.text).toBe(200);
  });

  it('is not fetched again for a request that is repeated', async () => {
    const headers = { 'idempotency-key': unique('key') };
    const json = {
      ...{ user_id: unique('user'), message: 'Look', model: 'offline' },
      attachments: [{ url: `http://${host}/notes.txt?${headers['idempotency-key']}` }],
    };
    const first = await request<Answered>(`${server.url}/conversations`, { json, headers });
    const again = await request<Answered>(`${server.url}/conversations`, { json, headers });
    expect(again.json.turn_id).toBe(first.json.turn_id);
    expect(askedFor(headers['idempotency-key'])).toHaveLength(1);
    expect(await filesOf(json.user_id)).toHaveLength(1);
  });
});

describe.concurrent('nothing is kept of', () => {
  it.each<[string, string, [number, string], RegExp]>([
    ['a redirect to a private address', '/to-private', [400, 'invalid_request'], /another host/u],
    ['a redirect to metadata', '/to-metadata', [400, 'invalid_request'], /another host/u],
    ['a redirect to a file', '/to-file', [400, 'invalid_request'], /another host/u],
    ['a redirect to another port', '/to-port', [400, 'invalid_request'], /port/u],
    ['a redirect to a name of this machine', '/to-name', [400, 'invalid_request'], /another host/u],
    ['redirects without an end', '/loop', [400, 'invalid_request'], /too often/u],
    ['what is not there', '/nothing', [400, 'invalid_request'], /answered 404/u],
    ['a site that fails', '/broken', [400, 'invalid_request'], /answered 500/u],
    ['nothing', '/empty', [400, 'invalid_request'], /empty/u],
    ['an answer that is cut', '/cut', [400, 'invalid_request'], /answers/u],
    ['what says that it is large', '/large', [413, 'payload_too_large'], /bytes/u],
    ['what has no end', '/endless', [413, 'payload_too_large'], /bytes/u],
    ['a program', '/program', [415, 'unsupported_media_type'], /program/u],
    [
      'audio that is said to be a page',
      '/lying.txt',
      [400, 'unsupported_parameter'],
      /audio\/wav/u,
    ],
    ['an answer that is packed', '/packed', [400, 'invalid_request'], /compressed|answers/u],
  ])('%s', async (_, path, [status, code], detail) => {
    const { user_id, answer } = await attach(`http://${host}${path}`);
    expect(answer.json, answer.text).toMatchObject(aProblem(status, code));
    expect(answer.json.detail).toMatch(detail);
    expect(await filesOf(user_id)).toEqual([]);
    const list = await request(`${server.url}/conversations?user_id=${user_id}`);
    expect(list.json).toEqual([]);
  });
});

describe.concurrent('no address is asked that is not public', () => {
  // All the forms of them are in `test/unit/documents/fetch-file.test.ts`.
  it.each([
    ...['http://2130706433/', 'http://①②⑦.⓪.⓪.①/', 'http://169.254.169.254/latest/meta-data/'],
    ...['http://[::ffff:127.0.0.1]/', 'http://[64:ff9b::7f00:1]/', 'http://localhost./'],
    ...['http://metadata.google.internal/', 'http://nothing.invalid/', 'file:///etc/passwd'],
    ...['http://example.com:22/', 'http://user@example.com/', ''],
  ])('%s', async (url) => {
    const { user_id, answer } = await attach(url, {}, target.url);
    expect(answer.json, answer.text).toMatchObject(aProblem(400, 'invalid_request'));
    expect(answer.text).not.toMatch(/ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|fetch failed/u);
    expect(await filesOf(user_id, target.url)).toEqual([]);
  });

  it('even where another port of the same machine may be asked', async () => {
    const [, port] = host.split(':');
    for (const other of [
      `http://127.0.0.2:${port}/`,
      `http://localhost:${port}/`,
      'http://127.0.0.1/',
    ]) {
      const { answer } = await attach(other);
      expect(answer.json).toMatchObject(aProblem(400, 'invalid_request'));
    }
  });
});
