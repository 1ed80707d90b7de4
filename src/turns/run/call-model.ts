/** Calls a model for one step of a turn, and tells the operator when it fails. */
import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import { ParleyError } from '../../core/errors.ts';
import { estimateTokens } from '../../core/tokens.ts';
import type { ChatModel } from '../../models/chat/registry.ts';
import { describeFailure } from '../../models/describe-failure.ts';
import { modelFailure } from '../../models/failure.ts';
import { isDeclared, runStep, type StepResult } from './model-step.ts';
import { withoutToolMessages } from './prompt-messages.ts';
import type { RunDependencies, TurnJob } from './types.ts';

/**
 * Calls a model, and once more without tools when it refuses them. The tools of a client are not
 * left out: it would wait for calls that cannot come.
 */
export async function callModel(
  model: ChatModel,
  options: LanguageModelV4CallOptions,
  job: TurnJob,
  dependencies: RunDependencies,
): Promise<StepResult> {
  const { turn, parameters } = job;
  const { settings, toolRegistry } = dependencies;
  const call = async (given: LanguageModelV4CallOptions) => {
    const deadline = turn.startedAt + settings.timeLimits.totalMs;
    return runStep({ turn, model, options: given, limits: settings.timeLimits, deadline });
  };
  const told = (step: StepResult) => {
    tellOperator(step, model, job, dependencies);
    return step;
  };
  const step = await call(options);
  const mayBeRefusal = step.error !== undefined && toolRegistry.mayBeRefusal(step.error);
  const isBound = parameters?.tools !== undefined || !isAboutTools(options);
  if (isBound || step.spoke || !mayBeRefusal || turn.stopReason) return told(step);
  const { tools: _, toolChoice: __, ...without } = options;
  const second = await call({ ...without, prompt: withoutToolMessages(options.prompt) });
  if (second.error === undefined) toolRegistry.learnRefusal(model, step.error);
  return told(second);
}

/** Returns true for a call that offers tools, or tells of earlier calls. */
function isAboutTools({ tools, prompt }: LanguageModelV4CallOptions): boolean {
  return tools !== undefined || prompt.some(({ role }) => role === 'tool');
}

/**
 * Reports the failure of a step to the operator, with its reason; clients get one sentence. */
function tellOperator(
  step: StepResult,
  { name, failureContext }: ChatModel,
  { turn }: TurnJob,
  { log }: RunDependencies,
): void {
  const error = failureOf(step);
  if (turn.stopReason || error === undefined) return;
  const tokens = estimateTokens(turn.parts.textFrom(0));
  const why = describeFailure(error, { ...failureContext, tokens });
  log.error('the model failed', { turn_id: turn.head.turnId, model: name, error: why });
}

/** Returns the error of a step; a stream without a declared finish is an error too. */
function failureOf({ error, late, tooLong, finish, toolCalls }: StepResult): unknown {
  if (late) return new ParleyError(modelFailure('model_timeout'));
  if (error !== undefined || tooLong || toolCalls.length > 0) return error;
  return isDeclared(finish) ? undefined : new ParleyError(modelFailure('model_error'));
}
