/** One call of a model: its stream is consumed here, by our own loop, into the growing answer. What it came to is returned, never thrown. */
import type {
  LanguageModelV4CallOptions,
  LanguageModelV4FinishReason,
  LanguageModelV4ToolCall,
  LanguageModelV4Usage,
} from '@ai-sdk/provider';
import { ParleyError } from '../../core/errors.ts';
import type { GrowingType } from '../../core/parts.ts';
import { SafeText } from '../../core/safe-text.ts';
import { followParts, type ModelPart, type OnPart } from '../../models/part-stream.ts';
import { declaredFinish } from '../../models/chat-stream/finish-reasons.ts';
import { modelFailure } from '../../models/failure.ts';
import { isServiceError } from '../../models/service-error.ts';
import type { ChatModel } from '../../models/chat/registry.ts';
import type { RunningTurn } from './running-turn.ts';
import { StallWatchdog, type TimeLimits } from './stall-watchdog.ts';

export interface Step {
  /** What the provider declared; undefined when the stream ended without. */
  finish: LanguageModelV4FinishReason['unified'] | undefined;
  /** The last counts that the service reported, also of a step that was cut. */
  usage: LanguageModelV4Usage | undefined;
  toolCalls: LanguageModelV4ToolCall[];
  /** Anything at all was sent to the readers. */
  spoke: boolean;
  /** The first thing that went wrong: nothing after it was read. */
  error?: unknown;
  /** The service reported that error inside its stream, in contrast to a stream that broke. */
  serviceError?: true;
  /** A time limit ran out. */
  late?: true;
  /** The answer grew past the longest that is kept. */
  tooLong?: true;
}

/** What a provider says of its own end; anything else is the SDK's word for a stream that merely stopped. */
const DECLARED: ReadonlySet<string> = new Set<LanguageModelV4FinishReason['unified']>([
  'stop',
  'length',
  'content-filter',
  'tool-calls',
]);

/** True when the provider declared that this is the end. */
export function isDeclared(finish: Step['finish']): boolean {
  return finish !== undefined && DECLARED.has(finish);
}

/** UTF-16 units; a model that does not stop is stopped here. */
export const LONGEST_ANSWER = 1_000_000;

export async function runStep({
  live,
  model,
  options,
  limits,
  deadline,
}: {
  live: RunningTurn;
  model: ChatModel;
  options: LanguageModelV4CallOptions;
  limits: TimeLimits;
  deadline: number;
}): Promise<Step> {
  const step: Step = { finish: undefined, usage: undefined, toolCalls: [], spoke: false };
  const call = new AbortController();
  const watchdog = new StallWatchdog(limits, deadline, () => {
    step.late = true;
    call.abort(new Error('the model is late'));
  });
  const stopListening = live.onStop(() => call.abort(new Error('the turn was stopped')));
  const writer = new SafeWriter(live, step);
  const isOver = () => step.error !== undefined || step.tooLong === true;
  const onPart: OnPart = (part) => {
    if (call.signal.aborted) return;
    if (isToken(part)) watchdog.alive();
    take(part, step, writer);
    if (isOver()) call.abort(new Error('nothing more is wanted'));
  };
  let hasEnded = false;
  try {
    await follow(model, { ...options, abortSignal: call.signal }, onPart);
    hasEnded = true;
    if (!step.late && cameToNothing(step))
      step.error ??= new ParleyError(modelFailure('model_empty'));
  } catch (error) {
    if (!isOver()) step.error = error;
  } finally {
    // What was cut off in the middle of a character ends before it; only a model that finished meant the half.
    if (isDeclared(step.finish)) writer.flush();
    watchdog.stop();
    stopListening();
    // Whatever is still coming is not wanted any more.
    if (!hasEnded) call.abort(new Error('the step is over'));
  }
  return step;
}

/** A stream that ended before it said or declared anything is a failure like any other: another model may try. */
function cameToNothing({ spoke, toolCalls, finish }: Step): boolean {
  return !spoke && toolCalls.length === 0 && !isDeclared(finish);
}

/** Calls the model and follows its stream to its own end, or gives up when the signal says so, whatever the provider does with it. */
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

/** True for what counts as the model speaking; the opening of a stream and its metadata are no token. */
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

function take(part: ModelPart, step: Step, writer: SafeWriter): void {
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
    case 'error':
      step.error = part.error ?? new Error('the service reported an error');
      if (isServiceError(step.error)) step.serviceError = true;
      return;
    default:
      // Starts and ends of texts, tool input as it grows, metadata: the parts say it all.
      return;
  }
}

/** False of a finish that says nothing of tokens: what was said of them before it stays. */
function hasCounts({ inputTokens, outputTokens }: LanguageModelV4Usage): boolean {
  return Boolean(inputTokens.total) || Boolean(outputTokens.total);
}

/** Makes deltas safe on their way into the answer, and bounds it. */
class SafeWriter {
  readonly #live: RunningTurn;
  readonly #step: Step;
  readonly #safe = new SafeText();
  #type: GrowingType = 'text';
  #length = 0;

  constructor(live: RunningTurn, step: Step) {
    this.#live = live;
    this.#step = step;
  }

  write(type: GrowingType, delta: string): void {
    if (type !== this.#type) {
      this.flush();
      this.#type = type;
    }
    const room = LONGEST_ANSWER - this.#length;
    if (delta.length > room) this.#step.tooLong = true;
    this.#append(this.#safe.push(delta.length > room ? delta.slice(0, room) : delta));
  }

  flush(): void {
    this.#append(this.#safe.flush());
  }

  #append(text: string): void {
    if (text === '') return;
    this.#length += text.length;
    this.#step.spoke = true;
    this.#live.append(this.#type, text);
  }
}
