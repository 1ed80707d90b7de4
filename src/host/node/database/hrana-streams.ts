/**
 * A database over HTTP for a process that keeps running: Turso or `sqld` from Node. A stream of the
 * Hrana protocol is a connection that the server opens, with its schema, which takes longer than
 * most batches: `SELECT 1` on `sqld` takes 3.1 ms (2.3 ms of its CPU) on a new stream and 1.0 (0.6)
 * on an open one. `@libsql/client` opens a stream for every batch; here a few are reused.
 */
import {
  BatchCond,
  HttpServerError,
  openHttp,
  parseLibsqlUrl,
  ResponseError,
  Stmt,
  type HttpStream,
} from '@libsql/hrana-client';
import { openClient, timed, type Address } from '../../../store/connect-http.ts';
import {
  openDatabase,
  resultSet,
  type Connection,
  type Database,
  type ResultSet,
  type Statement,
} from '../../../store/database.ts';
import type { HttpFetch } from '../../../models/http.ts';

/**
 * The most streams that are kept. Each uses one of a server's connections (`sqld`: 128 for all
 * clients).
 */
const MOST_STREAMS = 16;
/**
 * The time for which an idle stream may be reused, in milliseconds: a server closes one after ten
 * silent seconds.
 */
const USABLE_FOR_MS = 7_000;

/**
 * The time for which an idle connection is kept, in milliseconds. It is longer than for models,
 * since a batch that meets a closed connection is repeated, and opening one takes as long as
 * several batches.
 */
export const KEPT_FOR_MS = 30_000;

/**
 * Connects to a database over streams that are kept. Further batches at the same time get streams
 * of their own.
 */
export function connectStreams(address: Address, network: HttpFetch): Database {
  // One connection object serves for good. A stream that fails is closed by itself; dropping the
  // others too would leave them to the server, which counts each for ten seconds.
  const connection = new StreamsConnection(address, network);
  return openDatabase(() => connection);
}

interface KeptStream {
  stream: HttpStream;
  usedAt: number;
}

class StreamsConnection implements Connection {
  readonly #client: Connection;
  readonly #open: () => HttpStream;
  /** The streams that are not in use, the last used one last. */
  #idle: KeptStream[] = [];
  #inUse = 0;

  constructor(address: Address, network: HttpFetch) {
    const request = timed(network);
    this.#client = openClient(address, request);
    const { hranaHttpUrl = '', authToken } = parseLibsqlUrl(address.url);
    // Each stream has its own client, since a client keeps all streams that it ever opened.
    const open = () => openHttp(hranaHttpUrl, authToken ?? address.authToken, request).openStream();
    this.#open = open;
  }

  async batch(statements: Statement[], mode: 'read' | 'write'): Promise<ResultSet[]> {
    if (this.#inUse >= MOST_STREAMS) return this.#client.batch(statements, mode);
    const kept = this.#takeIdle();
    this.#inUse++;
    const stream = kept ?? this.#open();
    try {
      const results = await runOn(stream, statements, mode);
      this.#idle.push({ stream, usedAt: performance.now() });
      return results;
    } catch (error) {
      stream.close();
      if (kept && isForgotten(error)) return await this.#client.batch(statements, mode);
      throw error;
    } finally {
      this.#inUse--;
    }
  }

  /** Does nothing: a server closes silent streams, and the client keeps none. */
  close(): void {}

  #takeIdle(): HttpStream | undefined {
    const last = this.#idle.pop();
    if (last && performance.now() - last.usedAt < USABLE_FOR_MS) return last.stream;
    // The other streams were last used even earlier.
    this.#idle = [];
    return undefined;
  }
}

/**
 * Returns true when the server refused the stream and not the batch, because it restarted or closed
 * the stream.
 */
function isForgotten(error: unknown): boolean {
  return (
    error instanceof HttpServerError ||
    (error instanceof ResponseError && error.code === 'STREAM_EXPIRED')
  );
}

/**
 * Runs the statements as one transaction in one request. The first that fails rolls back all of
 * them.
 */
async function runOn(
  stream: HttpStream,
  statements: readonly Statement[],
  mode: 'read' | 'write',
): Promise<ResultSet[]> {
  const batch = stream.batch(false);
  let last = batch.step();
  const begun = last.run(mode === 'write' ? 'BEGIN IMMEDIATE' : 'BEGIN TRANSACTION READONLY');
  const results = statements.map(({ sql, args }) => {
    last = batch.step().condition(BatchCond.ok(last));
    return last.query(new Stmt(sql).bindIndexes(args));
  });
  const commit = batch.step().condition(BatchCond.ok(last));
  const committed = commit.run('COMMIT');
  const undo = batch.step().condition(BatchCond.not(BatchCond.ok(commit)));
  // The rollback fails when no transaction had begun.
  undo.run('ROLLBACK').catch(() => undefined);
  // Steps after a failed one get no result, so its error is the first.
  const all = Promise.all([begun, committed, ...results]);
  await Promise.all([batch.execute(), all]);
  const [, done, ...sets] = await all;
  return sets.map((set) => {
    if (!set || !done) throw new Error('the database has left out a part of a transaction');
    const columns = set.columnNames.map((name) => name ?? '');
    const values = set.rows.map((row) => Array.from(row));
    return resultSet(columns, values, set.affectedRowCount);
  });
}
