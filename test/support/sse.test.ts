import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventSourceLike } from './event-source.ts';
import { request } from './http.ts';
import { SseParser, openStream, type SseComment, type SseEvent } from './sse.ts';

function parse(bytes: Buffer, step = bytes.length) {
  const events: SseEvent[] = [];
  const comments: SseComment[] = [];
  const parser = new SseParser(
    (event) => events.push(event),
    (comment) => comments.push(comment),
  );
  for (let at = 0; at < bytes.length; at += step) parser.push(bytes.subarray(at, at + step));
  return { events, comments, parser };
}

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  // A TCP server's address is always an object; only pipes have a string.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('SseParser', () => {
  const text =
    '\uFEFF: hello\r\nevent: a\rdata: one\ndata:two\r\n\r\n' +
    'id: 1\n\n' +
    'data\n\n' +
    'data:  é🦐\nid: x\0y\nretry: 12\nretry: 1s\nignored: z\n\n' +
    'event: nothing\n\n' +
    'id\ndata: cleared\r\r' +
    'data: never ended\n';

  it.each([1, 2, 3, 5, 1000])('follows the standard, in pieces of %i bytes', (step) => {
    const { events, comments, parser } = parse(Buffer.from(text), step);
    expect(events.map(({ type, data, id, hasOwnId }) => [type, data, id, hasOwnId])).toEqual([
      ['a', 'one\ntwo', '', false],
      ['message', '', '1', false],
      ['message', ' é🦐', '1', false],
      ['message', 'cleared', '', true],
    ]);
    expect(comments.map((comment) => comment.text)).toEqual([' hello']);
    expect(parser).toMatchObject({ lastEventId: '', retryMs: 12, hasInvalidUtf8: false });
  });

  it('notes where each event ended', () => {
    const { events } = parse(Buffer.from('data: é\n\ndata: b\r\n\r\n'));
    expect(events.map((event) => event.offset)).toEqual([10, 20]);
  });

  it('notices what is no UTF-8', () => {
    const { parser } = parse(Buffer.concat([Buffer.from('data: '), Buffer.from([0xff, 0x0a])]));
    expect(parser.hasInvalidUtf8).toBe(true);
    expect(parse(Buffer.from('data: \uFFFD\n\n')).parser.hasInvalidUtf8).toBe(false);
  });
});

describe('openStream', () => {
  it('reads to the end, and tells a cut from an end', async () => {
    const url = await serve((incoming, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 1\n\ndata: 2\n\n', () => {
        if (incoming.url === '/cut') response.destroy();
        else response.end(': bye\n');
      });
    });
    const stream = await openStream(url);
    expect((await stream.next()).data).toBe('1');
    expect(await stream.collect()).toMatchObject({
      ended: 'end',
      events: [{ data: '1' }, { data: '2' }],
    });
    const all: string[] = [];
    for await (const event of stream) all.push(event.data);
    expect(all).toEqual(['1', '2']);
    expect(stream.comments).toHaveLength(1);
    await expect(stream.next('other')).rejects.toThrow('ended');
    expect((await (await openStream(`${url}/cut`)).collect()).ended).toBe('cut');
  });

  it('drops the connection for real', async () => {
    const gone = Promise.withResolvers<void>();
    const url = await serve((_incoming, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
      response.on('close', gone.resolve);
    });
    const stream = await openStream(url, { json: { a: 1 } });
    await stream.next();
    stream.close();
    await gone.promise;
    expect((await stream.collect()).ended).toBe('cut');
  });
});

describe('eventSourceLike', () => {
  it('reconnects with the last id and stops at 204', async () => {
    const url = await serve((incoming, response) => {
      const last = Number(incoming.headers['last-event-id'] ?? 0);
      if (last >= 3) return void response.writeHead(204).end();
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`retry: 1\nid: ${last + 1}\ndata: n${last + 1}\n\n`, () => response.destroy());
    });
    const source = eventSourceLike(url);
    expect(await source.done).toBe('http-status');
    expect(source.events.map((event) => event.data)).toEqual(['n1', 'n2', 'n3']);
    expect(source.connections.map((connection) => connection.sentLastEventId)).toEqual([
      '',
      '1',
      '2',
      '3',
    ]);
  });

  it('does not reconnect to what is no event stream, but does to nothing at all', async () => {
    const page = await serve((_incoming, response) => void response.end('hello'));
    expect(await eventSourceLike(page).done).toBe('content-type');
    const nobody = eventSourceLike('http://127.0.0.1:9', { mostConnections: 3, retryMs: 1 });
    expect(await nobody.done).toBe('too-many-connections');
  });
});

describe('request', () => {
  it('sends duplicate headers, any host and chunked bodies', async () => {
    const url = await serve((incoming, response) => {
      let body = '';
      incoming.setEncoding('utf8').on('data', (text: string) => (body += text));
      incoming.on('end', () => {
        const { method, rawHeaders: raw } = incoming;
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ method, raw, body }));
      });
    });
    type Seen = { method: string; raw: string[]; body: string };
    const plain = await request<Seen>(url);
    expect(plain.json.method).toBe('GET');
    const json = await request<Seen>(url, { json: { a: 'é' }, headers: { host: 'evil.example' } });
    expect(json.json.raw).toEqual(
      expect.arrayContaining(['evil.example', 'application/json', '10']),
    );
    expect(json.json).toMatchObject({ method: 'POST', body: '{"a":"é"}' });
    const chunked = await request<Seen>(url, {
      rawBody: ['a', 'b'],
      headers: [
        ['x-twice', '1'],
        ['x-twice', '2'],
      ],
    });
    expect(chunked.json.raw.filter((value) => value === 'x-twice')).toHaveLength(2);
    expect(chunked.json.raw).toContain('chunked');
    expect(chunked.json.body).toBe('ab');
  });
});
