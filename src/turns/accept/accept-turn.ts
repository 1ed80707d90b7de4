/** Accepting a turn: the claim is made again and again until the conversation is free for it. */
import { invalid, keyReused, notFound, ParleyError } from '../../core/errors.ts';
import type { ClaimResult, TurnClaim } from '../../store/turns/claim.ts';
import type { TurnAddress, TurnRequest } from '../turn-service.ts';
import type { AdmissionGate } from './admission-gate.ts';
import { textOfInput, type Claims } from './claims.ts';

export type Accepted = Extract<ClaimResult, { kind: 'accepted' }>;
type Busy = Extract<ClaimResult, { kind: 'busy' }>;

export interface AcceptSteps<Joined> {
  claims: Claims;
  gate: AdmissionGate;
  /** Tells whether the turn runs in this process. */
  runsHere(turnId: string): boolean;
  /** Joins a turn that exists; undefined where it has gone meanwhile. */
  join(turn: TurnAddress): Promise<Joined | undefined>;
  cancel(turn: TurnAddress): Promise<void>;
  /** Waits until the turn may be over. @throws when whoever asked has gone */
  waitFor(turnId: string): Promise<void>;
}

/**
 * Makes a claim until it is accepted, or until a turn is found that it should join.
 * @throws ParleyError as {@link TurnService.start} does
 */
export async function acceptTurn<Joined>(
  claim: TurnClaim,
  request: TurnRequest,
  steps: AcceptSteps<Joined>,
): Promise<{ accepted: Accepted } | { joined: Joined }> {
  for (;;) {
    steps.gate.mustBeOpen();
    const result = await steps.claims.make(claim);
    switch (result.kind) {
      case 'accepted':
        return { accepted: result };
      case 'not_found':
        throw notFound('Conversation');
      case 'message_not_found':
        throw notFound('Message');
      case 'not_an_answer':
        throw invalid('parent_message_id', 'parent_message_id must name an answer');
      case 'key_reused':
        throw keyReused();
      case 'repeated': {
        const joined = await steps.join(result);
        if (joined) return { joined };
        break;
      }
      case 'busy': {
        const joined = await joinOrMakeWay(result, claim, request, steps);
        if (joined) return { joined };
      }
    }
  }
}

/** Deals with the turn that stands in the way, as the request wants it; undefined when to try again. */
async function joinOrMakeWay<Joined>(
  busy: Busy,
  claim: TurnClaim,
  request: TurnRequest,
  steps: AcceptSteps<Joined>,
): Promise<Joined | undefined> {
  const { conversationId } = claim;
  const turn = { turnId: busy.turnId, conversationId };
  const isHere = steps.runsHere(busy.turnId);
  if (busy.leaseLeftMs < 0 && !isHere) await steps.claims.clear(conversationId);
  else if (request.joinSameText && busy.text === textOfInput(request.input))
    return steps.join(turn);
  else if (request.onBusy === 'interrupt') await steps.cancel(turn);
  else if (request.onBusy === 'queue') await steps.waitFor(busy.turnId);
  else throw turnInProgress(isHere ? {} : busy);
  return undefined;
}

/**
 * Returns the refusal of what must wait for another turn.
 * @param leaseLeftMs given where the turn may be a crashed one: its lease says when it is out of the way
 */
export function turnInProgress({ leaseLeftMs }: { leaseLeftMs?: number }): ParleyError {
  return new ParleyError({
    code: 'turn_in_progress',
    detail: 'Another turn is in progress in this conversation',
    retryAfter: leaseLeftMs === undefined ? undefined : Math.max(1, Math.ceil(leaseLeftMs / 1000)),
  });
}
