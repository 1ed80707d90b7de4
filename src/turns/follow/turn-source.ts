import type { MessageBuffer } from '../../core/message-buffer.ts';
import type { Outcome, StoredTurn, TurnHead } from '../../core/message.ts';
import { MessageBuffer as Parts } from '../../core/message-buffer.ts';
import { sleep } from '../../core/retry.ts';

/** What a reader reads: an answer that grows, or one that is stored. Following a live turn and replaying a finished one are the same loop over this. */
export interface TurnSource {
  readonly head: TurnHead;
  readonly parts: MessageBuffer;
  /** Set once the end is stored; nothing changes after. */
  readonly outcome: Outcome | undefined;
  /** Resolves when there may be something new. Never called after the end. */
  changed(): Promise<void>;
  /** Resolves at the end, where that is cheaper to wait for than each change. */
  readonly ended?: Promise<unknown>;
}

/** A finished turn. */
export function storedSource({ head, message, error }: StoredTurn): TurnSource {
  return {
    head,
    parts: Parts.of(message.parts),
    outcome: { message, error },
    changed: () => Promise.resolve(),
  };
}

/** How often another instance's turn is looked up: its owner stores it about once a second. */
const LOOK_UP_EVERY_MS = 500;

/** Reads a turn from the database; undefined when it is not there. */
export type LookUp = () => Promise<StoredTurn | undefined>;

/** An owner renews its turns about once a second; one that has given no sign in this time will give none. */
const FIRST_SIGN_MS = 3_000;
const SIGN_LOOK_UP_MS = 250;

/**
 * The turn as it is once its owner, another instance, is known to run it, or is known not to. One that was accepted just now may be taken back yet, where its client had to be refused
 * because the database did not say that it was accepted.
 */
export async function waitForHeartbeat(look: LookUp): Promise<StoredTurn | undefined> {
  const deadline = performance.now() + FIRST_SIGN_MS;
  for (;;) {
    const turn = await look();
    if (!turn?.running || turn.hasHeartbeat || performance.now() >= deadline) return turn;
    await sleep(SIGN_LOOK_UP_MS);
  }
}

/** A turn that runs in another instance, followed through the database. */
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
    async changed() {
      await sleep(LOOK_UP_EVERY_MS);
      // A look-up that fails says nothing about the turn: the next one may do better.
      await look().then(adopt, () => undefined);
    },
  };
}
