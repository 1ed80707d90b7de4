/** Stops the server so that no turn is cut and no request is refused that can go elsewhere. */
import type { Server } from 'node:http';
import type { Config } from '../../config.ts';
import type { Telemetry } from '../../core/telemetry.ts';
import { sleep } from '../../core/retry.ts';
import type { Served } from './database-services.ts';
import type { DeferredWork } from './deferred-work.ts';
import type { Readiness } from './readiness.ts';
import type { DocumentThreads } from './threads/document-threads.ts';

/** The time that readers get to receive the end of a turn, in milliseconds. */
const LAST_WORDS_MS = 1_000;

interface Running {
  server: Server;
  served: Served;
  deferred: DeferredWork;
  documents: DocumentThreads;
  config: Config;
  readiness: Readiness;
  telemetry: Telemetry | undefined;
}

/**
 * Shuts down: tells proxies and lets them notice, refuses new turns, gives running ones their grace
 * period, stores them, and then closes the connections of readers, which have received the end.
 */
export async function shutDown(running: Running): Promise<void> {
  const { server, served, deferred, documents, config, readiness } = running;
  await sleep(readiness.stop(config.SHUTDOWN_DELAY_MS));
  const graceMs = config.SHUTDOWN_GRACE_MS ?? config.TURN_TIMEOUT_MS;
  await served.drain(graceMs);
  await served.closeSockets();
  await deferred.settled(graceMs);
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeIdleConnections();
    // The wait is limited, since the server cannot tell when a connection that has left HTTP, such
    // as a WebSocket, will close.
    setTimeout(resolve, LAST_WORDS_MS);
  });
  server.closeAllConnections();
  await Promise.race([running.telemetry?.close(), sleep(LAST_WORDS_MS)]);
  await documents.close();
  await served.close();
  process.exit(0);
}
