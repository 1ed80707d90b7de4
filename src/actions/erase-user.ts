/**
 * Deletes everything of a user, for good. What is to be deleted is noted first, so that whatever
 * happens to this process, another goes on.
 */
import type { Statement } from '../store/database.ts';
import { NO_LIMITS } from '../core/limits.ts';
import { hasScope, type Principal } from '../core/principal.ts';
import { readBudget } from '../store/limits/budget.ts';
import { ERASING, ERASING_USAGE, type Step } from '../store/user-data/erase.ts';
import {
  beginErasure,
  finishErasure,
  renewErasure,
  runningTurnsOf,
  takeErasure,
  type Erasure,
} from '../store/user-data/erasures.ts';
import type { ActionDependencies } from './context.ts';

/** The dependencies of an erasure. */
export type EraseDependencies = Pick<ActionDependencies, 'db' | 'turns' | 'log'>;

/**
 * Notes that all of a user is to be deleted, and begins.
 *
 * A user whose limits hold keeps to the end of the month what they count by, unless an admin asks:
 * a limit that its user can begin anew is none.
 * @returns the deletion as it was noted, and the work, which fails when it cannot go on here
 */
export async function eraseUser(
  { db, turns, log, config, limits }: ActionDependencies,
  { userId, principal }: { userId: string; principal: Principal },
): Promise<{ erasure: Erasure; work: Promise<void> }> {
  const defaults = limits ?? NO_LIMITS;
  const budget = hasScope(principal, 'admin')
    ? []
    : await readBudget(db, { defaults, userId, keyId: null, leaseMs: config.TURN_LEASE_MS });
  const erasure = await beginErasure(db, { userId, keepsUsage: budget.length > 0 });
  const work = erase({ db, turns, log }, erasure);
  work.catch((error: unknown) => log.warn('a deletion will be gone on with', { error }));
  return { erasure, work };
}

/** Goes on with the deletions that nobody does any more. */
export async function resumeErasures(dependencies: EraseDependencies): Promise<void> {
  for (;;) {
    const erasure = await takeErasure(dependencies.db);
    if (!erasure) return;
    await erase(dependencies, erasure);
  }
}

/** The most passes over everything: a user who goes on making things does not keep us for ever. */
const MOST_PASSES = 5;

async function erase(dependencies: EraseDependencies, erasure: Erasure): Promise<void> {
  const { db } = dependencies;
  const { userId, keepsUsageUntil } = erasure;
  const keepsUsage = keepsUsageUntil !== null && keepsUsageUntil > Date.now();
  const steps = keepsUsage ? ERASING : [...ERASING, ...ERASING_USAGE];
  for (let pass = 0; pass < MOST_PASSES; pass++) {
    await cancelTurns(dependencies, userId);
    if (!(await runSteps(dependencies, steps, userId))) break;
  }
  await finishErasure(db, userId);
}

/** Cancels what runs, and waits for its end, so that nothing of it is written later. */
async function cancelTurns({ db, turns, log }: EraseDependencies, userId: string): Promise<void> {
  const running = await runningTurnsOf(db, userId);
  const outcomes = await Promise.allSettled(running.map((turn) => turns.cancel(turn)));
  for (const outcome of outcomes)
    if (outcome.status === 'rejected')
      log.warn('a turn of a user who is deleted could not be cancelled', { error: outcome.reason });
}

/** @returns true when anything was changed */
async function runSteps(
  { db }: EraseDependencies,
  steps: readonly Step[],
  userId: string,
): Promise<boolean> {
  let hasChanged = false;
  for (const step of steps) {
    while (await changesAnything(db, [...step(userId), renewErasure(userId)])) hasChanged = true;
  }
  return hasChanged;
}

/** Runs one batch. @returns true when more than the last statement, a renewal, changed anything */
async function changesAnything(
  db: EraseDependencies['db'],
  statements: readonly Statement[],
): Promise<boolean> {
  const results = await db.batch(statements, 'write');
  return results.slice(0, -1).some(({ rowsAffected }) => rowsAffected > 0);
}
