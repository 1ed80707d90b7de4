/**
 * Generates the answer: calls one model after the other until one produces output, then runs the
 * steps of that model, with tool calls between them.
 */
import { withoutTools } from '../../core/context.ts';
import { correctionFor } from '../../core/token-correction.ts';
import { ParleyError } from '../../core/errors.ts';
import { estimateTokens } from '../../core/tokens.ts';
import { OFFLINE_OPTIONS } from '../../models/offline/chat-model.ts';
import type { ChatModel } from '../../models/chat/registry.ts';
import type { RunDependencies, TurnJob } from './types.ts';
import { retrieverFor, type RetrievedContext } from './retrieve-context.ts';
import { buildPrompt } from './build-prompt.ts';
import { settleFiles } from './prompt-files.ts';
import { callModel } from './call-model.ts';
import { countUsage, type ModelCall, type ReportedUsage } from './count-usage.ts';
import { instructionsOf } from './instructions.ts';
import { hasWrittenAll, modelOptions, toolChoiceOf, windowFor } from './call-options.ts';
import { letJoin, letJoinFirst } from './steering.ts';
import type { StepResult } from './model-step.ts';
import type { OfferedTools, ToolContext } from '../tools/tool.ts';
import { continuePrompt } from '../tools/continue-prompt.ts';
import { ResultFiles } from '../tools/result-files.ts';
import { runToolCalls } from '../tools/run-tool-calls.ts';

export interface GenerateResult {
  model: ChatModel;
  /** The result of the last step. */
  step: StepResult;
  /** True when the answer ended with calls that the client has to answer. */
  waitsForClient: boolean;
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
  const isOverLimit = step.error instanceof ParleyError && step.error.violated !== undefined;
  const failed = (step.error !== undefined || step.late === true) && !isOverLimit;
  const hasTime = performance.now() < turn.startedAt + settings.timeLimits.totalMs;
  return failed && turn.firstTokenAt === undefined && !turn.stopReason && hasTime;
}

async function generateBy(
  model: ChatModel,
  job: TurnJob,
  retrieved: RetrievedContext,
  dependencies: RunDependencies,
): Promise<GenerateResult> {
  const { turn, conversation, parameters } = job;
  const { hasSearchableContent } = job;
  const offer = { conversation, model, hasSearchableContent, parameters };
  const tools = await dependencies.toolRegistry.toolsFor(offer);
  const context: ToolContext = {
    ...dependencies,
    conversation,
    tools,
    files: new ResultFiles(job, dependencies),
    trace: job.trace,
    deadline: turn.startedAt + dependencies.settings.timeLimits.totalMs,
    retriever: retrieverFor(job, dependencies.retriever),
  };
  const files = { model, db: dependencies.db, userId: conversation.userId };
  const first = firstPrompt(model, tools, job, retrieved, dependencies);
  const joining = job.isSteered ? await letJoinFirst(job, dependencies) : [];
  let prompt = await settleFiles([...first, ...joining], files);
  const calls: ModelCall[] = [];
  for (let count = 1; ; count++) {
    const options = {
      ...callOptions(job, retrieved, writtenBy(calls, job)),
      prompt,
      ...(count < MOST_STEPS ? offered(tools, job, count) : {}),
    };
    const textBefore = turn.parts.textLength;
    const start = turn.parts.end();
    const step = await callModel(model, options, job, dependencies);
    calls.push({ reported: step.usage, prompt, start, written: step.written });
    const result = { model, step, calls, otherUsage: retrieved.usage };
    const isLast = count >= MOST_STEPS || hasWrittenAll(parameters, writtenBy(calls, job));
    if (!wantsResults(step) || turn.stopReason || isLast)
      return { ...result, waitsForClient: false };
    const handled = await runToolCalls(turn, step.toolCalls, context);
    if (handled.some((call) => !call.result)) return { ...result, waitsForClient: true };
    const said = turn.parts.textFrom(textBefore);
    const more = continuePrompt({ said, calls: handled, takes: model.takes });
    const joined = await letJoin(job, dependencies);
    prompt = [...prompt, ...(await settleFiles([...more, ...joined], files))];
  }
}

function firstPrompt(
  model: ChatModel,
  { options, isOursAlone, takesCalls }: OfferedTools,
  { history, conversation, parameters, learned }: TurnJob,
  { passages }: RetrievedContext,
  { settings }: RunDependencies,
) {
  return buildPrompt({
    history: takesCalls ? history : history.map(withoutTools),
    instructions: instructionsOf({ conversation, parameters }),
    passages,
    window: windowFor(model.window, parameters),
    takes: model.takes,
    correction: correctionFor(learned, model.name),
    toolTokens: isOursAlone ? 0 : estimateTokens(JSON.stringify(options.tools)),
    settings: settings.context,
  });
}

/**
 * Returns true when the tool calls of a step should be run. Some services end such a step with a
 * plain `stop`; the calls of a step that was cut off cannot be trusted.
 */
function wantsResults({ finish, toolCalls, error }: StepResult): boolean {
  const ended = finish === 'tool-calls' || finish === 'stop';
  return ended && toolCalls.length > 0 && error === undefined;
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
