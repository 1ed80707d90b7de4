import type { Budget } from '../../core/limits.ts';
import type { MessageBuffer } from '../../core/message-buffer.ts';
import type { Outcome, StoredTurn, TurnHead } from '../../core/message.ts';
import { MessageBuffer as Parts } from '../../core/message-buffer.ts';
import { sleep } from '../../core/retry.ts';
import { SharedReads } from './shared-reads.ts';

/**
 * The answer that a reader reads, which is growing or stored. Following a running turn and
 * replaying a finished one are the same loop over this interface.
 */
export interface TurnSource {
  readonly head: TurnHead;
  readonly parts: MessageBuffer;
  /** The result; set once it is stored, and nothing changes after that. */
  readonly outcome: Outcome | undefined;
  /** The user's budget when the turn was accepted here. */
  readonly limits?: Budget | undefined;
  /** The reads that its readers share, when there can be many readers. */
  readonly shared?: SharedReads;
  /** Calls back once, when there may be something new. Must not be called after the end. */
  onChange(callback: () => void): void;
  /** Resolves at the end, for sources where that is cheaper than waiting for each change. */
  readonly ended?: Promise<unknown>;
}

/**
 * Returns the source of a finished turn.
 * @param isShared true when there may be many readers
 */
export function storedSource(
  { head, message, error }: StoredTurn,
  { isShared = false } = {},
): TurnSource {
  return {
    shared: isShared ? new SharedReads() : undefined,
    head,
    parts: Parts.of(message.parts),
    outcome: { message, error },
    onChange: (callback) => queueMicrotask(callback),
  };
}

/**
 * The interval at which another instance's turn is read, in milliseconds. Its owner stores it about
 * once a second.
 */
const LOOK_UP_EVERY_MS = 500;

/** Reads a turn from the database; undefined when there is none. */
export type LookUp = () => Promise<StoredTurn | undefined>;

/**
 * The time to wait for the first heartbeat of a turn, in milliseconds. Owners send one about once a
 * second, so one that stays silent for this long does not run the turn.
 */
const FIRST_SIGN_MS = 3_000;
const SIGN_LOOK_UP_MS = 250;

/**
 * Returns the turn as soon as its owner, another instance, is known to run it, or known not to. A
 * turn without a heartbeat may still be released: that happens when the reply to its claim was lost
 * and its client was refused.
 */
export async function waitForHeartbeat(look: LookUp): Promise<StoredTurn | undefined> {
  const deadline = performance.now() + FIRST_SIGN_MS;
  for (;;) {
    const turn = await look();
    if (!turn?.running || turn.hasHeartbeat || performance.now() >= deadline) return turn;
    await sleep(SIGN_LOOK_UP_MS);
  }
}

/**
 * Returns the source of a turn that runs in another instance; it is followed through the database.
 */
export function watchedSource(turn: StoredTurn, look: LookUp): TurnSource {
  let { head, message } = turn;
  let parts = Parts.of(message.parts);
  let outcome: Outcome | undefined;
  const adopt = (found: StoredTurn | undefined) => {
    if (!found) {
      outcome = { message: { ...message, status: 'cancelled' } };
      return;
    }
    ({ head, message } = found);
    parts = Parts.of(message.parts);
    if (!found.running) outcome = { message, error: found.error };
  };
  return {
    get head() {
      return head;
    },
    get parts() {
      return parts;
    },
    get outcome() {
      return outcome;
    },
    onChange(callback) {
      // A failed read says nothing about the turn, so the next one may succeed.
      const lookUp = async () => {
        await look().then(adopt, () => undefined);
        callback();
      };
      setTimeout(() => void lookUp(), LOOK_UP_EVERY_MS);
    },
  };
}
