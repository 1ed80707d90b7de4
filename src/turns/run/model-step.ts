/**
 * Makes one model call and reads its stream into the growing answer. Errors are returned with the
 * result, never thrown.
 */
import type {
  LanguageModelV4CallOptions,
  LanguageModelV4FinishReason,
  LanguageModelV4ResponseMetadata,
  LanguageModelV4ToolCall,
  LanguageModelV4Usage,
} from '@ai-sdk/provider';
import { ParleyError } from '../../core/errors.ts';
import { followParts, type ModelPart, type OnPart } from '../../models/part-stream.ts';
import { declaredFinish } from '../../models/chat-stream/finish-reasons.ts';
import { modelFailure } from '../../models/failure.ts';
import { isServiceError } from '../../models/service-error.ts';
import type { ChatModel } from '../../models/chat/registry.ts';
import { OutputMeter } from './output-meter.ts';
import type { RunningTurn } from './running-turn.ts';
import { SafeWriter } from './safe-writer.ts';
import { StallWatchdog, type TimeLimits } from './stall-watchdog.ts';

export interface StepResult {
  /** The finish reason that the provider declared; undefined when the stream ended without one. */
  finish: LanguageModelV4FinishReason['unified'] | undefined;
  /** The last token counts that the service reported, also for a step that was cut off. */
  usage: LanguageModelV4Usage | undefined;
  toolCalls: LanguageModelV4ToolCall[];
  /** True when any output was sent to the readers. */
  spoke: boolean;
  /** The first error; nothing after it was read. */
  error?: unknown;
  /**
   * True when the service reported the error inside its stream, in contrast to a stream that broke.
   */
  serviceError?: true;
  /** The model that answered and the id of the answer, as the service names them. */
  responder?: Pick<LanguageModelV4ResponseMetadata, 'id' | 'modelId'>;
  /** The time of the first output, by this process's monotonic clock. */
  firstOutputAt?: number;
  /** True when a time limit ran out. */
  late?: true;
  /** True when the answer grew past the longest, or past what was granted. */
  tooLong?: true;
  /** The tokens of such an answer by an estimate, with the calls of tools that were cut off. */
  written?: number;
}

/**
 * The finish reasons that a provider declares; the SDK uses any other for a stream that merely
 * stopped.
 */
const DECLARED: ReadonlySet<string> = new Set<LanguageModelV4FinishReason['unified']>([
  'stop',
  'length',
  'content-filter',
  'tool-calls',
]);

/** Returns true when the provider declared that the answer has ended. */
export function isDeclared(finish: StepResult['finish']): boolean {
  return finish !== undefined && DECLARED.has(finish);
}

export async function runStep({
  turn,
  model,
  options,
  headers,
  limits,
  deadline,
  granted,
}: {
  turn: RunningTurn;
  model: ChatModel;
  options: LanguageModelV4CallOptions;
  /** The headers that tell the service what the call is part of, where somebody watches. */
  headers?: Record<string, string> | undefined;
  limits: TimeLimits;
  deadline: number;
  /** The tokens that a budget lets the model write; undefined where nothing limits them. */
  granted?: number | undefined;
}): Promise<StepResult> {
  const step: StepResult = { finish: undefined, usage: undefined, toolCalls: [], spoke: false };
  const call = new AbortController();
  const watchdog = new StallWatchdog(limits, deadline, () => {
    step.late = true;
    call.abort(new Error('the model is late'));
  });
  const stopListening = turn.onStop(() => call.abort(new Error('the turn was stopped')));
  const writer = new SafeWriter(turn, step);
  const meter = granted === undefined ? undefined : new OutputMeter(granted);
  const isOver = () => step.error !== undefined || step.tooLong === true;
  const onPart: OnPart = (part) => {
    if (call.signal.aborted) return;
    if (isToken(part)) {
      step.firstOutputAt ??= performance.now();
      watchdog.alive();
    }
    take(part, step, writer);
    if (meter && 'delta' in part && meter.passes(part.delta)) {
      step.tooLong = true;
      step.written = meter.spent;
    }
    if (isOver()) call.abort(new Error('nothing more is wanted'));
  };
  let hasEnded = false;
  try {
    await follow(model, { ...options, headers, abortSignal: call.signal }, onPart);
    hasEnded = true;
    if (!step.late && cameToNothing(step))
      step.error ??= new ParleyError(modelFailure('model_empty'));
  } catch (error) {
    if (!isOver()) step.error = error;
  } finally {
    // A cut-off stream may end inside a surrogate pair, and its half is dropped. Only a model that
    // finished meant to send it.
    if (isDeclared(step.finish)) writer.flush();
    watchdog.stop();
    stopListening();
    // The rest of the stream is not needed.
    if (!hasEnded) call.abort(new Error('the step is over'));
  }
  return step;
}

/**
 * Returns true for a stream that ended without output or a declared finish. This counts as a
 * failure, so that another model is tried.
 */
function cameToNothing({ spoke, toolCalls, finish }: StepResult): boolean {
  return !spoke && toolCalls.length === 0 && !isDeclared(finish);
}

/**
 * Calls the model and reads its stream to the end. It returns when the signal is aborted, even if
 * the provider ignores that.
 */
async function follow(
  model: ChatModel,
  options: LanguageModelV4CallOptions & { abortSignal: AbortSignal },
  onPart: OnPart,
): Promise<void> {
  const { abortSignal } = options;
  abortSignal.throwIfAborted();
  const aborted = new Promise<never>((_, reject) =>
    abortSignal.addEventListener(
      'abort',
      () => reject(new Error('given up', { cause: abortSignal.reason })),
      { once: true },
    ),
  );
  return Promise.race([ask(model, options, onPart), aborted]);
}

async function ask(
  model: ChatModel,
  options: LanguageModelV4CallOptions,
  onPart: OnPart,
): Promise<void> {
  const { stream } = await (await model.load()).doStream(options);
  await followParts(stream, onPart, options.abortSignal);
}

/** Returns true for parts that count as output. The start of a stream and its metadata do not. */
function isToken({ type }: ModelPart): boolean {
  switch (type) {
    case 'text-delta':
    case 'reasoning-delta':
    case 'tool-input-start':
    case 'tool-input-delta':
    case 'tool-call':
    case 'finish':
      return true;
    default:
      return false;
  }
}

function take(part: ModelPart, step: StepResult, writer: SafeWriter): void {
  switch (part.type) {
    case 'text-delta':
      return writer.write('text', part.delta);
    case 'reasoning-delta':
      return writer.write('reasoning', part.delta);
    case 'tool-call':
      step.toolCalls.push(part);
      return;
    case 'finish':
      step.finish = declaredFinish(part.finishReason);
      if (!step.usage || hasCounts(part.usage)) step.usage = part.usage;
      return;
    case 'usage':
      step.usage = part.usage;
      return;
    case 'response-metadata':
      if (part.modelId !== undefined) step.responder = part;
      return;
    case 'error':
      step.error = part.error ?? new Error('the service reported an error');
      if (isServiceError(step.error)) step.serviceError = true;
      return;
    default:
      // Starts and ends of texts, partial tool input and metadata add nothing to the other parts.
      return;
  }
}

/** Returns false for a finish without token counts; the counts before it are then kept. */
function hasCounts({ inputTokens, outputTokens }: LanguageModelV4Usage): boolean {
  return Boolean(inputTokens.total) || Boolean(outputTokens.total);
}
