/**
 * The messages that come while a turn runs: they join it between two steps, or are answered after
 * it.
 */
import type { LanguageModelV4Prompt } from '@ai-sdk/provider';
import type { StoredTurn } from '../../core/message.ts';
import { decodeParts } from '../../core/parts.ts';
import { steeredPart, type Steering } from '../../core/steering.ts';
import { endTurn } from '../../store/turns/end-turn.ts';
import { endAndFollow, type FollowedEnd } from '../../store/turns/follow-turn.ts';
import { readSteering } from '../../store/turns/steering.ts';
import { promptMessages } from './prompt-messages.ts';
import type { RunDependencies, TurnJob } from './types.ts';

/** Takes no file of a result: there is none in what steers a turn. */
const noResults = () => false;

/**
 * Lets the messages that wait join the turn: they become parts of its answer.
 * @returns what the model is told of them; nothing when they could not be read, which is no reason
 *   to fail: they then join later, or follow
 */
export async function letJoin(
  { turn }: Pick<TurnJob, 'turn'>,
  { db, log }: Pick<RunDependencies, 'db' | 'log'>,
): Promise<LanguageModelV4Prompt> {
  if (turn.stopReason) return [];
  try {
    const steering = await readSteering(db, turn.head.turnId);
    const waiting = steering.filter((message) => isWaiting(message, turn.joined));
    turn.handled = steering.length;
    for (const message of waiting) turn.join(message.id, steeredPart(message));
    return waiting.flatMap(({ parts }) =>
      promptMessages({ role: 'user', parts: decodeParts(parts) }, noResults),
    );
  } catch (error) {
    log.error('messages that steer a turn could not be read', { error });
    return [];
  }
}

/**
 * Lets messages join a turn before its first step.
 * @returns what the model is told of all that have joined: a model that is asked in place of
 *   another has been told of none
 */
export async function letJoinFirst(
  job: Pick<TurnJob, 'turn'>,
  dependencies: Pick<RunDependencies, 'db' | 'log'>,
): Promise<LanguageModelV4Prompt> {
  await letJoin(job, dependencies);
  const steered = job.turn.parts.all().filter(({ type }) => type === 'steered');
  return promptMessages({ role: 'assistant', parts: steered }, noResults);
}

function isWaiting({ id, isReleased }: Steering, joined: ReadonlySet<string>): boolean {
  return !isReleased && !joined.has(id);
}

/**
 * Ends a turn that was steered when no step was left. The first message that waits is answered by a
 * turn of its own, which begins in the same write; the others steer that one.
 * @returns what is stored now, as `endTurn` does
 */
export async function endSteered(
  { turn }: Pick<TurnJob, 'turn'>,
  end: Omit<FollowedEnd, 'claim' | 'number' | 'limits'>,
  { db, follow }: Pick<RunDependencies, 'db' | 'follow'>,
): Promise<StoredTurn | undefined> {
  for (;;) {
    const steering = await readSteering(db, turn.head.turnId);
    const number = steering.findIndex((message) => isWaiting(message, turn.joined));
    const message = steering[number];
    if (message) {
      const claim = follow.claimOf(message, turn.head);
      const followed = { ...end, claim, number, limits: follow.limits };
      const { stored, result } = await endAndFollow(db, followed);
      if (result.kind === 'accepted') await follow.begin(claim, result, message.keyId);
      return stored;
    }
    const stored = await endTurn(db, { ...end, handled: steering.length });
    if (!stored?.running) return stored;
  }
}
