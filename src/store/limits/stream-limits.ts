/**
 * Reads how many streams a caller may have open. A request that reads a turn asks the database for
 * that anyway: its first batch asks for this as well.
 */
import type { LimitOwner } from '../../core/limits.ts';
import type { Database, ResultSet, Statement } from '../database.ts';
import { optionalNumber } from '../rows.ts';
import { limitArgs, limitsOf, PARAMETER, type LimitsAsk } from './limits.ts';

const SELECT = `WITH limits AS (${limitsOf(`SELECT ${PARAMETER.user} AS user_id`)})
  SELECT key_id, streams FROM limits`;

/** The number of streams that may be open; undefined for no limit. */
export type StreamLimits = Readonly<Partial<Record<LimitOwner, number>>>;

/** Returns the database as a request uses it: its first batch also reads the limits. */
export class StreamLimitsDatabase implements Database {
  readonly #db: Database;
  readonly #ask: Statement;
  #limits: StreamLimits | undefined;

  constructor(db: Database, ask: LimitsAsk & { userId: string }) {
    this.#db = db;
    this.#ask = { sql: SELECT, args: limitArgs(ask.userId, ask) };
  }

  get writes(): number {
    return this.#db.writes;
  }

  async batch(...[statements, mode, retryForMs]: Parameters<Database['batch']>) {
    if (this.#limits) return this.#db.batch(statements, mode, retryForMs);
    const [first, ...results] = await this.#db.batch([this.#ask, ...statements], mode, retryForMs);
    this.#limits = limitsFrom(first);
    return results;
  }

  /** Returns the limits: those that were read, else it reads them now. */
  async limits(): Promise<StreamLimits> {
    if (!this.#limits) await this.batch([], 'read');
    return this.#limits ?? {};
  }

  flush(): Promise<void> {
    return this.#db.flush();
  }

  close(): void {
    this.#db.close();
  }
}

function limitsFrom(set: ResultSet | undefined): StreamLimits {
  const most = (set?.rows ?? []).map((row) => {
    const owner: LimitOwner = row['key_id'] === '' ? 'user' : 'key';
    return [owner, optionalNumber(row['streams']) ?? undefined] as const;
  });
  return Object.fromEntries(most);
}
