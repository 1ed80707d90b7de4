/** `npm start`: runs the server on Node. */
import type { IncomingMessage, Server } from 'node:http';
import { createAdaptorServer, type Http2Bindings, type HttpBindings } from '@hono/node-server';
import { WebSocketServer } from 'ws';
import { createApp } from '../../app.ts';
import { ConfigError, parseConfig, type Config } from '../../config.ts';
import { isLoopback } from '../../core/loopback.ts';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { ActionDependencies } from '../../actions/context.ts';
import { resumeErasures } from '../../actions/erase-user.ts';
import { forgetLeftBehind } from '../../actions/forget-left-behind.ts';
import type { Dependencies } from '../../routes/shared/dependencies.ts';
import { createRetriever } from '../../search/retrieve.ts';
import { drainRequest } from './drain-request.ts';
import { answerParseError } from './parse-errors.ts';
import { httpFetchOf, prepareHttpClient } from './http-client/http-client.ts';
import { sweep } from '../../store/turns/read.ts';
import { LocalTurnService } from '../../turns/local-turn-service.ts';
import { DEFAULT_DATABASE_URL, migrateFromFolder, openNodeDatabase } from './database/open.ts';
import { newLockMemory, WriteLock } from './database/write-lock.ts';
import { DocumentThreads } from './threads/document-threads.ts';
import { NodeSockets } from './websockets.ts';
import { createNodePages, hasChat } from './pages.ts';
import {
  embeddingsOf,
  identityOf,
  limitsOf,
  pricesOf,
  registryOf,
  toolRegistryOf,
  turnServiceSettingsOf,
} from '../services.ts';
import { watchingOf } from './telemetry.ts';
import { RequestPacing } from './tuning/request-pacing.ts';
import { createNodeLogger, formatOf } from './log.ts';
import { sendTurn } from './send-turn.ts';
import { DeferredWork } from './deferred-work.ts';
import { loadEnvFile } from '../env-file.ts';
import { Readiness } from './readiness.ts';
import { withPriceFile } from '../price-file.ts';
import { runWatched } from './watch.ts';
import { newHash } from '../hash.ts';
import { factsOf, placeOf, printFacts } from '../greeting.ts';
import { shutDown } from './shutdown.ts';
import { onStopSignal } from './stop-signals.ts';
import { keepHalfOpen } from './half-open.ts';
import { addressOf, exitOnError, requireAuthOffLoopback } from '../run-main.ts';
import { createOpenUrl } from './open-url.ts';
import { readWordVectors } from './word-vectors.ts';
import { setV8Flags } from './tuning/v8-flags.ts';

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
/** The time for which a connection may be idle, in milliseconds. */
const KEPT_ALIVE_MS = 75_000;

setV8Flags();
if (!runWatched()) await exitOnError(serve);

async function serve(): Promise<void> {
  loadEnvFile();
  const config = withPriceFile(parseConfig(process.env));
  requireAuthOffLoopback(config);
  const log = createNodeLogger(config);
  const network = httpFetchOf(config);
  const registry = registryOf(config, network, log);
  const embeddings = embeddingsOf(config, { network, readWordVectors, log });
  const prices = pricesOf(config);
  const lockMemory = newLockMemory();
  const db = await openNodeDatabase(config, new WriteLock(lockMemory));
  await migrateFromFolder(db);
  await sweep(db, config.TURN_LEASE_MS);
  const { telemetry, readMetrics } = await watchingOf(config, log);
  const deferred = new DeferredWork();
  const documents = new DocumentThreads({ config, lockMemory, embeddings, log });
  const turns = new LocalTurnService({
    db,
    registry,
    settings: turnServiceSettingsOf(config),
    retriever: createRetriever(documents, embeddings),
    toolRegistry: toolRegistryOf(config, { load: () => import('@ai-sdk/mcp'), log }),
    prices,
    coalesce: setImmediate,
    log,
    telemetry,
    defer: (work) => deferred.add(work),
  });
  const dependencies: ActionDependencies = {
    config,
    db,
    registry,
    embeddings,
    prices,
    limits: limitsOf(config),
    searcher: documents,
    ingester: documents,
    files: { newHash, openUrl: createOpenUrl(), examine: (file) => documents.examine(file) },
    turns,
    log,
    telemetry,
    defer: (work) => deferred.add(work),
  };
  const readiness = new Readiness();
  const sockets = new NodeSockets(dependencies);
  const server = await listen(
    {
      ...dependencies,
      identity: identityOf(config, () => import('jose')),
      sockets,
      pages: createNodePages(),
      loopbackOnly: isLoopback(config.HOST),
      isReady: () => readiness.ask(),
      readMetrics,
      sendTurn,
    },
    readiness,
  );
  const told = (error: unknown) => log.error('the sweep failed', { error });
  const goOn = () =>
    deferred.add(
      resumeErasures(dependencies)
        .then(() => forgetLeftBehind(db))
        .catch(told),
    );
  goOn();
  const sweeping = setInterval(() => {
    void turns.sweep().catch(told);
    goOn();
  }, config.TURN_LEASE_MS);
  onStopSignal(
    () =>
      shutDown({
        ...{ server, turns, sockets, deferred, documents, db, config, sweeping, readiness },
        telemetry,
      }),
    log,
  );
  tellStart(addressOfServer(server, config), { registry, config, log });
  // A table of word vectors that cannot be used is told now, and not at the first search.
  if (embeddings.configured.isLocal) void embeddings.configured.isWhole();
  Promise.all([registry.prepare(), prepareHttpClient(config)]).catch((error: unknown) =>
    log.error('the models cannot be loaded', { error }),
  );
}

function listen(dependencies: Dependencies, readiness: Readiness): Promise<Server> {
  const { HOST, PORT } = dependencies.config;
  const app = createApp(() => dependencies);
  const starts = new RequestPacing();
  return new Promise((resolve, reject) => {
    // Without `createServer` the adapter makes a plain HTTP server.
    const server = createAdaptorServer({
      fetch: async (request, bindings) => {
        await starts.enter();
        if (readiness.isStopping) closeAfterResponse(bindings);
        const response = await app.fetch(request, bindings);
        // `sendTurn` writes turns past the adapter.
        if (isSent(bindings)) return RESPONSE_ALREADY_SENT;
        drainRequest(bindings);
        return response;
      },
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
    // This is longer than the idle time of common load balancers: if we close a connection just as
    // a request arrives on it, the request is lost.
    server.keepAliveTimeout = KEPT_ALIVE_MS;
    // A connection that is silent for longer than any turn lasts is no longer in use.
    server.setTimeout(
      2 * dependencies.config.TURN_TIMEOUT_MS + 4 * dependencies.config.KEEP_ALIVE_MS,
    );
    keepHalfOpen(server);
    server.on('clientError', answerParseError);
    server.once('error', (error) =>
      reject(new ConfigError(`cannot listen on ${HOST}:${PORT}: ${error.message}`)),
    );
    server.listen({ host: HOST, port: PORT, backlog: BACKLOG }, () => {
      resolve(server);
    });
  });
}

/**
 * Prints the address in a line of its own, which programs look for; the rest is for people or the
 * log.
 */
function tellStart(
  address: string,
  { registry, config, log }: Pick<ActionDependencies, 'registry' | 'config' | 'log'>,
): void {
  console.log(`listening on ${address}`);
  const model = registry.resolve(registry.defaultName)[0].name;
  const data = placeOf(config.DATABASE_URL ?? DEFAULT_DATABASE_URL);
  const facts = factsOf({ address, model, data, config, hasChat: hasChat() });
  if (formatOf(config) === 'json') log.info('ready', facts);
  else printFacts(facts);
}

function addressOfServer(server: Server, { HOST, PORT }: Config): string {
  const address = server.address();
  return addressOf(HOST, typeof address === 'object' && address ? address.port : PORT);
}

/**
 * Returns true for a handshake of the WebSocket route. Offers on other routes are ignored too,
 * since the adapter sends no body in answer to a handshake.
 */
function isWebSocket({ method, url, headers }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    /^[^?]*\/ws\//.test(url ?? '')
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
