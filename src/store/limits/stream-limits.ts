/**
 * Reads how many streams a caller may have open. A request that reads a turn asks the database for
 * that anyway: its first batch asks for this as well.
 */
import type { LimitOwner } from '../../core/limits.ts';
import type { Database, ResultSet } from '../database.ts';
import { optionalNumber } from '../rows.ts';
import { limitArgs, limitsOf, PARAMETER, type LimitsAsk } from './limits.ts';

const SELECT = `WITH limits AS (${limitsOf(`SELECT ${PARAMETER.user} AS user_id`)})
  SELECT key_id, streams FROM limits`;

/** The number of streams that may be open; undefined for no limit. */
export type StreamLimits = Readonly<Partial<Record<LimitOwner, number>>>;

interface UserLimitsAsk extends LimitsAsk {
  userId: string;
}

/** Returns the database as a request uses it: its first batch also reads the limits. */
export class StreamLimitsDatabase implements Database {
  readonly #db: Database;
  readonly #ask: UserLimitsAsk;
  #limits: StreamLimits | undefined;

  constructor(db: Database, ask: UserLimitsAsk) {
    this.#db = db;
    this.#ask = ask;
  }

  get writes(): number {
    return this.#db.writes;
  }

  async batch(...[statements, mode, retryForMs]: Parameters<Database['batch']>) {
    if (this.#limits) return this.#db.batch(statements, mode, retryForMs);
    const select = { sql: SELECT, args: limitArgs(this.#ask.userId, this.#ask) };
    const [first, ...results] = await this.#db.batch([select, ...statements], mode, retryForMs);
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
