/** Makes the dispatchers of `undici`. The library is large, and loaded when first needed. */
import { Agent, buildConnector, Pool, type Client, type Dispatcher } from 'undici';
import { WatchedClient } from './connection.ts';

/**
 * The longest time for which an idle connection is kept, in milliseconds, whatever the service
 * says.
 */
const LONGEST_IDLE_MS = 60_000;

/** @param idleMs the time for which a connection is kept, unless the service says */
export function createDispatcher(idleMs: number): Dispatcher {
  const options = {
    keepAliveTimeout: idleMs,
    keepAliveMaxTimeout: LONGEST_IDLE_MS,
    // Callers limit the time of a response; opening a connection may take ten seconds.
    headersTimeout: 0,
    bodyTimeout: 0,
    // Over HTTP/2 many requests share a connection, and closing it would end all of them.
    allowH2: false,
  } satisfies Client.Options;
  const connect = buildConnector({ allowH2: false });
  const client = (origin: URL) => new WatchedClient(origin, { ...options, connect });
  return new Agent({
    ...options,
    factory: (origin) => new Pool(origin, { ...options, factory: client }),
  });
}
