/**
 * A database in a local file: Node only, since the library is native code. The library's own interface is used rather than `@libsql/client`'s, which prepares every
 * statement anew each time: with few statements that come again and again, preparing was two thirds of what a turn costs here.
 */
import { setImmediate } from 'node:timers/promises';
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

/** How long a statement waits, blocking, for another process's write. */
const BUSY_TIMEOUT_MS = 5_000;
/** A process that stood still for so long has missed things: a connection that it takes for open may have been closed by the other side. */
const STOOD_STILL_MS = 500;
/**
 * Pages of the log (16 MiB of them) after which it is written back, while everybody waits: a turn writes thirteen, most of them the same as the turn before, which are written back once.
 */
const CHECKPOINT_PAGES = 4_000;
/** How long emptying the log waits, blocking, for other processes that use it. */
const TIDY_TIMEOUT_MS = 500;
/** Prepared statements kept; there are fewer, but for those whose text depends on how much is asked. */
const MOST_PREPARED = 200;

/** @param url `file:path` or `file:///path`; missing folders are made */
export function connectFile(url: string): Database {
  const path = pathOf(url);
  requireWritable(path);
  // Outlives a connection that failed: what that one has committed is still to be flushed.
  const log = new GroupCommit(`${path}-wal`);
  return openDatabase(() => new FileConnection(path, log));
}

/** Returns the path of a `file:` address. */
export function pathOf(url: string): string {
  return url.startsWith('file://') ? fileURLToPath(url) : url.slice('file:'.length);
}

/** A statement that is ready to run. */
interface Prepared {
  run(args: unknown[]): ResultSet;
}

/**
 * One connection. A batch runs synchronously, so none is interleaved with another; only the wait until it is safe on the disk is not: SQLite would make everybody
 * wait for each commit, here those that come close together share one flush.
 */
class FileConnection implements Connection {
  readonly #db: Libsql.Database;
  readonly #log: GroupCommit;
  readonly #prepared = new Map<string, Prepared>();

  constructor(path: string, log: GroupCommit) {
    this.#db = new Libsql(path, { timeout: BUSY_TIMEOUT_MS });
    // With a write-ahead log readers and the writer do not wait for each other.
    // Its commits are flushed by us; NORMAL still flushes where the order of writes matters, around checkpoints.
    this.#db.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`,
    );
    // No lock is held on the log, so that a handle of our own does no harm, as one on the database itself would.
    this.#log = log;
  }

  async batch(statements: readonly Statement[], mode: 'read' | 'write'): Promise<ResultSet[]> {
    const begunAt = performance.now();
    const results = this.#transact(statements, mode);
    if (mode === 'write') this.#log.written();
    if (performance.now() - begunAt > STOOD_STILL_MS) await hearWhatHappened();
    return results;
  }

  flush(): Promise<void> {
    return this.#log.flush();
  }

  #transact(statements: readonly Statement[], mode: 'read' | 'write'): ResultSet[] {
    this.#run(mode === 'write' ? 'BEGIN IMMEDIATE' : 'BEGIN DEFERRED');
    try {
      const results = statements.map(({ sql, args }) => this.#prepare(sql).run(args.map(toSqlite)));
      this.#run('COMMIT');
      return results;
    } catch (error) {
      this.#prepared.clear();
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  /** Writes the log back and empties it: from then on the file alone is the database. */
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

/** Lets the event loop go round once: the first immediate comes before it looks at the network. */
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
    run(args) {
      // In raw mode a row is a list of values.
      const rows = statement.all(args) as unknown[][];
      return resultSet(
        columns,
        rows.map((values) => values.map(fromSqlite)),
      );
    },
  };
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
