/** Accepts turns: repeats a claim until the conversation is free for it. */
import { invalid, keyReused, notFound, ParleyError, unauthenticated } from '../../core/errors.ts';
import type { Failure } from '../../core/errors.ts';
import { refusalOf } from '../../core/limits.ts';
import type { Reserved } from '../../store/limits/reserved.ts';
import type { ClaimResult, TurnClaim } from '../../store/turns/claim.ts';
import type { TurnAddress, TurnRequest } from '../turn-service.ts';
import type { AdmissionGate } from './admission-gate.ts';
import type { WaitingMessage } from '../follow/await-steering.ts';
import { textOfInput } from './claim-input.ts';
import type { Claims } from './claims.ts';
import { queueFull } from './conversation-queue.ts';

export type Accepted = Extract<ClaimResult, { kind: 'accepted' }>;
type Busy = Extract<ClaimResult, { kind: 'busy' }>;

export interface AcceptSteps<Joined> {
  claims: Claims;
  gate: AdmissionGate;
  /** Returns true when the turn runs in this process. */
  runsHere(turnId: string): boolean;
  /** Joins a turn that exists; returns undefined when it has been removed in the meantime. */
  join: (turn: TurnAddress) => Promise<Joined | undefined>;
  cancel(turn: TurnAddress): Promise<void>;
  /**
   * Waits until the turn may have ended.
   * @throws the abort reason when the client has disconnected
   */
  waitFor(turnId: string): Promise<void>;
  /** Called when the claim was not accepted, and is made once more. */
  onRepeat(): void;
}

/**
 * Repeats a claim until it is accepted, or until it finds a turn that the request should join.
 * @throws ParleyError as {@link TurnService.start} does
 */
export async function acceptTurn<Joined>(
  claim: TurnClaim,
  request: TurnRequest,
  steps: AcceptSteps<Joined>,
): Promise<{ accepted: Accepted } | { joined: Joined } | { steers: WaitingMessage }> {
  for (let made = claim; ; made = { ...claim, isRepeat: true }) {
    steps.gate.mustBeOpen();
    const result = await steps.claims.make(made);
    switch (result.kind) {
      case 'accepted':
        return { accepted: result };
      case 'not_found':
        throw notFound('Conversation');
      case 'message_not_found':
        throw notFound('Message');
      case 'not_an_answer':
        throw invalid('parent_message_id', 'parent_message_id must name an answer');
      case 'unauthenticated': {
        const again = await steps.claims.askedAgain(request);
        if (again && 'steers' in again) return again;
        const joined = again && (await steps.join(again.turn));
        if (joined) return { joined };
        throw unauthenticated();
      }
      case 'calls_not_waiting':
        throw callsNotWaiting();
      case 'limited':
        throw limitError(result.reserved);
      case 'key_reused':
        throw keyReused();
      case 'steers':
        await steps.claims.bindTicket(request.principal, result.turnId);
        return { steers: result };
      case 'repeated': {
        if (!(await steps.claims.mayJoin(claim))) break;
        const joined = await join(result, request, steps);
        if (joined) return { joined };
        break;
      }
      case 'busy': {
        const joined = await joinOrMakeWay(result, claim, request, steps);
        if (joined) return { joined };
      }
    }
    steps.onRepeat();
  }
}

/** Returns why a turn does not fit the limits of its user. */
function limitError({ budget, need, isUnpriced }: Reserved): ParleyError {
  if (isUnpriced)
    return invalid('model', 'No price is known for this model, and costs are limited');
  // What stood in the way may be gone by now.
  return refusalOf(budget, need) ?? new ParleyError(BUSY);
}

const BUSY: Failure = {
  code: 'rate_limited',
  detail: 'Too much at once, try again',
  retryAfter: 1,
  violated: [],
};

/**
 * Handles a running turn as the request asks: joins it, waits for it or cancels it. Returns
 * undefined when the claim should be repeated.
 */
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
    return join(turn, request, steps);
  else if (request.onBusy === 'interrupt') await steps.cancel(turn);
  else if (mayStillSteer(claim, busy)) throw queueFull();
  else if (request.onBusy === 'queue') await steps.waitFor(busy.turnId);
  else throw turnInProgress(isHere ? {} : busy);
  return undefined;
}

/** Tells whether a message could have steered the turn in its way, had there been room for it. */
function mayStillSteer({ steering }: TurnClaim, { answerId, leaseLeftMs }: Busy): boolean {
  return steering !== undefined && leaseLeftMs >= 0 && (steering.after ?? answerId) === answerId;
}

/** Joins a turn; a ticket then reads that turn, and not the one that it was claimed for. */
async function join<Joined>(
  turn: TurnAddress,
  { principal }: TurnRequest,
  { claims, join: joinTurn }: AcceptSteps<Joined>,
): Promise<Joined | undefined> {
  await claims.bindTicket(principal, turn.turnId);
  return joinTurn(turn);
}

/** Returns the error for results and approvals that nothing waits for. */
function callsNotWaiting(): ParleyError {
  return invalid(
    'tool_results',
    'tool_results and approvals may only answer calls that wait at the end of an answer, each once',
  );
}

/**
 * Returns the error for a request that would have to wait for another turn.
 * @param leaseLeftMs set when the turn's process may have crashed: a repeat makes sense when its
 *   lease is over
 */
export function turnInProgress({ leaseLeftMs }: { leaseLeftMs?: number }): ParleyError {
  return new ParleyError({
    code: 'turn_in_progress',
    detail: 'Another turn is in progress in this conversation',
    retryAfter: leaseLeftMs === undefined ? undefined : Math.max(1, Math.ceil(leaseLeftMs / 1000)),
  });
}
