/** One call of a model: its stream is consumed here, by our own loop, into the growing answer. What it came to is returned, never thrown. */
import type {
  LanguageModelV4CallOptions,
  LanguageModelV4FinishReason,
  LanguageModelV4StreamPart,
  LanguageModelV4ToolCall,
  LanguageModelV4Usage,
} from '@ai-sdk/provider';
import { ParleyError } from '../chat/errors.ts';
import type { GrowingType } from '../chat/parts.ts';
import { SafeText } from '../chat/safe-text.ts';
import { isBroken, modelFailure } from '../models/model-failure.ts';
import type { ChatModel } from '../models/registry.ts';
import type { LiveTurn } from './live-turn.ts';
import { Watchdog, type TimeLimits } from './watchdog.ts';

export interface Step {
  /** What the provider declared; undefined when the stream ended without. */
  finish: LanguageModelV4FinishReason['unified'] | undefined;
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

/** UTF-16 units; a model that does not stop is stopped here. */
export const LONGEST_ANSWER = 1_000_000;

export async function runStep({
  live,
  model,
  options,
  limits,
  deadline,
}: {
  live: LiveTurn;
  model: ChatModel;
  options: LanguageModelV4CallOptions;
  limits: TimeLimits;
  deadline: number;
}): Promise<Step> {
  const step: Step = { finish: undefined, usage: undefined, toolCalls: [], spoke: false };
  const call = new AbortController();
  const watchdog = new Watchdog(limits, deadline, () => {
    step.late = true;
    call.abort(new Error('the model is late'));
  });
  const onStop = () => call.abort(new Error('the turn was stopped'));
  live.stopSignal.addEventListener('abort', onStop);
  if (live.stopSignal.aborted) onStop();
  let hasEnded = false;
  try {
    const stream = await openStream(model, { ...options, abortSignal: call.signal });
    hasEnded = await consume({ stream, step, live, watchdog, signal: call.signal });
    if (!step.late && cameToNothing(step))
      step.error ??= new ParleyError(modelFailure('model_empty'));
  } catch (error) {
    step.error ??= error;
  } finally {
    watchdog.stop();
    live.stopSignal.removeEventListener('abort', onStop);
    // Whatever is still coming is not wanted any more.
    if (!hasEnded) call.abort(new Error('the step is over'));
  }
  return step;
}

/** A stream that ended before it said or declared anything is a failure like any other: another model may try. */
function cameToNothing({ spoke, toolCalls, finish }: Step): boolean {
  const declared = finish !== undefined && DECLARED.has(finish);
  return !spoke && toolCalls.length === 0 && !declared;
}

/** Opens the stream, or gives up when the signal says so, whatever the provider does with it. */
async function openStream(
  model: ChatModel,
  options: LanguageModelV4CallOptions & { abortSignal: AbortSignal },
): Promise<ReadableStream<LanguageModelV4StreamPart>> {
  const { abortSignal } = options;
  abortSignal.throwIfAborted();
  const aborted = new Promise<never>((_, reject) =>
    abortSignal.addEventListener(
      'abort',
      () => reject(new Error('given up', { cause: abortSignal.reason })),
      { once: true },
    ),
  );
  const opened = (async () => (await model.load()).doStream(options))();
  const { stream } = await Promise.race([opened, aborted]);
  return stream;
}

/** @returns whether the stream came to its own end */
async function consume({
  stream,
  step,
  live,
  watchdog,
  signal,
}: {
  stream: ReadableStream<LanguageModelV4StreamPart>;
  step: Step;
  live: LiveTurn;
  watchdog: Watchdog;
  signal: AbortSignal;
}): Promise<boolean> {
  const reader = stream.getReader();
  // A cancelled reader ends a pending read at once, which an aborted fetch does not always do.
  const onAbort = () => void reader.cancel(signal.reason).catch(() => undefined);
  signal.addEventListener('abort', onAbort, { once: true });
  const writer = new SafeWriter(live, step);
  let hasEnded = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      hasEnded = done;
      if (done) break;
      if (isToken(value)) watchdog.alive();
      take(value, step, writer);
      if (step.error !== undefined || step.tooLong) break;
    }
  } finally {
    // What was cut off in the middle of a character ends before it; only a model that finished meant the half.
    if (step.finish !== undefined && DECLARED.has(step.finish)) writer.flush();
    signal.removeEventListener('abort', onAbort);
    if (!hasEnded) onAbort();
  }
  return hasEnded;
}

/** True for what counts as the model speaking; the opening of a stream and its metadata are no token. */
function isToken({ type }: LanguageModelV4StreamPart): boolean {
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

function take(part: LanguageModelV4StreamPart, step: Step, writer: SafeWriter): void {
  switch (part.type) {
    case 'text-delta':
      return writer.write('text', part.delta);
    case 'reasoning-delta':
      return writer.write('reasoning', part.delta);
    case 'tool-call':
      step.toolCalls.push(part);
      return;
    case 'finish':
      step.finish = part.finishReason.unified;
      step.usage = part.usage;
      return;
    case 'error':
      step.error = part.error ?? new Error('the service reported an error');
      if (!isBroken(step.error)) step.serviceError = true;
      return;
    default:
      // Starts and ends of texts, tool input as it grows, metadata: the parts say it all.
      return;
  }
}

/** Makes deltas safe on their way into the answer, and bounds it. */
class SafeWriter {
  readonly #live: LiveTurn;
  readonly #step: Step;
  readonly #safe = new SafeText();
  #type: GrowingType = 'text';
  #length = 0;

  constructor(live: LiveTurn, step: Step) {
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
