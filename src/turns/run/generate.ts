/** The answer, by the models: a chain of fallbacks until one speaks, and the steps of the one that did, with tools between them. */
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
import type { ModelCall, ReportedUsage } from './count-usage.ts';
import { isDeclared, runStep, type Step } from './model-step.ts';
import { continuePrompt, runToolCalls, type ToolContext } from '../tools/run-tool-calls.ts';

export interface GenerateResult {
  model: ChatModel;
  /** The last step. */
  step: Step;
  /** One for each step. */
  calls: ModelCall[];
  /** What was reported of the calls that came before the first step. */
  otherUsage: ReportedUsage[];
}

/** Calls of the model in one turn: a model that only ever calls tools is stopped. */
const MOST_STEPS = 5;

/** Asks the models in their order until one speaks; after its first token no other may. */
export async function generate(
  work: TurnJob,
  grounding: RetrievedContext,
  services: RunDependencies,
): Promise<GenerateResult> {
  const [first, ...fallbacks] = work.models;
  let generated = await generateBy(first, work, grounding, services);
  for (const model of fallbacks) {
    if (!mayFallBack(generated.step, work, services)) break;
    generated = await generateBy(model, work, grounding, services);
  }
  return generated;
}

function mayFallBack(step: Step, { live }: TurnJob, { settings }: RunDependencies): boolean {
  const failed = step.error !== undefined || step.late === true;
  const hasTime = performance.now() < live.startedAt + settings.timeLimits.totalMs;
  return failed && live.firstTokenAt === undefined && !live.stopReason && hasTime;
}

async function generateBy(
  model: ChatModel,
  work: TurnJob,
  grounding: RetrievedContext,
  services: RunDependencies,
): Promise<GenerateResult> {
  const { live, conversation, history } = work;
  const tools = await services.toolbox.toolsFor({
    conversation,
    model,
    hasSearchableContent: work.hasSearchableContent,
  });
  const context: ToolContext = {
    conversation,
    tools,
    retriever: services.retriever,
    report: services.report,
    db: services.db,
  };
  let prompt = buildPrompt({
    // A model that is offered no tools may not know what to do with earlier calls.
    history: tools.options.tools ? history : history.map(withoutTools),
    instructions: conversation.instructions,
    passages: grounding.passages,
    window: model.window,
    correction: correctionFor(work.learned, model.name),
    settings: services.settings.context,
  });
  const calls: ModelCall[] = [];
  for (let count = 1; ; count++) {
    const options = {
      ...optionsOf(grounding),
      prompt,
      ...(count < MOST_STEPS ? tools.options : {}),
    };
    const textBefore = live.parts.textLength;
    const start = live.parts.end();
    const step = await callModel(model, options, work, services);
    calls.push({ reported: step.usage, prompt, start });
    tellOperator(step, model, work, services);
    if (!wantsResults(step) || live.stopReason || count >= MOST_STEPS)
      return { model, step, calls, otherUsage: grounding.usage };
    const results = await runToolCalls(live, step.toolCalls, context);
    prompt = continuePrompt(prompt, {
      said: live.parts.textFrom(textBefore),
      calls: step.toolCalls,
      results,
    });
  }
}

/** Clients hear one sentence; the log says why. The model's name may be a client's own words. */
function tellOperator(
  step: Step,
  { name, failureContext }: ChatModel,
  { live }: TurnJob,
  { report }: RunDependencies,
): void {
  const error = failureOf(step);
  if (live.stopReason || error === undefined) return;
  const tokens = estimateTokens(live.parts.textFrom(0));
  const why = describeFailure(error, { ...failureContext, tokens });
  report(`turn ${live.head.turnId}: the model ${JSON.stringify(name)} failed`, why);
}

/** What went wrong with a step, a finish that was never declared included. */
function failureOf({ error, late, tooLong, finish, toolCalls }: Step): unknown {
  if (late) return new ParleyError(modelFailure('model_timeout'));
  if (error !== undefined || tooLong || toolCalls.length > 0) return error;
  return isDeclared(finish) ? undefined : new ParleyError(modelFailure('model_error'));
}

/** Some services end a step that calls tools by a plain `stop`; one that was cut has no calls to be trusted. */
function wantsResults({ finish, toolCalls, error }: Step): boolean {
  const ended = finish === 'tool-calls' || finish === 'stop';
  return ended && toolCalls.length > 0 && error === undefined;
}

/** A model that refuses the very offer of tools is asked without. */
async function callModel(
  model: ChatModel,
  options: LanguageModelV4CallOptions,
  { live }: TurnJob,
  { settings, toolbox }: RunDependencies,
): Promise<Step> {
  const call = (given: LanguageModelV4CallOptions) => {
    const deadline = live.startedAt + settings.timeLimits.totalMs;
    return runStep({ live, model, options: given, limits: settings.timeLimits, deadline });
  };
  const step = await call(options);
  const mayBeRefusal = step.error !== undefined && toolbox.mayBeRefusal(step.error);
  if (!options.tools || step.spoke || !mayBeRefusal || live.stopReason) return step;
  const { tools: _, toolChoice: __, ...without } = options;
  const second = await call({ ...without, prompt: withoutToolMessages(options.prompt) });
  if (second.error !== undefined) return second;
  toolbox.learnRefusal(model, step.error);
  return second;
}

function optionsOf({
  sources,
}: RetrievedContext): Pick<LanguageModelV4CallOptions, 'providerOptions'> {
  // The offline model has no other way to tell passages from a question. JSON, though the library's type does not see it.
  return sources
    ? { providerOptions: { [OFFLINE_OPTIONS]: { sources: JSON.parse(JSON.stringify(sources)) } } }
    : {};
}
