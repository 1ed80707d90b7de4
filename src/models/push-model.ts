/** A model as the engine takes it: one that hands over its parts as they come, with no stream between. */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
} from '@ai-sdk/provider';

/** Counts that a service reports while it goes on speaking; the last ones known are the counts. */
export interface UsagePart {
  type: 'usage';
  usage: LanguageModelV4Usage;
}

export type ModelPart = LanguageModelV4StreamPart | UsagePart;

export type OnPart = (part: ModelPart) => void;

export interface PushingModel extends LanguageModelV4 {
  /** Like `doStream`; resolves when the stream has come to its own end, or soon after `options.abortSignal` has fired. */
  push(options: LanguageModelV4CallOptions, onPart: OnPart): Promise<void>;
}

/** The model as one that pushes: what its stream brings, where it has no quicker way. */
export function pushing(model: LanguageModelV4): Pick<PushingModel, 'push'> {
  if (isPushing(model)) return model;
  return {
    async push(options, onPart) {
      const { stream } = await model.doStream(options);
      await readParts(stream, onPart, options.abortSignal);
    },
  };
}

function isPushing(model: LanguageModelV4): model is PushingModel {
  return 'push' in model;
}

/** Reads a stream of parts to its end, or until the signal fires. */
export async function readParts(
  stream: ReadableStream<LanguageModelV4StreamPart>,
  onPart: (part: LanguageModelV4StreamPart) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const reader = stream.getReader();
  // A cancelled reader ends a pending read at once, which an aborted fetch does not always do.
  const leave = () => void reader.cancel(signal?.reason).catch(() => undefined);
  if (signal?.aborted) leave();
  signal?.addEventListener('abort', leave, { once: true });
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) onPart(read.value);
  } finally {
    signal?.removeEventListener('abort', leave);
  }
}
