/** Calls a model for one step of a turn, and tells the operator when it fails. */
import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import { textOf } from '../../core/context.ts';
import { ParleyError } from '../../core/errors.ts';
import { estimateTokens } from '../../core/tokens.ts';
import type { ChatModel } from '../../models/chat/registry.ts';
import { describeFailure } from '../../models/describe-failure.ts';
import { modelFailure } from '../../models/failure.ts';
import { isRefusedByStatus } from '../../models/service-error.ts';
import type { Database } from '../../store/database.ts';
import { withRoomFor } from './byte-gate.ts';
import { isDeclared, runStep, type StepResult } from './model-step.ts';
import { bytesNamedIn, withBytes } from './prompt-files.ts';
import { withoutToolMessages } from './prompt-messages.ts';
import type { AskedOfModel } from './turn-teller.ts';
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
  const { toolRegistry } = dependencies;
  const call = (given: LanguageModelV4CallOptions) => callOnce(model, given, job, dependencies);
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

/** Calls a model once, if that fits the limits of the user, and notes the call for the ledger. */
async function callOnce(
  model: ChatModel,
  wanted: LanguageModelV4CallOptions,
  { turn, budget, trace }: TurnJob,
  { db, settings: { timeLimits: limits } }: RunDependencies,
): Promise<StepResult> {
  const spent = () => turn.calls.total(turn.parts);
  const { answer } = model.window;
  const options = budget ? await budget.admit(db, wanted, { spent, answer }) : wanted;
  if (options instanceof ParleyError) return stepNotTaken(options);
  const wasStopped = turn.stopReason !== undefined;
  const said = turn.parts.end();
  const deadline = turn.startedAt + limits.totalMs;
  const granted = budget?.isBounded ? options.maxOutputTokens : undefined;
  const rest = { turn, model, limits, deadline, granted };
  const bytes = bytesNamedIn(options.prompt);
  const traced = trace?.beginCall();
  const step = await withFiles(options, { bytes, db, turn, deadline }, (sent) =>
    runStep({ ...rest, options: sent, headers: traced?.headers }),
  );
  if (traced) trace?.endCall(traced, toldOf(model, options, bytes), step);
  if (wasStopped) return step;
  const isRefused = !step.spoke && isRefusedByStatus(step.error);
  const { usage: reported, written } = step;
  turn.calls.add({
    ...{ kind: 'answer', model: model.name, reported },
    ...{ prompt: options.prompt, said, written, isRefused },
  });
  return step;
}

/** A call whose prompt names files of so many bytes together. */
interface CallWithFiles {
  bytes: number;
  db: Database;
  turn: TurnJob['turn'];
  deadline: number;
}

/** Makes a step whose prompt has files with their bytes, when there is room for them. */
async function withFiles(
  options: LanguageModelV4CallOptions,
  { bytes, db, turn, deadline }: CallWithFiles,
  step: (options: LanguageModelV4CallOptions) => Promise<StepResult>,
): Promise<StepResult> {
  if (bytes === 0) return step(options);
  const mayWait = () => !turn.stopReason && performance.now() < deadline;
  try {
    return await withRoomFor(bytes, mayWait, async () =>
      step({ ...options, prompt: await withBytes(options.prompt, db) }),
    );
  } catch (error) {
    if (error instanceof ParleyError) return stepNotTaken(error);
    throw error;
  }
}

/** Returns what may be told of a call. @param bytes of the files that its prompt names */
function toldOf(
  model: ChatModel,
  options: LanguageModelV4CallOptions,
  bytes: number,
): AskedOfModel {
  const modality = bytes > 0 ? 'unknown' : 'text';
  return { model, parameters: parametersToTell(options), modality };
}

/** The attributes of a call that may be told: numbers, and nothing that was said. */
function parametersToTell({
  responseFormat,
  maxOutputTokens,
  temperature,
  topP,
  seed,
}: LanguageModelV4CallOptions) {
  return {
    'gen_ai.output.type': responseFormat?.type,
    'gen_ai.request.max_tokens': maxOutputTokens,
    'gen_ai.request.temperature': temperature,
    'gen_ai.request.top_p': topP,
    'gen_ai.request.seed': seed,
  };
}

function stepNotTaken(error: ParleyError): StepResult {
  return { finish: undefined, usage: undefined, toolCalls: [], spoke: false, error };
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
  { turn, history, conversation, parameters }: TurnJob,
  { log }: RunDependencies,
): void {
  const error = failureOf(step);
  if (turn.stopReason || error === undefined) return;
  const tokens = estimateTokens(turn.parts.textFrom(0));
  const { instructions = '', more_instructions: more = '' } = parameters ?? {};
  const texts = [conversation.instructions ?? '', instructions, more, ...history.map(textOf)];
  const why = describeFailure(error, { ...failureContext, texts, tokens });
  log.error('the model failed', { turn_id: turn.head.turnId, model: name, error: why });
}

/** Returns the error of a step; a stream without a declared finish is an error too. */
function failureOf({ error, late, tooLong, finish, toolCalls }: StepResult): unknown {
  if (late) return new ParleyError(modelFailure('model_timeout'));
  if (error !== undefined || tooLong || toolCalls.length > 0) return error;
  return isDeclared(finish) ? undefined : new ParleyError(modelFailure('model_error'));
}
