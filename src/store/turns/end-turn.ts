/** Stores the end of a turn, as its owner decided it. No write of anybody else succeeds. */
import type { Failure } from '../../core/errors.ts';
import type { LedgerEntry } from '../../core/ledger.ts';
import type { Message, StoredTurn, TurnHead } from '../../core/message.ts';
import { contentOf, encodeParts } from '../../core/parts.ts';
import { ANYONE } from '../../core/principal.ts';
import { NOW, type Database, type ResultSet, type Statement } from '../database.ts';
import {
  asksForStanding,
  selectStanding,
  standingFrom,
  type StandingAsk,
} from '../limits/standing-at-end.ts';
import { keepSums } from '../limits/usage-sums.ts';
import { batch } from '../query.ts';
import { recordCalls } from '../usage/ledger.ts';
import { RUNNING_HERE } from './checkpoint.ts';
import { selectTurn, turnFrom } from './read.ts';

/** An answer's last state, as its owner decided it. */
export type Ending = Pick<
  Message,
  | 'status'
  | 'parts'
  | 'inputTokens'
  | 'outputTokens'
  | 'tokensEstimated'
  | 'finishReason'
  | 'isValid'
  | 'firstTokenMs'
  | 'durationMs'
  | 'model'
> & {
  error?: Failure;
  /**
   * The prompt's tokens as the provider counted them, divided by our estimate; null when they were
   * not compared.
   */
  tokenRatio: number | null;
};

/** The end of a turn, and what is written with it. */
export interface TurnEnd {
  head: TurnHead;
  instanceId: string;
  ending: Ending;
  /** The calls of models that the turn has made: they count, whoever has ended the turn. */
  calls: readonly LedgerEntry[];
  /**
   * The number of messages that came to steer the turn and have been handled; none unless given.
   * Where there are more, the turn does not end: they would be lost.
   */
  handled?: number;
  /** The tokens of the last prompt and of the answer's text, where they were counted. */
  contextTokens?: number | undefined;
  /** Asks how the limits of the user stand then; undefined where there are none. */
  budgetOf?: StandingAsk | undefined;
  retryForMs: number;
}

/**
 * Stores the end of a turn; safe to repeat.
 * @returns what is stored now: this ending, or another when the turn had been taken away, or the
 *   turn still running when it is steered by more than was handled; undefined when it was deleted
 */
export async function endTurn(db: Database, end: TurnEnd): Promise<StoredTurn | undefined> {
  // A power cut may cost an answer its last second anyway; this adds 20 ms to it.
  const results = await db.batch(endStatements(end), 'write-unflushed', end.retryForMs);
  return endedFrom(db, results, end);
}

/** Returns the statements that store the end of a turn; {@link endedFrom} reads their results. */
export function endStatements({ head, instanceId, ending, calls, ...end }: TurnEnd): Statement[] {
  const { handled = 0, budgetOf, contextTokens } = end;
  const endedTurn = { calls, durationMs: ending.durationMs };
  return [
    // Before the entries, which are then added to the sums.
    ...(budgetOf && !budgetOf.before.areSumsKept ? keepSums(budgetOf.userId, budgetOf) : []),
    ...recordCalls(calls, head.acceptedAt),
    updateAnswer(head, { instanceId, handled }, ending, contextTokens),
    ...(isRefusal(ending) ? [refusePrompt(head, { instanceId, handled })] : []),
    closeTurn(head, { instanceId, handled }, ending),
    ...(budgetOf && asksForStanding(budgetOf, endedTurn) ? [selectStanding(budgetOf)] : []),
  ];
}

/** Reads what is stored of a turn after the statements of {@link endStatements}. */
export async function endedFrom(
  db: Database,
  results: readonly ResultSet[],
  { head, ending, calls, budgetOf, retryForMs }: Omit<TurnEnd, 'handled'>,
): Promise<StoredTurn | undefined> {
  const turn = { calls, durationMs: ending.durationMs };
  const isAsked = budgetOf !== undefined && asksForStanding(budgetOf, turn);
  if (results.at(isAsked ? -2 : -1)?.rowsAffected === 1) {
    const rows = isAsked ? results.at(-1)?.values : undefined;
    return {
      head,
      running: false,
      hasHeartbeat: true,
      message: endedMessage(head, ending),
      error: ending.error,
      limits: budgetOf && (await standingFrom(db, rows, budgetOf, turn)),
    };
  }
  // The turn is steered, or was ended, taken over or deleted before: by somebody else, or by this
  // very batch when its answer was lost.
  const [[stored]] = await batch(db, [selectTurn(head.turnId, ANYONE)], 'read', retryForMs);
  return stored && turnFrom(stored);
}

/** Returns the answer as an ending leaves it. */
export function endedMessage(
  head: TurnHead,
  { error: _, tokenRatio: __, ...ending }: Ending,
): Message {
  return {
    ...ending,
    id: head.assistantMessage.id,
    conversationId: head.conversationId,
    turnId: head.turnId,
    parentId: head.userMessage.id,
    siblings: head.assistantMessage.siblings,
    role: 'assistant',
    isRefused: false,
    clientId: null,
    sequenceNumber: head.assistantMessage.sequenceNumber,
    createdAt: head.acceptedAt,
  };
}

/** The instance that closes a turn, and how many messages that steered it were handled. */
type Closing = Required<Pick<TurnEnd, 'instanceId' | 'handled'>>;

/**
 * True when no more messages came to steer a turn than have been handled: it takes their number.
 */
function isHandled(column: string): string {
  return `(${column} IS NULL OR json_array_length('[' || replace(${column}, char(10), ',') || ']') <= ?)`;
}

const OWNED_AT_END = `EXISTS (${RUNNING_HERE} AND ${isHandled('t.steering')})`;

const UPDATE_ANSWER = `UPDATE messages SET status = ?, parts = ?, text_length = ?, model = ?, input_tokens = ?, output_tokens = ?, tokens_estimated = ?,
  finish_reason = ?, is_valid = ?, first_token_ms = ?, duration_ms = ?, token_ratio = ?, context_tokens = ? WHERE id = ? AND ${OWNED_AT_END}`;

function updateAnswer(
  head: TurnHead,
  { instanceId, handled }: Closing,
  ending: Ending,
  contextTokens: number | undefined,
): Statement {
  return {
    sql: UPDATE_ANSWER,
    args: [
      ending.status,
      encodeParts(ending.parts),
      contentOf(ending.parts).length,
      ending.model,
      ending.inputTokens,
      ending.outputTokens,
      ending.tokensEstimated ? 1 : 0,
      ending.finishReason,
      typeof ending.isValid === 'boolean' ? Number(ending.isValid) : null,
      ending.firstTokenMs,
      ending.durationMs,
      ending.tokenRatio,
      contextTokens ?? null,
      head.assistantMessage.id,
      instanceId,
      handled,
    ],
  };
}

const CLOSE_TURN = `UPDATE turns SET state = 'ended', ended_at = ${NOW}, error = ?, model = ?, budget = NULL
  WHERE id = ? AND state = 'running' AND instance_id = ? AND ${isHandled('steering')}`;

function closeTurn(head: TurnHead, { instanceId, handled }: Closing, { error }: Ending): Statement {
  const failure = error ? JSON.stringify(error) : null;
  return { sql: CLOSE_TURN, args: [failure, head.model, head.turnId, instanceId, handled] };
}

/** Failures by which a model's service says that it will never answer this message. */
const REFUSALS: ReadonlySet<string> = new Set(['context_too_long', 'model_refused']);

function isRefusal({ status, error }: Ending): boolean {
  return status === 'failed' && error !== undefined && REFUSALS.has(error.code);
}

/** A message that was refused for good is kept and shown, and left out of later contexts. */
function refusePrompt(head: TurnHead, { instanceId, handled }: Closing): Statement {
  return {
    sql: `UPDATE messages SET is_refused = 1 WHERE id = ? AND EXISTS (SELECT 1 FROM turns t WHERE t.id = ? AND t.state = 'running' AND t.instance_id = ? AND ${isHandled('t.steering')})`,
    args: [head.userMessage.id, head.turnId, instanceId, handled],
  };
}
