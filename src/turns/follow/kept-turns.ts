/**
 * Keeps finished turns that were read lately, with what was encoded of them, since many readers may
 * ask for the same one. Whoever asks has looked first whether the turn is still there, its
 * caller's, and as it was: see `TurnStanding`.
 */
import type { StoredTurn } from '../../core/message.ts';
import { encodeParts } from '../../core/parts.ts';
import type { TurnStanding } from '../../store/turns/read.ts';
import { storedSource, type TurnSource } from './turn-source.ts';

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
}

export class KeptTurns {
  /** In the order in which they were read. */
  readonly #kept = new Map<string, KeptTurn>();
  #units = 0;

  has(turnId: string): boolean {
    return this.#kept.has(turnId);
  }

  /** Returns a kept turn that is still as it was read; undefined when it must be read again. */
  find(standing: TurnStanding): TurnSource | undefined {
    const kept = this.#kept.get(standing.turnId);
    if (!kept) return undefined;
    const isOld = performance.now() - kept.keptAt > KEPT_FOR_MS;
    if (!isOld && isAsRead(kept.turn, standing)) return kept.source;
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
    this.#kept.set(turnId, { turn, source, units, keptAt: performance.now() });
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
