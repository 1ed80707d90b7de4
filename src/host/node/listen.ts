/** Opens the HTTP server of Node, and puts the app behind it. */
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
} from 'node:http';
import { createAdaptorServer, type Http2Bindings, type HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { WebSocketServer } from 'ws';
import { createApp } from '../../app.ts';
import { ConfigError, type Config } from '../../config.ts';
import type { Dependencies } from '../../routes/shared/dependencies.ts';
import type { LocalTurnService } from '../../turns/local-turn-service.ts';
import { addressOf } from '../run-main.ts';
import { drainRequest } from './drain-request.ts';
import { followFastPath } from './follow-fast-path.ts';
import { keepHalfOpen } from './half-open.ts';
import { answerParseError } from './parse-errors.ts';
import type { Readiness } from './readiness.ts';
import { RequestPacing } from './tuning/request-pacing.ts';

/**
 * The largest WebSocket frame, in bytes, that is read in order to answer that it is too long; a
 * larger one ends the connection.
 */
const LARGEST_FRAME = 16 * 1024 * 1024;
/**
 * The largest address with headers, in bytes: a message may be sent in the address, and can be
 * long.
 */
const LARGEST_HEAD = 64 * 1024;
/**
 * The time for a request's head, and for all of it, in milliseconds: whoever sends slower than that
 * only holds connections.
 */
const HEAD_LIMIT_MS = 10_000;
const REQUEST_LIMIT_MS = 120_000;
/** The interval at which these limits are checked, in milliseconds. */
const LIMIT_CHECK_MS = 2_000;
/** The most connections that wait while the process is busy; the system may allow fewer. */
const BACKLOG = 4096;
/**
 * The time for which a connection may be idle, in milliseconds. It is longer than that of common
 * load balancers: if we close a connection just as a request arrives on it, the request is lost.
 */
const KEPT_ALIVE_MS = 75_000;

/** The dependencies and settings that the server answers from. */
interface Answering {
  dependencies: Dependencies;
  /** The turns of this process, past any service around them. */
  turns: LocalTurnService;
  readiness: Readiness;
}

/**
 * Listens where the settings say.
 * @returns the server, once it listens
 * @throws ConfigError when it cannot
 */
export function listen(answering: Answering): Promise<Server> {
  const { HOST, PORT } = answering.dependencies.config;
  const server = createServer(answering);
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(new ConfigError(`cannot listen on ${HOST}:${PORT}: ${error.message}`)),
    );
    server.listen({ host: HOST, port: PORT, backlog: BACKLOG }, () => {
      resolve(server);
    });
  });
}

/** Returns the address at which a server that listens is reached. */
export function addressOfServer(server: Server, { HOST, PORT }: Config): string {
  const address = server.address();
  return addressOf(HOST, typeof address === 'object' && address ? address.port : PORT);
}

function createServer({ dependencies, turns, readiness }: Answering): Server {
  const { HOST, TURN_TIMEOUT_MS, KEEP_ALIVE_MS } = dependencies.config;
  const starts = new RequestPacing();
  const mayBegin = () => !readiness.isStopping && starts.enterLight();
  const withFastPath = (options: ServerOptions, next: RequestListener) =>
    createHttpServer(options, followFastPath({ ...dependencies, turns, mayBegin }, next));
  const server = createAdaptorServer({
    fetch: fetchOf(dependencies, readiness, starts),
    createServer: withFastPath as typeof createHttpServer,
    hostname: HOST,
    // The adapter's own cleanup ends the connection after half a second.
    autoCleanupIncoming: false,
    // The client's offer of another protocol (such as HTTP/2 without TLS) may be ignored, and is:
    // the request is answered over HTTP/1.1.
    serverOptions: {
      maxHeaderSize: LARGEST_HEAD,
      shouldUpgradeCallback: isWebSocket,
      headersTimeout: HEAD_LIMIT_MS,
      requestTimeout: REQUEST_LIMIT_MS,
      connectionsCheckingInterval: LIMIT_CHECK_MS,
    },
    websocket: { server: new WebSocketServer({ noServer: true, maxPayload: LARGEST_FRAME }) },
  }) as Server;
  server.keepAliveTimeout = KEPT_ALIVE_MS;
  // A connection that is silent for longer than any turn lasts is no longer in use.
  server.setTimeout(2 * TURN_TIMEOUT_MS + 4 * KEEP_ALIVE_MS);
  keepHalfOpen(server);
  server.on('clientError', answerParseError);
  return server;
}

/** Returns the function by which the adapter has requests answered. */
function fetchOf(dependencies: Dependencies, readiness: Readiness, starts: RequestPacing) {
  const app = createApp(() => dependencies);
  return async (request: Request, bindings: HttpBindings | Http2Bindings) => {
    await starts.enter();
    if (readiness.isStopping) closeAfterResponse(bindings);
    const response = await app.fetch(request, bindings);
    // `sendTurn` writes turns past the adapter.
    if (isSent(bindings)) return RESPONSE_ALREADY_SENT;
    drainRequest(bindings);
    return response;
  };
}

/**
 * Returns true for a handshake of a WebSocket route. Offers on other routes are ignored too,
 * since the adapter sends no body in answer to a handshake.
 */
function isWebSocket({ method, url, headers }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    /^[^?]*(?:\/ws\/|\/v1\/responses\/*(?:\?|$))/.test(url ?? '')
  );
}

/**
 * Returns true when the response was already sent. A handshake has no `outgoing`, though the
 * adapter's type says so.
 */
function isSent({ outgoing }: Partial<HttpBindings | Http2Bindings>): boolean {
  return outgoing?.headersSent === true;
}

/**
 * Ends the connection with its response, so that the proxy opens its next one elsewhere. A
 * handshake has no `outgoing`, and HTTP/2 is not spoken here.
 */
function closeAfterResponse({ outgoing }: Partial<HttpBindings | Http2Bindings>): void {
  if (outgoing && 'shouldKeepAlive' in outgoing) outgoing.shouldKeepAlive = false;
}
