/** Makes what the database takes of a request: its message, and how it steers a turn that runs. */
import { estimateMessage } from '../../core/context.ts';
import { notFound } from '../../core/errors.ts';
import type { HistoryEnd } from '../../core/exchange.ts';
import { newId } from '../../core/ids.ts';
import { contentOf, encodeParts } from '../../core/parts.ts';
import { keyIdOf } from '../../core/principal.ts';
import { answersIn } from '../../core/tool-calls.ts';
import type { TurnClaim } from '../../store/turns/claim.ts';
import type { ClaimInput } from '../../store/turns/placement.ts';
import type { TurnInput, TurnRequest } from '../turn-service.ts';
import type { KnownAnswer } from './known-answers.ts';

/**
 * Returns the claim with what is stored when its message steers a running turn: only one that says
 * something at the end of the active path can, or after the answer that runs.
 */
export function withSteering(claim: TurnClaim, request: TurnRequest): TurnClaim {
  const { input, turnId, assistantMessageId: answerId, answerClientId, model } = claim;
  if (input.kind !== 'message' || input.answers || input.parentMayBeQuestion) return claim;
  if (input.parentId === null || claim.create) return claim;
  const { messageId: id, parts, textLength, tokens, clientId } = input;
  const message = {
    ...{ id, parts: encodeParts(parts), textLength, tokens, clientId },
    ...{ turnId, answerId, answerClientId, model, parameters: claim.parameters ?? null },
    scope: claim.idempotency?.scope ?? null,
    key: claim.idempotency?.key ?? null,
    keyId: keyIdOf(claim.principal) ?? null,
    createdAt: '',
  };
  const after = input.parentId ?? null;
  return { ...claim, steering: { message, after, joinsSameText: request.joinSameText } };
}

/** Returns the input as the database takes it, with an id for a new message. */
export function claimInput(input: TurnInput): ClaimInput {
  if (input.kind === 'regenerate') return input;
  const {
    parts,
    parentId,
    parentMayBeQuestion = false,
    clientId = null,
    historyHash = null,
  } = input;
  const text = contentOf(parts);
  return {
    kind: 'message',
    messageId: newId(),
    parts,
    textLength: text.length,
    tokens: estimateMessage({ role: 'user', parts }),
    parentId,
    // An edited message keeps its results, which were taken with the old one.
    answers: parentMayBeQuestion ? undefined : answersIn(parts),
    parentMayBeQuestion,
    clientId,
    historyHash,
  };
}

/**
 * Places a message after an answer that is remembered here.
 * @param known undefined where it is not
 * @throws ParleyError `not_found`
 */
export function placedAfter(
  claim: TurnClaim,
  { question }: HistoryEnd,
  known: KnownAnswer | undefined,
): TurnClaim {
  const { input, reservation } = claim;
  if (!known || input.kind !== 'message') throw notFound('Message');
  const after = { question, textLength: known.textLength };
  return {
    ...claim,
    input: { ...input, parentId: known.id, after },
    reservation: reservation && { ...reservation, from: known.id, atHead: false },
  };
}

/** Returns the text of a new message; empty when a stored message is answered again. */
export function textOfInput(input: TurnInput): string {
  return input.kind === 'message' ? contentOf(input.parts) : '';
}
