/** How a turn ended: a pure decision over what its last step came to. Only a finish that the provider declared, with no error before it, is `complete`. */
import type { Ending } from '../../store/turns/checkpoint.ts';
import type { GenerateResult } from './generate.ts';
import { countUsage, estimateOutput, tokenRatio } from './count-usage.ts';
import type { Failure } from '../../core/errors.ts';
import type { FinishReason, Status } from '../../core/message.ts';
import { failureOfModel, modelFailure } from '../../models/failure.ts';
import type { RunningTurn, StopReason } from './running-turn.ts';
import type { Step } from './model-step.ts';

/** The last state of an answer, from what its steps came to. */
export function endingOf(
  live: RunningTurn,
  { model, step, calls, otherUsage }: GenerateResult,
): Ending {
  const parts = live.parts.all();
  const decision = decideEnding({
    step,
    hasText: live.parts.textLength > 0,
    stopped: live.stopReason,
  });
  const tokens = countUsage({ calls, others: otherUsage, answer: live.parts });
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
      live.firstTokenAt === undefined ? null : Math.round(live.firstTokenAt - live.startedAt),
    durationMs: Math.round(performance.now() - live.startedAt),
  };
}

/** The last state of an answer that could not be gone on with. */
export function brokenEnding(live: RunningTurn, error: Failure): Ending {
  const parts = live.parts.all();
  const isStopped = live.stopReason === 'cancelled';
  return {
    status: isStopped ? 'cancelled' : live.parts.textLength > 0 ? 'interrupted' : 'failed',
    ...(isStopped ? {} : { error }),
    parts,
    model: live.head.model,
    inputTokens: null,
    outputTokens: estimateOutput(parts),
    tokensEstimated: true,
    tokenRatio: null,
    finishReason: null,
    firstTokenMs: null,
    durationMs: Math.round(performance.now() - live.startedAt),
  };
}

export interface Decision {
  status: Status;
  finishReason: FinishReason | null;
  error?: Failure;
}

/** The finishes that count as declared, and what they mean. */
const FINISHES: Partial<
  Record<NonNullable<Step['finish']>, { status: Status; finishReason: FinishReason }>
> = {
  stop: { status: 'complete', finishReason: 'stop' },
  length: { status: 'truncated', finishReason: 'length' },
  'content-filter': { status: 'filtered', finishReason: 'content_filter' },
  // The bound of steps was reached: what was said is cut by us.
  'tool-calls': { status: 'truncated', finishReason: 'length' },
};

/**
 * @param hasText whether any visible text was sent
 * @param stopped why the turn was stopped from outside, if it was
 */
export function decideEnding({
  step,
  hasText,
  stopped,
}: {
  step: Step;
  hasText: boolean;
  stopped: StopReason | undefined;
}): Decision {
  if (stopped === 'cancelled') return { status: 'cancelled', finishReason: null };
  if (stopped) {
    return unfinished('interrupted', {
      code: 'shutting_down',
      detail: 'The server is shutting down; what was said is kept',
    });
  }
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
