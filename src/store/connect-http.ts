/** A database over HTTP: Turso or `sqld`, from any runtime. */
import { createClient } from '@libsql/client/http';
import { openDatabase, resultSet, type Connection, type Database } from './database.ts';

/** One request to the database may take this long before it counts as lost. */
const REQUEST_TIMEOUT_MS = 10_000;
/** Requests under way at once from one process; more wait their turn. */
const CONCURRENCY = 64;

export interface Address {
  /** `http(s)://…` or `libsql://…` */
  url: string;
  authToken?: string;
}

export function connectHttp(address: Address): Database {
  return openDatabase(() => openClient(address));
}

/**
 * Makes a client that opens a connection of the database for each batch.
 * @param request how it asks
 */
export function openClient({ url, authToken }: Address, request = timed(fetch)): Connection {
  const client = createClient({ url, authToken, concurrency: CONCURRENCY, fetch: request });
  return {
    async batch(statements, mode) {
      const sets = await client.batch(statements, mode);
      return sets.map(({ columns, rows, rowsAffected }) =>
        resultSet(
          columns,
          rows.map((row) => Array.from(row)),
          rowsAffected,
        ),
      );
    },
    close: () => client.close(),
  };
}

/** Wraps the network as the client asks it, with a `Request`; the only time limit is ours. */
export function timed(network: typeof fetch): (request: Request) => Promise<Response> {
  return (request) => {
    // Answers are small and near: packing and unpacking them would cost more than it saves.
    request.headers.set('accept-encoding', 'identity');
    return network(request, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
  };
}
