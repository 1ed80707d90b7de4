/** Starts turns where a history says that they belong, or elsewhere. */
import type { TurnAsk } from '../../actions/start-turn.ts';
import { failureOf, type Failure } from '../../core/errors.ts';

export interface Placed {
  ask: TurnAsk;
  /**
   * Returns another place, such as a conversation of its own; undefined where the failure says
   * nothing of the place. Left out where the client has named the place.
   */
  elsewhere?: ((failure: Failure) => Promise<Placed | undefined>) | undefined;
}

/**
 * Starts a turn where it belongs. Clients ask the same thing several times at once on purpose, and
 * run a tool twice: what finds its place taken gets a conversation of its own.
 */
export async function orElsewhere<Started>(
  { ask, elsewhere }: Placed,
  start: (ask: TurnAsk) => Promise<Started>,
): Promise<Started> {
  try {
    return await start(ask);
  } catch (error) {
    const other = await elsewhere?.(failureOf(error));
    if (!other) throw error;
    return await orElsewhere(other, start);
  }
}

/**
 * Tells whether a failure says that the place is taken: by a turn that runs there, or by what has
 * answered the same calls before.
 */
export function isPlaceTaken(failure: Failure): boolean {
  return failure.code === 'turn_in_progress' || isAnsweredBefore(failure);
}

/** Tells whether a failure says that the calls have been answered before. */
export function isAnsweredBefore({ code, errors }: Failure): boolean {
  return code === 'invalid_request' && errors?.[0]?.path === 'tool_results';
}
