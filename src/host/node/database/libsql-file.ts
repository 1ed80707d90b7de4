/**
 * A database in a local file, for Node only, since the library is native code. It uses the
 * library's own interface, because `@libsql/client` prepares every statement anew: with few
 * statements that are repeated all the time, preparing was two thirds of the cost of a turn.
 */
import { setImmediate } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import Libsql from 'libsql';
import {
  openDatabase,
  resultSet,
  type Connection,
  type Database,
  type ResultSet,
  type Statement,
  type Value,
} from '../../../store/database.ts';
import { GroupCommit } from './group-commit.ts';
import { requireWritable } from './writable.ts';
import type { WriteLock } from './write-lock.ts';

/** The time for which a statement waits, blocking, for another process's write, in milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;
/**
 * A process that stood still for this many milliseconds has missed events: a connection that it
 * takes for open may have been closed by the other side.
 */
const STOOD_STILL_MS = 500;
/**
 * The pages of the log (16 MiB) after which it is written back, while everything waits. A turn
 * writes thirteen pages, most of them the same ones as the turn before, and those are written back
 * once.
 */
const CHECKPOINT_PAGES = 4_000;
/**
 * The same for a thread that is not the main one, where nobody waits: so early that the main thread
 * seldom comes to it, and that it takes some ten milliseconds.
 */
const CHECKPOINT_PAGES_OF_A_THREAD = 1_000;
/** The time for which emptying the log waits, blocking, for other processes, in milliseconds. */
const TIDY_TIMEOUT_MS = 500;
/**
 * The most prepared statements that are kept. There are fewer, except for those whose text depends
 * on the number of their parameters.
 */
const MOST_PREPARED = 200;

/**
 * Connects to a database file; missing directories are created.
 * @param url `file:path` or `file:///path`
 * @param lock shared with the other threads that write to the file
 */
export function connectFile(url: string, lock?: WriteLock): Database {
  const path = pathOf(url);
  requireWritable(path);
  // It outlives a connection that failed, since commits of that one must still be flushed.
  const log = new GroupCommit(`${path}-wal`);
  return openDatabase(() => new FileConnection(path, log, lock));
}

/** Returns the path of a `file:` address. */
export function pathOf(url: string): string {
  return url.startsWith('file://') ? fileURLToPath(url) : url.slice('file:'.length);
}

/** A statement that is ready to run. */
interface Prepared {
  run(args: unknown[], isOneRow?: boolean): ResultSet;
}

/**
 * One connection. A batch runs synchronously, so no other statement runs in between. Only its flush
 * is asynchronous: SQLite would block everything for each commit, while here commits that come
 * close together share one flush.
 */
class FileConnection implements Connection {
  readonly #db: Libsql.Database;
  readonly #log: GroupCommit;
  readonly #lock: WriteLock | undefined;
  readonly #prepared = new Map<string, Prepared>();

  constructor(path: string, log: GroupCommit, lock: WriteLock | undefined) {
    this.#db = new Libsql(path, { timeout: BUSY_TIMEOUT_MS });
    // With a write-ahead log, readers and the writer do not wait for each other. Commits are
    // flushed by us; NORMAL still flushes where the order of writes matters, around checkpoints.
    this.#db.exec(
      `PRAGMA journal_mode = WAL;
       PRAGMA synchronous = NORMAL;
       PRAGMA foreign_keys = ON;
       PRAGMA wal_autocheckpoint = ${isMainThread ? CHECKPOINT_PAGES : CHECKPOINT_PAGES_OF_A_THREAD}`,
    );
    // The log is never locked, so a handle of ours does no harm; one on the database itself would.
    this.#log = log;
    this.#lock = lock;
  }

  async batch(statements: readonly Statement[], mode: 'read' | 'write'): Promise<ResultSet[]> {
    if (mode === 'write' && this.#lock && !this.#lock.tryTake()) await this.#lock.take();
    const begunAt = performance.now();
    const results = mode === 'write' ? this.#write(statements) : this.#transact(statements, mode);
    if (performance.now() - begunAt > STOOD_STILL_MS) await hearWhatHappened();
    return results;
  }

  flush(): Promise<void> {
    return this.#log.flush();
  }

  /** Writes, and gives the lock back, which was taken before. */
  #write(statements: readonly Statement[]): ResultSet[] {
    try {
      const results = this.#transact(statements, 'write');
      this.#log.written();
      return results;
    } finally {
      this.#lock?.release();
    }
  }

  #transact(statements: readonly Statement[], mode: 'read' | 'write'): ResultSet[] {
    // A statement that stands alone is a transaction of its own.
    const isAlone = mode === 'read' && statements.length === 1;
    if (!isAlone) this.#run(mode === 'write' ? 'BEGIN IMMEDIATE' : 'BEGIN DEFERRED');
    try {
      const results = statements.map(({ sql, args, isOneRow }) =>
        this.#prepare(sql).run(args.map(toSqlite), isOneRow),
      );
      if (!isAlone) this.#run('COMMIT');
      return results;
    } catch (error) {
      this.#prepared.clear();
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  /** Writes the log back and empties it, so that the file alone is the database. */
  tidy(): void {
    this.#db.exec(`PRAGMA busy_timeout = ${TIDY_TIMEOUT_MS}`);
    this.#db.pragma('wal_checkpoint(TRUNCATE)');
  }

  close(): void {
    this.#prepared.clear();
    this.#log.release();
    if (this.#db.open) this.#db.close();
  }

  #run(sql: string): void {
    this.#prepare(sql).run([]);
  }

  #prepare(sql: string): Prepared {
    const known = this.#prepared.get(sql);
    if (known) return known;
    if (this.#prepared.size >= MOST_PREPARED) this.#prepared.clear();
    const prepared = preparedFrom(this.#db.prepare(sql));
    this.#prepared.set(sql, prepared);
    return prepared;
  }
}

/** Lets the event loop go round once: the first immediate runs before it polls the network. */
async function hearWhatHappened(): Promise<void> {
  await setImmediate();
  await setImmediate();
}

function preparedFrom(statement: Libsql.Statement): Prepared {
  if (!statement.reader) {
    return {
      run: (args) => resultSet([], [], statement.run(args).changes),
    };
  }
  statement.raw(true);
  const columns = statement.columns().map(({ name }) => name);
  return {
    run(args, isOneRow) {
      // In raw mode a row is a list of values.
      const rows = (isOneRow ? firstRow(statement, args) : statement.all(args)) as unknown[][];
      return resultSet(
        columns,
        rows.map((values) => values.map(fromSqlite)),
      );
    },
  };
}

/** Returns a list of the first row, or of none: it takes half as long as a list of all. */
function firstRow(statement: Libsql.Statement, args: unknown[]): unknown[] {
  const row = statement.get(args);
  return row === undefined ? [] : [row];
}

function toSqlite(value: Statement['args'][number]): unknown {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value instanceof ArrayBuffer) return Buffer.from(value);
  if (ArrayBuffer.isView(value))
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return value;
}

function fromSqlite(value: unknown): Value {
  if (value instanceof Uint8Array) return Uint8Array.from(value).buffer;
  // SQLite has no other kinds of values.
  return value as Value;
}
