/**
 * Generates the answer: calls one model after the other until one produces output, then runs the
 * steps of that model, with tool calls between them.
 */
import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import { withoutTools } from '../../core/context.ts';
import { correctionFor } from '../../core/token-correction.ts';
import { OFFLINE_OPTIONS } from '../../models/offline/chat-model.ts';
import { describeFailure } from '../../models/describe-failure.ts';
import { modelFailure } from '../../models/failure.ts';
import { ParleyError } from '../../core/errors.ts';
import { estimateTokens } from '../../core/tokens.ts';
import type { ChatModel } from '../../models/chat/registry.ts';
import type { RunDependencies, TurnJob } from './types.ts';
import type { RetrievedContext } from './retrieve-context.ts';
import { withoutToolMessages } from './prompt-messages.ts';
import { buildPrompt } from './build-prompt.ts';
import { countUsage, type ModelCall, type ReportedUsage } from './count-usage.ts';
import { hasWrittenAll, modelOptions, toolChoiceOf, windowFor } from './call-options.ts';
import { isDeclared, runStep, type StepResult } from './model-step.ts';
import type { OfferedTools } from '../tools/tool.ts';
import { continuePrompt, runToolCalls, type ToolContext } from '../tools/run-tool-calls.ts';

export interface GenerateResult {
  model: ChatModel;
  /** The result of the last step. */
  step: StepResult;
  /** The calls of the steps, in order. */
  calls: ModelCall[];
  /** The token counts of calls before the first step. */
  otherUsage: ReportedUsage[];
}

/** The most model calls in one turn, which stops a model that only ever calls tools. */
const MOST_STEPS = 5;

/**
 * Calls the models in their order until one produces output. After its first token no other is
 * tried.
 */
export async function generate(
  job: TurnJob,
  retrieved: RetrievedContext,
  dependencies: RunDependencies,
): Promise<GenerateResult> {
  const [first, ...fallbacks] = job.models;
  let generated = await generateBy(first, job, retrieved, dependencies);
  for (const model of fallbacks) {
    if (!mayFallBack(generated.step, job, dependencies)) break;
    generated = await generateBy(model, job, retrieved, dependencies);
  }
  return generated;
}

function mayFallBack(step: StepResult, { turn }: TurnJob, { settings }: RunDependencies): boolean {
  const failed = step.error !== undefined || step.late === true;
  const hasTime = performance.now() < turn.startedAt + settings.timeLimits.totalMs;
  return failed && turn.firstTokenAt === undefined && !turn.stopReason && hasTime;
}

async function generateBy(
  model: ChatModel,
  job: TurnJob,
  retrieved: RetrievedContext,
  dependencies: RunDependencies,
): Promise<GenerateResult> {
  const { turn, conversation, history } = job;
  const tools = await dependencies.toolRegistry.toolsFor({
    conversation,
    model,
    hasSearchableContent: job.hasSearchableContent,
  });
  const context: ToolContext = {
    conversation,
    tools,
    retriever: dependencies.retriever,
    log: dependencies.log,
    db: dependencies.db,
  };
  let prompt = buildPrompt({
    // A model that is offered no tools may not understand earlier tool calls.
    history: tools.options.tools ? history : history.map(withoutTools),
    instructions: job.parameters?.instructions ?? conversation.instructions,
    passages: retrieved.passages,
    window: windowFor(model.window, job.parameters),
    correction: correctionFor(job.learned, model.name),
    settings: dependencies.settings.context,
  });
  const calls: ModelCall[] = [];
  for (let count = 1; ; count++) {
    const written = writtenBy(calls, job);
    const options = {
      ...callOptions(job, retrieved, written),
      prompt,
      ...(count < MOST_STEPS ? offered(tools, job, count) : {}),
    };
    const textBefore = turn.parts.textLength;
    const start = turn.parts.end();
    const step = await callModel(model, options, job, dependencies);
    calls.push({ reported: step.usage, prompt, start });
    tellOperator(step, model, job, dependencies);
    const isLast = count >= MOST_STEPS || hasWrittenAll(job.parameters, writtenBy(calls, job));
    if (!wantsResults(step) || turn.stopReason || isLast)
      return { model, step, calls, otherUsage: retrieved.usage };
    const results = await runToolCalls(turn, step.toolCalls, context);
    prompt = continuePrompt(prompt, {
      said: turn.parts.textFrom(textBefore),
      calls: step.toolCalls,
      results,
    });
  }
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

/**
 * Returns true when the tool calls of a step should be run. Some services end such a step with a
 * plain `stop`; the calls of a step that was cut off cannot be trusted.
 */
function wantsResults({ finish, toolCalls, error }: StepResult): boolean {
  const ended = finish === 'tool-calls' || finish === 'stop';
  return ended && toolCalls.length > 0 && error === undefined;
}

/** Calls a model, and once more without tools when it refuses them. */
async function callModel(
  model: ChatModel,
  options: LanguageModelV4CallOptions,
  { turn }: TurnJob,
  { settings, toolRegistry }: RunDependencies,
): Promise<StepResult> {
  const call = (given: LanguageModelV4CallOptions) => {
    const deadline = turn.startedAt + settings.timeLimits.totalMs;
    return runStep({ turn, model, options: given, limits: settings.timeLimits, deadline });
  };
  const step = await call(options);
  const mayBeRefusal = step.error !== undefined && toolRegistry.mayBeRefusal(step.error);
  if (!options.tools || step.spoke || !mayBeRefusal || turn.stopReason) return step;
  const { tools: _, toolChoice: __, ...without } = options;
  const second = await call({ ...without, prompt: withoutToolMessages(options.prompt) });
  if (second.error !== undefined) return second;
  toolRegistry.learnRefusal(model, step.error);
  return second;
}

/** Returns the options of a step, besides its prompt and its tools. */
function callOptions({ parameters }: TurnJob, { sources }: RetrievedContext, written: number) {
  const options = modelOptions(parameters, written);
  if (!sources) return options;
  // The offline model cannot tell passages from the question in any other way. The value is JSON,
  // which the library's type does not express.
  const passages = { [OFFLINE_OPTIONS]: { sources: JSON.parse(JSON.stringify(sources)) } };
  return { ...options, providerOptions: { ...options.providerOptions, ...passages } };
}

/** Returns the options that offer the tools of a step. */
function offered({ options }: OfferedTools, { parameters }: TurnJob, step: number) {
  if (!options.tools || !parameters?.tool_choice) return options;
  return { ...options, toolChoice: toolChoiceOf(parameters.tool_choice, step) };
}

/** Returns the tokens that the model has written so far; counted only for a turn with a limit. */
function writtenBy(calls: readonly ModelCall[], { parameters, turn }: TurnJob): number {
  if (parameters?.max_output_tokens === undefined || calls.length === 0) return 0;
  return countUsage({ calls, others: [], answer: turn.parts }).outputTokens;
}
