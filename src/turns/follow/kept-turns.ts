/**
 * Keeps finished turns that were read lately, with what was encoded of them, since many readers may
 * ask for the same one. Whoever asks has looked first whether the turn is still there, its
 * caller's, and as it was: see `TurnStanding`.
 */
import type { StoredTurn } from '../../core/message.ts';
import { encodeParts } from '../../core/parts.ts';
import type { Database } from '../../store/database.ts';
import type { TurnStanding } from '../../store/turns/read.ts';
import { storedSource, type TurnSource } from './turn-source.ts';

/**
 * The time for which a turn counts as looked at, in milliseconds. What another instance deletes is
 * still read here for so long, and no longer.
 */
const SEEN_FOR_MS = 100;
/** The time for which a turn is kept, in milliseconds. */
const KEPT_FOR_MS = 10_000;
/**
 * The longest that all kept answers may be together, in UTF-16 units. Each unit takes about eight
 * bytes: in the answer, in the text that was encoded of it, and in its bytes.
 */
const MOST_UNITS = 1_000_000;

interface KeptTurn {
  turn: StoredTurn;
  source: TurnSource;
  units: number;
  keptAt: number;
  /**
   * The time when its standing was last looked at; and the `writes` of the database before that.
   */
  seenAt: number;
  seenAfter: number;
}

export class KeptTurns {
  /** In the order in which they were read. */
  readonly #kept = new Map<string, KeptTurn>();
  #units = 0;
  readonly #db: Pick<Database, 'writes'>;

  constructor(db: Pick<Database, 'writes'>) {
    this.#db = db;
  }

  /**
   * Returns a turn whose standing was looked at just now, with nothing written here since;
   * undefined when it must be looked at first.
   */
  seen(turnId: string): TurnSource | undefined {
    const kept = this.#kept.get(turnId);
    if (!kept || kept.seenAfter !== this.#db.writes) return undefined;
    return performance.now() - kept.seenAt > SEEN_FOR_MS ? undefined : kept.source;
  }

  has(turnId: string): boolean {
    return this.#kept.has(turnId);
  }

  /** Returns a kept turn that is still as it was read; undefined when it must be read again. */
  find(standing: TurnStanding): TurnSource | undefined {
    const kept = this.#kept.get(standing.turnId);
    if (!kept) return undefined;
    const isOld = performance.now() - kept.keptAt > KEPT_FOR_MS;
    if (!isOld && isAsRead(kept.turn, standing)) {
      kept.seenAt = performance.now();
      kept.seenAfter = standing.readAfter;
      return kept.source;
    }
    this.#forget(standing.turnId, kept);
    return undefined;
  }

  /** Keeps a turn that has ended, unless it is too long, and returns its source. */
  keep(turn: StoredTurn): TurnSource {
    const units = encodeParts(turn.message.parts).length;
    if (units > MOST_UNITS) return storedSource(turn);
    const { turnId } = turn.head;
    const before = this.#kept.get(turnId);
    if (before) this.#forget(turnId, before);
    const source = storedSource(turn, { isShared: true });
    const seen = { seenAt: 0, seenAfter: Number.NaN };
    this.#kept.set(turnId, { turn, source, units, keptAt: performance.now(), ...seen });
    this.#units += units;
    this.#makeRoom();
    return source;
  }

  /** Forgets the oldest, those that are too old and those that make the rest too long. */
  #makeRoom(): void {
    const oldest = performance.now() - KEPT_FOR_MS;
    for (const [turnId, kept] of this.#kept) {
      if (kept.keptAt > oldest && this.#units <= MOST_UNITS) return;
      this.#forget(turnId, kept);
    }
  }

  #forget(turnId: string, { units }: KeptTurn): void {
    this.#kept.delete(turnId);
    this.#units -= units;
  }
}

function isAsRead({ head, message }: StoredTurn, { title, siblings }: TurnStanding): boolean {
  return (
    head.title === title &&
    message.siblings.index === siblings.index &&
    message.siblings.count === siblings.count
  );
}
