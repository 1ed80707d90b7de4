/** Reads, at the end of the batch that accepts a turn, what became of the claim. */
import type { LearnedRatio } from '../../core/token-correction.ts';
import { contentOf, decodeParts } from '../../core/parts.ts';
import { parseParameters } from '../json-columns.ts';
import { NOW, type Statement } from '../database.ts';
import type { TurnParameters } from '../../core/parameters.ts';
import { HELD, heldArgs } from '../credentials/confirm.ts';
import { KEY_LIFETIME_MS } from '../idempotency-keys.ts';
import type { Reserved } from '../limits/reserved.ts';
import { isOwned, ownerArgs } from '../ownership.ts';
import {
  CONVERSATION_COLUMNS,
  conversationFrom,
  number,
  optionalNumber,
  optionalText,
  text,
  type Row,
} from '../rows.ts';
import {
  confirmedByInsertion,
  keyArgs,
  type ClaimLimits,
  type ClaimResult,
  type TurnClaim,
} from './claim.ts';
import { HISTORY, historyArgs, historyFrom, IS_LINE } from './claim-history.ts';
import type { ClaimInput, Placement } from './placement.ts';
import { followsIn } from '../tree/followers.ts';

/**
 * Counts the messages after a parent. In a conversation that is one line each message has one after
 * it, and none is counted.
 * @param parent the condition on `s.parent_id`
 * @param depth of these messages
 * @param condition a further one on these messages `s`
 */
function countAfter(parent: string, depth: string, condition = ''): string {
  return `CASE WHEN ${IS_LINE} THEN 1 ELSE (SELECT count(*) FROM messages s
    WHERE ${followsIn('c.id', parent, depth)} ${condition}) END`;
}

const UP_TO_PROMPT = 'AND s.sequence_number <= prompt.sequence_number';

// What stands in the way is only looked up for a claim that was not accepted.
const selectResult = (
  first: string,
) => `SELECT ${first}${CONVERSATION_COLUMNS}, mine.sequence_number AS sequence_number, mine.started_at, mine.model AS turn_model, mine.parameters AS parameters,
    CASE WHEN mine.id IS NOT NULL THEN (${HISTORY}) END AS history,
    prompt.sequence_number AS prompt_sequence_number, prompt.parent_id AS prompt_parent_id,
    ${countAfter('IS prompt.parent_id', 'prompt.depth')} AS prompt_siblings,
    ${countAfter('IS prompt.parent_id', 'prompt.depth', UP_TO_PROMPT)} AS prompt_index,
    ${countAfter('= prompt.id', 'prompt.depth + 1')} AS answers,
    EXISTS (SELECT 1 FROM conversations o WHERE o.user_id = c.user_id AND o.id <> c.id)
      OR EXISTS (SELECT 1 FROM documents d WHERE d.user_id = c.user_id) AS has_searchable_content,
    running.id AS running_id, running.assistant_message_id AS running_answer_id, running.heartbeat_at + ? - ${NOW} AS lease_left, asked.parts AS running_parts,
    k.resource_id AS known_turn, k.fingerprint AS known_fingerprint, known.conversation_id AS known_conversation,
    named.role AS named_role, last.token_ratio, last.model AS last_model
  FROM (SELECT 1)
  LEFT JOIN conversations c ON c.id = ? AND ${isOwned('c.user_id')}
  LEFT JOIN turns mine ON mine.id = ? AND mine.state = 'running' AND mine.instance_id = ?
  LEFT JOIN messages prompt ON prompt.id = mine.prompt_message_id
  LEFT JOIN messages last ON last.id = prompt.parent_id
  LEFT JOIN turns running ON running.user_id = c.user_id AND running.conversation_id = CASE WHEN mine.id IS NULL THEN c.id END AND running.state = 'running'
  LEFT JOIN messages asked ON asked.id = running.prompt_message_id
  LEFT JOIN idempotency_keys k ON k.scope = CASE WHEN mine.id IS NULL THEN ? END AND k.key = ? AND k.created_at > ${NOW} - ${KEY_LIFETIME_MS}
  LEFT JOIN turns known ON known.id = k.resource_id
  LEFT JOIN messages named ON named.id = ? AND named.conversation_id = c.id`;

/** The column of what the turn was granted, where `grant.ts` did that. */
const GRANTED = 'mine.budget, ';
/** False where the insertion of the turn did not confirm the caller. */
const IS_HELD = `mine.id IS NOT NULL OR EXISTS (${HELD}) AS is_held, `;

/** The statement for any caller, and for one whom the insertion confirms. */
const SELECT_RESULT = { forAnyone: selectResult(''), confirming: selectResult(IS_HELD) };
const SELECT_GRANTED = {
  forAnyone: selectResult(GRANTED),
  confirming: selectResult(IS_HELD + GRANTED),
};

/** Returns the statement that reads the result of a claim, in one row. */
export function selectClaimResult(
  claim: TurnClaim,
  { promptId, namedId }: Placement,
  { leaseMs, windowMessages, isGranted }: ClaimLimits & { isGranted?: boolean },
): Statement {
  const forms = isGranted ? SELECT_GRANTED : SELECT_RESULT;
  const proof = confirmedByInsertion(claim);
  return {
    sql: proof ? forms.confirming : forms.forAnyone,
    args: [
      ...(proof ? heldArgs(proof) : []),
      ...historyArgs(promptId, windowMessages),
      leaseMs,
      claim.conversationId,
      ...ownerArgs(claim.principal),
      claim.turnId,
      claim.instanceId,
      ...keyArgs(claim),
      namedId,
    ],
    isOneRow: true,
  };
}

/**
 * Returns what became of a claim.
 * @param row of {@link selectClaimResult}
 * @param reserved undefined when nothing was to be reserved, or the turn was not inserted
 */
export function claimResultFrom(
  claim: TurnClaim,
  row: Row | undefined,
  reserved: Reserved | undefined,
): ClaimResult {
  return toldOf(claim, row, reserved) ?? notMade(claim);
}

/**
 * Returns what is told of a claim that was not made although nothing stands in its way: it was
 * released before it arrived, or what it follows is not as it was remembered.
 */
export function notMade({ input }: TurnClaim): ClaimResult {
  const answersCalls = input.kind === 'message' && input.answers !== undefined && !input.after;
  return { kind: answersCalls ? 'calls_not_waiting' : 'not_found' };
}

/**
 * Returns what became of a claim, or what stands in its way; undefined when it was not made
 * although nothing does.
 */
export function toldOf(
  claim: TurnClaim,
  row: Row | undefined,
  reserved: Reserved | undefined,
): ClaimResult | undefined {
  if (!row) return { kind: 'not_found' };
  if (row['is_held'] === 0) return { kind: 'unauthenticated' };
  const sequenceNumber = optionalNumber(row['sequence_number']);
  if (sequenceNumber !== null) return acceptedFrom(row, sequenceNumber, reserved);
  if (reserved) return { kind: 'limited', reserved };
  const knownTurn = optionalText(row['known_turn']);
  if (knownTurn !== null) return repeatedFrom(claim, row, knownTurn);
  if (optionalText(row['id']) === null) return { kind: 'not_found' };
  const named = namedMistake(claim.input, optionalText(row['named_role']));
  if (named) return named;
  const runningId = optionalText(row['running_id']);
  if (runningId === null) return undefined;
  return {
    kind: 'busy',
    turnId: runningId,
    answerId: text(row['running_answer_id']),
    text: contentOf(decodeParts(optionalText(row['running_parts']) ?? '')),
    leaseLeftMs: number(row['lease_left']),
  };
}

function acceptedFrom(
  row: Row,
  sequenceNumber: number,
  reserved: Reserved | undefined,
): ClaimResult {
  const answers = number(row['answers']);
  return {
    kind: 'accepted',
    conversation: conversationFrom(row),
    sequenceNumber,
    acceptedAt: number(row['started_at']),
    model: text(row['turn_model']),
    parameters: parametersFrom(row),
    prompt: {
      sequenceNumber: number(row['prompt_sequence_number']),
      parentId: optionalText(row['prompt_parent_id']),
      siblings: { index: number(row['prompt_index']), count: number(row['prompt_siblings']) },
    },
    siblings: { index: answers, count: answers },
    hasSearchableContent: row['has_searchable_content'] === 1,
    history: historyFrom(text(row['history'])),
    learned: learnedFrom(row),
    reserved,
  };
}

function parametersFrom(row: Row): TurnParameters | undefined {
  const stored = optionalText(row['parameters']);
  return stored === null ? undefined : parseParameters(stored);
}

function learnedFrom(row: Row): LearnedRatio | undefined {
  const ratio = optionalNumber(row['token_ratio']);
  return ratio === null ? undefined : { model: text(row['last_model']), ratio };
}

function repeatedFrom(claim: TurnClaim, row: Row, turnId: string): ClaimResult {
  if (row['known_fingerprint'] !== claim.idempotency?.fingerprint) return { kind: 'key_reused' };
  const conversationId = optionalText(row['known_conversation']);
  // What the first request made has been deleted since.
  if (conversationId === null && !claim.idempotency?.isForUnread) return { kind: 'not_found' };
  return { kind: 'repeated', turnId, conversationId: conversationId ?? claim.conversationId };
}

function namedMistake(input: ClaimInput, role: string | null): ClaimResult | undefined {
  if (input.kind === 'message' && typeof input.parentId !== 'string') return undefined;
  if (role === null) return { kind: 'message_not_found' };
  if (input.kind === 'message' && role === 'user' && !input.parentMayBeQuestion)
    return { kind: 'not_an_answer' };
  return undefined;
}
