/** Finds where a turn can be read: in this process, in another instance, or in the database. */
import { failureOf, notFound } from '../../core/errors.ts';
import type { StoredTurn } from '../../core/message.ts';
import { ANYONE } from '../../core/principal.ts';
import type { Database } from '../../store/database.ts';
import { readTurn } from '../../store/turns/read.ts';
import type { Claims } from '../accept/claims.ts';
import type { RunningTurn } from '../run/running-turn.ts';
import type { RunningTurns } from '../run/running-turns.ts';
import type { FoundTurn, TurnAddress, TurnService } from '../turn-service.ts';
import { KeptTurns } from './kept-turns.ts';
import { storedSource, waitForHeartbeat, watchedSource, type TurnSource } from './turn-source.ts';

/** The ways to read a turn that was accepted or joined, here or where it runs. */
export interface Reading<Read> {
  here(source: TurnSource): Read;
  elsewhere(service: TurnService, turn: TurnAddress): Promise<Read | undefined>;
}

interface TurnSourcesOptions {
  db: Database;
  claims: Claims;
  running: RunningTurns;
  leaseMs: number;
  /**
   * Returns the service that runs a turn which does not run here; undefined when all turns run
   * here.
   */
  elsewhere: ((address: TurnAddress) => TurnService) | undefined;
}

export class TurnSources {
  readonly #options: TurnSourcesOptions;
  readonly #kept: KeptTurns;

  constructor(options: TurnSourcesOptions) {
    this.#options = options;
    this.#kept = new KeptTurns(options.db);
  }

  /** Returns true when the turn is read here without the database. */
  holds(turnId: string): boolean {
    return this.#options.running.byId.has(turnId) || this.#kept.has(turnId);
  }

  /** Returns the source of a turn that can be read now, without asking the database first. */
  now(turnId: string): TurnSource | undefined {
    return this.#options.running.byId.get(turnId) ?? this.#kept.seen(turnId);
  }

  /**
   * Returns the source of a turn.
   * @param found what was read of the turn just now
   * @throws ParleyError `not_found`
   */
  async find(turnId: string, found?: FoundTurn): Promise<TurnSource> {
    const running = this.#options.running.byId.get(turnId) ?? (await this.#runningHere(turnId));
    if (running) return running;
    const known = found && this.#knownSource(found);
    if (known) return known;
    const stored = await this.read(turnId);
    if (!stored) throw notFound('Turn');
    return this.#sourceFrom(stored);
  }

  /** Joins a turn; returns undefined when it is gone because its claim was released. */
  async join<Read>(turn: TurnAddress, reading: Reading<Read>): Promise<Read | undefined> {
    await this.#options.db.flush();
    const running = await this.#runningHere(turn.turnId);
    if (running) return reading.here(running);
    const elsewhere = this.#options.elsewhere?.(turn);
    if (elsewhere) return reading.elsewhere(elsewhere, turn).catch(undefinedIfNotFound);
    const stored = await waitForHeartbeat(() => this.read(turn.turnId));
    return stored && reading.here(this.#sourceFrom(stored));
  }

  read(turnId: string): Promise<StoredTurn | undefined> {
    const { db, leaseMs } = this.#options;
    // The owner of the conversation was checked before, so no principal is needed here.
    return readTurn(db, { turnId, principal: ANYONE, leaseMs });
  }

  /** Returns the source of a turn that is over, where what was found of it says enough. */
  #knownSource(found: FoundTurn): TurnSource | undefined {
    if (!('message' in found)) return this.#kept.find(found);
    return found.running ? undefined : this.#kept.keep(found);
  }

  /** Returns a turn that runs here, after waiting for the release of its claim, if there is one. */
  async #runningHere(turnId: string): Promise<RunningTurn | undefined> {
    const { running, claims } = this.#options;
    const turn = running.byId.get(turnId);
    if (!turn) await claims.released(turnId);
    return turn;
  }

  #sourceFrom(stored: StoredTurn): TurnSource {
    if (!stored.running) return storedSource(stored);
    return watchedSource(stored, () => this.read(stored.head.turnId));
  }
}

/** Returns undefined for `not_found`, by which another instance says that a turn is gone. */
function undefinedIfNotFound(error: unknown): undefined {
  if (failureOf(error).code !== 'not_found') throw error;
}
