/**
 * Decides how a turn ended, from the result of its last step. An answer is `complete` only when the
 * provider declared that it finished and no error came before.
 */
import type { Ending } from '../../store/turns/end-turn.ts';
import type { GenerateResult } from './generate.ts';
import { countUsage, estimateOutput, tokenRatio } from './count-usage.ts';
import type { Failure } from '../../core/errors.ts';
import type { FinishReason, Status } from '../../core/message.ts';
import { failureOfModel, modelFailure } from '../../models/failure.ts';
import type { RunningTurn, StopReason } from './running-turn.ts';
import type { StepResult } from './model-step.ts';

/** Returns the final state of an answer, from the results of its steps. */
export function endingOf(
  turn: RunningTurn,
  { model, step, waitsForClient, calls, otherUsage }: GenerateResult,
): Ending {
  const parts = turn.parts.all();
  const decision = decideEnding({
    step,
    hasText: turn.parts.textLength > 0,
    waitsForClient,
    stopped: turn.stopReason,
  });
  const tokens = countUsage({ calls, others: otherUsage, answer: turn.parts });
  const [firstCall] = calls;
  return {
    ...decision,
    parts,
    model: model.name,
    inputTokens: tokens.inputTokens,
    outputTokens: tokens.outputTokens,
    tokensEstimated: tokens.estimated,
    tokenRatio: firstCall ? tokenRatio(firstCall, model.window) : null,
    firstTokenMs:
      turn.firstTokenAt === undefined ? null : Math.round(turn.firstTokenAt - turn.startedAt),
    durationMs: Math.round(performance.now() - turn.startedAt),
  };
}

/** Returns the final state of an answer that failed outside a model call. */
export function brokenEnding(turn: RunningTurn, error: Failure): Ending {
  const parts = turn.parts.all();
  const isStopped = turn.stopReason === 'cancelled';
  return {
    status: isStopped ? 'cancelled' : turn.parts.textLength > 0 ? 'interrupted' : 'failed',
    ...(isStopped ? {} : { error }),
    parts,
    model: turn.head.model,
    inputTokens: null,
    outputTokens: estimateOutput(parts),
    tokensEstimated: true,
    tokenRatio: null,
    finishReason: null,
    firstTokenMs: null,
    durationMs: Math.round(performance.now() - turn.startedAt),
  };
}

export interface Decision {
  status: Status;
  finishReason: FinishReason | null;
  error?: Failure;
}

/** The finish reasons that count as declared, with the status that they mean. */
const FINISHES: Partial<
  Record<NonNullable<StepResult['finish']>, { status: Status; finishReason: FinishReason }>
> = {
  stop: { status: 'complete', finishReason: 'stop' },
  length: { status: 'truncated', finishReason: 'length' },
  'content-filter': { status: 'filtered', finishReason: 'content_filter' },
  // The limit of steps was reached, so the answer is cut off by us.
  'tool-calls': { status: 'truncated', finishReason: 'length' },
};

/**
 * Decides the status of an answer.
 * @param hasText whether any visible text was sent
 * @param waitsForClient whether calls wait that the client has to answer
 * @param stopped why the turn was stopped from outside, if it was
 */
export function decideEnding({
  step,
  hasText,
  waitsForClient = false,
  stopped,
}: {
  step: StepResult;
  hasText: boolean;
  waitsForClient?: boolean;
  stopped: StopReason | undefined;
}): Decision {
  if (stopped === 'cancelled') return { status: 'cancelled', finishReason: null };
  if (stopped) {
    return unfinished('interrupted', {
      code: 'shutting_down',
      detail: 'The server is shutting down; what was said is kept',
    });
  }
  if (waitsForClient) return { status: 'complete', finishReason: 'tool_calls' };
  if (step.late)
    return unfinished(hasText ? 'interrupted' : 'failed', modelFailure('model_timeout'));
  if (step.error !== undefined) {
    const broke = hasText && !step.serviceError;
    return unfinished(broke ? 'interrupted' : 'failed', failureOfModel(step.error));
  }
  if (step.tooLong) return { status: 'truncated', finishReason: 'length' };
  const finish = step.finish && FINISHES[step.finish];
  const mayBeEmpty = step.finish === 'length' || step.finish === 'content-filter';
  if (finish && (hasText || mayBeEmpty)) return { ...finish };
  if (hasText) return unfinished('interrupted', modelFailure('model_error'));
  return unfinished('failed', modelFailure('model_empty'));
}

function unfinished(status: Status, error: Failure): Decision {
  return { status, finishReason: null, error };
}
