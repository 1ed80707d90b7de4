/**
 * The database as the rest of the store sees it: batches, each of which is one transaction and,
 * over HTTP, one request. A batch is retried after a passing failure, so each batch must be safe to
 * run twice: the caller makes the ids, and each write names the state that it expects.
 */
import type { InValue } from '@libsql/client/http';
import { ParleyError } from '../core/errors.ts';
import { retry } from '../core/retry.ts';

export type Value = null | string | number | bigint | ArrayBuffer;

/** The result of one statement. */
export interface ResultSet {
  /** The number of rows that a write without RETURNING changed. */
  readonly rowsAffected: number;
  /** Rows by the names of their columns; of two columns with one name, one is missing. */
  readonly rows: readonly Record<string, Value>[];
  /** Rows as lists, in the order of their columns. */
  readonly values: readonly (readonly Value[])[];
}

/** Makes a result set of rows as lists. They are named when somebody asks for names. */
export function resultSet(
  columns: readonly string[],
  values: readonly (readonly Value[])[],
  rowsAffected = 0,
): ResultSet {
  return new ListedRows(columns, values, rowsAffected);
}

/** A class, since each turn makes a dozen: a getter in a literal made a turn 20 µs dearer. */
class ListedRows implements ResultSet {
  readonly rowsAffected: number;
  readonly values: readonly (readonly Value[])[];
  readonly #columns: readonly string[];
  #named: Record<string, Value>[] | undefined;

  constructor(
    columns: readonly string[],
    values: readonly (readonly Value[])[],
    rowsAffected: number,
  ) {
    this.rowsAffected = rowsAffected;
    this.values = values;
    this.#columns = columns;
  }

  get rows(): readonly Record<string, Value>[] {
    return (this.#named ??= this.values.map((row) => nameColumns(this.#columns, row)));
  }
}

function nameColumns(columns: readonly string[], values: readonly Value[]): Record<string, Value> {
  const row: Record<string, Value> = {};
  for (let at = 0; at < columns.length; at++) row[columns[at] ?? ''] = values[at] ?? null;
  return row;
}

/**
 * A `write` resolves when it is committed and safe from a power cut. A `write-unflushed` resolves
 * as soon as it is committed. It then outlives the process, but a power cut may still undo it until
 * the next `flush`, or for some 20 ms.
 */
export type Mode = 'read' | 'write' | 'write-unflushed';

export interface Statement {
  sql: string;
  args: InValue[];
  /** Set where it has one row at most: a connection to a file then makes no list of rows. */
  isOneRow?: true;
}

/** A client of the database, as a library brings it. */
export interface Connection {
  /** Runs the statements as one transaction. */
  batch(statements: Statement[], mode: 'read' | 'write'): Promise<ResultSet[]>;
  /**
   * Resolves when all that was committed is safe from a power cut. Missing when that is so as soon
   * as `batch` resolves.
   */
  flush?(): Promise<void>;
  /** Puts its files in order before the last `close`. */
  tidy?(): void;
  close(): void;
}

export interface Database {
  /**
   * The number of batches that have written here, each counted when its end is known. Whoever keeps
   * what was read compares it, to see whether something may have changed.
   */
  readonly writes: number;
  /**
   * Runs the statements as one transaction.
   * @param retryForMs milliseconds during which a passing failure is retried. When it is given, a
   *   refusal is retried as well: nobody else would try again, and a full disk may get space.
   * @throws ParleyError `database_unavailable` when the database cannot be reached or cannot write
   */
  batch(statements: readonly Statement[], mode: Mode, retryForMs?: number): Promise<ResultSet[]>;
  /**
   * Resolves when all that was committed is safe from a power cut.
   * @throws ParleyError `database_unavailable` when it is not known to be
   */
  flush(): Promise<void>;
  close(): void;
}

/**
 * The status by which a server says that it has no such database: for good, or for as long as
 * `sqld` closes another namespace to open this one.
 */
const NO_DATABASE = 404;
/**
 * The time for which a failure is retried while somebody waits, in milliseconds. A passing one:
 * long enough for a busy neighbour or a dropped connection. A database that is missing: several
 * times as long as one was on a busy machine (75 ms).
 */
const PATIENCE_MS = { passing: 3_000, missing: 400, refusal: 0 };
const PAUSES = { firstPauseMs: 20, longestPauseMs: 500 };

/**
 * Opens a database over the clients that `connect` makes. A client that failed is thrown away,
 * since one that met BUSY on a file never works again.
 */
export function openDatabase(connect: () => Connection): Database {
  let client: Connection | undefined;
  let writes = 0;
  const discard = (failed: Connection | undefined) => {
    if (client !== failed) return;
    client = undefined;
    failed?.close();
  };
  return {
    get writes() {
      return writes;
    },
    batch(statements, mode, retryForMs) {
      const begunAt = Date.now();
      let current: Connection | undefined;
      const attempt = async () => {
        current = undefined;
        current = client ??= connect();
        const results = await current.batch([...statements], mode === 'read' ? 'read' : 'write');
        if (mode !== 'read') writes++;
        if (mode === 'write') await current.flush?.();
        return results;
      };
      const onError = (error: unknown, pauseMs: number) => {
        const kind = kindOf(error);
        // What failed may have been written nevertheless.
        if (mode !== 'read') writes++;
        if (kind === 'mistake') throw error;
        discard(current);
        const patienceMs = retryForMs ?? PATIENCE_MS[kind];
        if (Date.now() + pauseMs > begunAt + patienceMs) throw unavailable(error);
        return pauseMs;
      };
      return retry(attempt, { ...PAUSES, onError });
    },
    async flush() {
      try {
        await (client ??= connect()).flush?.();
      } catch (error) {
        throw unavailable(error);
      }
    },
    close: () => {
      const last = client;
      client = undefined;
      try {
        last?.tidy?.();
      } finally {
        last?.close();
      }
    },
  };
}

/**
 * Classifies a failure. A passing one is worth a retry. A refusal (full, read-only, over quota) is
 * not while somebody waits. A mistake is our own.
 */
function kindOf(error: unknown): keyof typeof PATIENCE_MS | 'mistake' {
  if (!(error instanceof Error)) return 'passing';
  const { message } = error;
  if (isMissing(error)) return 'missing';
  if (
    /\b(BLOCKED|readonly|read-only|database or disk is full|Unable to open connection)\b/i.test(
      message,
    )
  )
    return 'refusal';
  if (!('code' in error) || typeof error.code !== 'string')
    return error instanceof RangeError ? 'mistake' : 'passing';
  const { code } = error;
  if (/^SQLITE_(FULL|READONLY|CANTOPEN|NOTADB|CORRUPT|AUTH|PERM)/.test(code) || code === 'BLOCKED')
    return 'refusal';
  if (
    /^SQLITE_(BUSY|LOCKED|IOERR|NOMEM|INTERRUPT|SCHEMA)/.test(code) ||
    /SQLITE_BUSY|database is locked/.test(message)
  )
    return 'passing';
  if (code.startsWith('SQLITE_') || /^(URL_|SQL_|ARGS_)/.test(code)) return 'mistake';
  return 'passing';
}

/** Returns true for the error of a server that has no database at the address. */
export function isMissing(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause)
    if ('status' in at && at.status === NO_DATABASE) return true;
  return false;
}

function unavailable(cause: unknown): ParleyError {
  return new ParleyError(
    {
      code: 'database_unavailable',
      detail: 'The database cannot be reached right now',
      retryAfter: 1,
    },
    { cause },
  );
}

/** Milliseconds since the epoch by the database's clock, as an SQL expression. */
export const NOW = `CAST(unixepoch('subsec') * 1000 AS INTEGER)`;

/** Returns a database for whoever has none: every use of it is a mistake of ours. */
export function noDatabase(): Database {
  const refuse = () => Promise.reject(new Error('a database was used before it was known which'));
  return { writes: 0, batch: refuse, flush: refuse, close: () => undefined };
}
