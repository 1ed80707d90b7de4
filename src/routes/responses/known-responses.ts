/**
 * Remembers the responses that were begun lately by way of this process, so that what follows one
 * needs no look-up. It is a hint: the claim that uses it finds the answer again, or does not.
 */
import { LatestMap } from '../../core/latest-map.ts';
import type { TurnRun, TurnStream } from '../../turns/turn-service.ts';
import type { Place } from './place-response.ts';

/** The most responses that are remembered. Each takes some 300 bytes. */
const MOST_RESPONSES = 10_000;

/** The answer that a response is. */
export interface KnownResponse {
  id: string;
  conversationId: string;
}

/** By the ids of their turns, which no two databases share. */
const responses = new LatestMap<KnownResponse>(MOST_RESPONSES);

/** Remembers a response that has begun, where it is kept. */
export function noteResponse(place: Place, turn: TurnStream | TurnRun): void {
  const { turnId, conversationId, answerId: id } = turn;
  if ('isKept' in place && place.isKept && id !== undefined)
    responses.set(turnId, { id, conversationId });
}

/** Returns a response that is kept; undefined where it is not known here. */
export function knownResponse(turnId: string): KnownResponse | undefined {
  return responses.get(turnId);
}
