/**
 * A proxy in front of a libSQL server. It records and counts requests, and makes chosen ones fail
 * in named ways.
 */
import { once } from 'node:events';
import {
  Agent,
  createServer,
  request as forwardRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { readStatements, sqlErrorAnswer, type Statement } from './database-statements.ts';
import { asRecord, asText, parseJson } from './json.ts';

/** Errors that the database itself returns with status 200, in the words of sqld and Turso. */
const sqlErrors = {
  busy: { code: 'SQLITE_BUSY', message: 'SQLite error: database is locked' },
  readonly: {
    code: 'SQLITE_READONLY',
    message: 'SQLite error: attempt to write a readonly database',
  },
  full: { code: 'SQLITE_FULL', message: 'SQLite error: database or disk is full' },
  'io-error': { code: 'SQLITE_IOERR', message: 'SQLite error: disk I/O error' },
  blocked: { code: 'BLOCKED', message: 'SQL write operations are forbidden (quota exceeded)' },
};

const expired = { code: 'STREAM_EXPIRED', message: 'The stream has expired due to inactivity' };

/**
 * `refuse`: the connection is reset, nothing was executed; `cut-before`: closed instead;
 * `cut-after`: executed, the answer is lost; `cut-middle`: executed, half the answer arrives;
 * `hang` / `hang-after`: not executed / executed, and never answered; a number: that HTTP status
 * with an HTML page, not executed; `stream-expired`: 400 with that code; the rest: an SQL error.
 */
export type DatabaseFailure =
  | 'refuse'
  | 'cut-before'
  | 'cut-after'
  | 'cut-middle'
  | 'hang'
  | 'hang-after'
  | '500'
  | '502'
  | '429'
  | '401'
  | 'stream-expired'
  | keyof typeof sqlErrors;

export interface DatabaseRequest {
  /** The number of this POST since the last reset, from 1; 0 for other methods. */
  number: number;
  /** Milliseconds since 1970. */
  at: number;
  method: string;
  path: string;
  /** True if it continues a stream that the server has opened before. */
  isOnKeptStream: boolean;
  statements: Statement[];
  failedWith: DatabaseFailure | undefined;
  /** The status of the answer; undefined while it is under way or when there was none. */
  status: number | undefined;
  /** Milliseconds from the request to the end of its answer. */
  duration: number | undefined;
}

type Selector = number | ((request: DatabaseRequest) => boolean);

export interface DatabaseProxy {
  url: string;
  /** Oldest first, since the last reset. */
  log: DatabaseRequest[];
  /** Counts the POST requests since the last reset that fit. */
  count(fits?: (request: DatabaseRequest) => boolean): number;
  /** Forgets the log, the failures, the delay and what is to be held. */
  reset(): void;
  /**
   * Fails the k-th POST from the last reset on (from 1), or all that fit. Returns a function that
   * undoes it.
   */
  fail(which: Selector, how: DatabaseFailure): () => void;
  /** Delays every POST (that fits) by so many milliseconds. */
  delay(ms: number, fits?: (request: DatabaseRequest) => boolean): void;
  /** Keeps back every POST that fits, until the function that it returns is called. */
  hold(fits: (request: DatabaseRequest) => boolean): () => void;
  /** Stops listening and drops all connections. */
  down(): Promise<void>;
  /** Listens again on the same port. */
  up(): Promise<void>;
  close(): Promise<void>;
}

interface State {
  target: URL;
  agent: Agent;
  log: DatabaseRequest[];
  failures: { which: Selector; how: DatabaseFailure }[];
  delay: { ms: number; fits: (request: DatabaseRequest) => boolean };
  hold: { fits: (request: DatabaseRequest) => boolean; released: Promise<void> };
}

/** Starts a proxy on a free port of 127.0.0.1 in front of an `http://` libSQL server. */
export async function startDatabaseProxy(targetUrl: string): Promise<DatabaseProxy> {
  const noDelay = { ms: 0, fits: () => true };
  const noHold = { fits: () => false, released: Promise.resolve() };
  const state: State = {
    target: new URL(targetUrl),
    agent: new Agent({ keepAlive: true }),
    log: [],
    failures: [],
    delay: noDelay,
    hold: noHold,
  };
  const server = createServer((request, response) => {
    handle(state, request, response).catch(() => response.destroy());
  });
  // Longer than a test takes: on a busy machine the end of an idle connection meets a request.
  server.keepAliveTimeout = 300_000;
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  await listen(0);
  // A TCP server's address is always an object; only pipes have a string.
  const { port } = server.address() as AddressInfo;
  const down = async () => {
    server.closeAllConnections();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  return {
    url: `http://127.0.0.1:${port}`,
    log: state.log,
    count: (fits = () => true) =>
      state.log.filter((entry) => entry.number > 0 && fits(entry)).length,
    reset() {
      state.log.length = 0;
      state.failures = [];
      state.delay = noDelay;
      state.hold = noHold;
    },
    fail(which, how) {
      const failure = { which, how };
      state.failures.push(failure);
      return () => {
        state.failures = state.failures.filter((other) => other !== failure);
      };
    },
    delay(ms, fits = () => true) {
      state.delay = { ms, fits };
    },
    hold(fits) {
      const { promise: released, resolve } = Promise.withResolvers<void>();
      state.hold = { fits, released };
      return resolve;
    },
    down,
    up: () => listen(port),
    async close() {
      await down();
      state.agent.destroy();
    },
  };
}

async function handle(state: State, request: IncomingMessage, response: ServerResponse) {
  const parts: Buffer[] = [];
  // Node's request is an async iterable of Buffers as long as no encoding is set.
  for await (const part of request) parts.push(part as Buffer);
  const body = Buffer.concat(parts);
  const entry = logRequest(state, request, body);
  const { number } = entry;
  response.on('close', () => (entry.duration = Date.now() - entry.at));
  const failure = state.failures.find(({ which }) =>
    typeof which === 'number' ? number === which : number > 0 && which(entry),
  );
  if (number > 0 && state.delay.ms > 0 && state.delay.fits(entry)) await sleep(state.delay.ms);
  if (number > 0 && state.hold.fits(entry)) await state.hold.released;
  const forward = () =>
    passOn(state, { method: entry.method, path: entry.path, headers: request.headers, body });
  const reply: Reply = ({ status, headers, body: answer }) => {
    entry.status = status;
    response.writeHead(status, headers).end(answer);
  };
  if (failure === undefined) return reply(await forward());
  entry.failedWith = failure.how;
  await failRequest({ how: failure.how, body, response, forward, reply });
}

function logRequest(state: State, request: IncomingMessage, body: Buffer): DatabaseRequest {
  const isPost = request.method === 'POST';
  const content = parseJson(body.toString());
  const entry: DatabaseRequest = {
    number: isPost ? state.log.filter((other) => other.number > 0).length + 1 : 0,
    at: Date.now(),
    method: request.method ?? '',
    path: request.url ?? '',
    isOnKeptStream: asText(asRecord(content)['baton']) !== '',
    statements: readStatements(content),
    failedWith: undefined,
    status: undefined,
    duration: undefined,
  };
  state.log.push(entry);
  return entry;
}

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer | string;
}
type Reply = (answer: Answer) => void;

async function failRequest({
  how,
  body,
  response,
  forward,
  reply,
}: {
  how: DatabaseFailure;
  body: Buffer;
  response: ServerResponse;
  forward: () => Promise<Answer>;
  reply: Reply;
}): Promise<void> {
  const json = (status: number, text: string) =>
    reply({ status, headers: { 'content-type': 'application/json' }, body: text });
  switch (how) {
    case 'refuse':
      response.socket?.resetAndDestroy();
      return;
    case 'cut-before':
      response.socket?.destroy();
      return;
    case 'cut-after':
      await forward();
      response.socket?.destroy();
      return;
    case 'cut-middle':
      return cutInTheMiddle(response, await forward());
    case 'hang':
      return;
    case 'hang-after':
      await forward();
      return;
    case '401':
    case '429':
    case '500':
    case '502': {
      const page = '<html><body><h1>The database is unwell</h1></body></html>';
      return reply({ status: Number(how), headers: { 'content-type': 'text/html' }, body: page });
    }
    case 'stream-expired':
      return json(400, JSON.stringify(expired));
    default:
      return json(200, sqlErrorAnswer(parseJson(body.toString()), sqlErrors[how]));
  }
}

function cutInTheMiddle(response: ServerResponse, answer: Answer): void {
  const half = Buffer.from(answer.body).subarray(0, Math.floor(answer.body.length / 2));
  response.writeHead(answer.status, answer.headers);
  response.write(half, () => response.socket?.destroy());
}

async function passOn(
  { target, agent }: State,
  sent: { method: string; path: string; headers: IncomingHttpHeaders; body: Buffer },
): Promise<Answer> {
  const { method, path, headers, body } = sent;
  const onward = forwardRequest({
    agent,
    host: target.hostname,
    port: target.port,
    method,
    path,
    headers: { ...headers, host: target.host, 'content-length': String(body.length) },
  });
  delete headers['transfer-encoding'];
  onward.end(body);
  const [response] = (await once(onward, 'response')) as [IncomingMessage];
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  const answer = Buffer.concat(parts);
  const kept = { ...response.headers, 'content-length': String(answer.length) };
  delete kept['transfer-encoding'];
  return { status: response.statusCode ?? 502, headers: kept, body: answer };
}
