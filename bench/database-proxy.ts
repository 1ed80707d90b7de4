/**
 * A proxy for `sqld` in its own process. It counts requests, with their times on the shared clock,
 * and can delay each one, like a remote database.
 */
import { Agent, createServer, request } from 'node:http';
import { sharedClock } from './answer.ts';

/**
 * `open` sets the database's port and starts listening; `delay` sets the round trip; `report`
 * empties the log.
 */
export type ProxyQuestion =
  | { kind: 'open'; port: number }
  | { kind: 'delay'; ms: number }
  | { kind: 'report' };
export type ProxyAnswer = { port: number; requests: DatabaseRequest[] };
export type DatabaseRequest = { arrivedAt: number; endedAt: number; path: string };

const agent = new Agent({ keepAlive: true });
let databasePort = 0;
let delayMs = 0;
let requests: DatabaseRequest[] = [];

const server = createServer((incoming, outgoing) => {
  const entry = { arrivedAt: sharedClock(), endedAt: Number.NaN, path: incoming.url ?? '' };
  requests.push(entry);
  const body: Buffer[] = [];
  incoming.on('data', (data: Buffer) => body.push(data));
  incoming.on('end', () => (delayMs > 0 ? setTimeout(forward, delayMs) : forward()));
  const { host: _, 'transfer-encoding': __, ...headers } = incoming.headers;
  const forward = (): void => {
    const whole = Buffer.concat(body);
    const target = {
      agent,
      host: '127.0.0.1',
      port: databasePort,
      path: incoming.url,
      method: incoming.method,
    };
    const onward = request(
      { ...target, headers: { ...headers, 'content-length': whole.length } },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
        answer.on('end', () => (entry.endedAt = sharedClock()));
      },
    );
    onward.on('error', () => outgoing.destroy());
    onward.end(whole);
  };
});
server.keepAliveTimeout = 120_000;

function reply(): void {
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  process.send?.({ port, requests } satisfies ProxyAnswer);
  requests = [];
}

process.on('message', (question: ProxyQuestion) => {
  if (question.kind === 'delay') delayMs = question.ms;
  if (question.kind !== 'open') return reply();
  databasePort = question.port;
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, reply);
});
process.on('disconnect', () => process.exit(0));
