/**
 * A database over HTTP from a process that lives on: Turso or `sqld` from Node. A stream of the Hrana protocol is a connection that the server opens, schema and all, which
 * takes longer than most batches (`SELECT 1` on `sqld`: 3.1 ms and 2.3 ms of its CPU on a stream of its own, 1.0 and 0.6 on one that was there). `@libsql/client` opens one
 * for every batch; here a few are used again and again.
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

/** Each holds one of the connections that a server has for everybody (`sqld`: 128). */
const MOST_STREAMS = 16;
/** A server forgets a stream that has been silent for ten seconds: one that may be forgotten by the time its batch arrives is left alone. */
const USABLE_FOR_MS = 7_000;

/** A connection is kept for longer than to a model: a batch that meets one which has just been closed is repeated, and making another takes as long as several batches. */
export const KEPT_FOR_MS = 30_000;

/** A database over streams that are kept; more batches at once get streams of their own. */
export function connectStreams(address: Address, network: HttpFetch): Database {
  // One for good: a stream that fails is given up by itself, and none of the others is left to the server, which would count it for ten seconds.
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
  /** Not in use now, the last used last. */
  #idle: KeptStream[] = [];
  #inUse = 0;

  constructor(address: Address, network: HttpFetch) {
    const request = timed(network);
    this.#client = openClient(address, request);
    const { hranaHttpUrl = '', authToken } = parseLibsqlUrl(address.url);
    // A client each: a client holds on to all streams that it has opened, those that have been left alone, too.
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

  /** Nothing is to be done: a server forgets streams that are silent, and the client keeps none. */
  close(): void {}

  #takeIdle(): HttpStream | undefined {
    const last = this.#idle.pop();
    if (last && performance.now() - last.usedAt < USABLE_FOR_MS) return last.stream;
    // The others were used before it.
    this.#idle = [];
    return undefined;
  }
}

/** Whether the server has refused the stream rather than the batch: it has restarted, or forgotten it all the same. */
function isForgotten(error: unknown): boolean {
  return (
    error instanceof HttpServerError ||
    (error instanceof ResponseError && error.code === 'STREAM_EXPIRED')
  );
}

/** Runs the statements as one transaction, in one request; the first that fails undoes them all. */
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
  // It fails where nothing had begun.
  undo.run('ROLLBACK').catch(() => undefined);
  // Steps after one that failed are told of nothing, so its error is the first.
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
