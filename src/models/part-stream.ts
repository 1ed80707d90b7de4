/**
 * The stream of a model's answer. It can also be followed by callback, which is much cheaper for
 * each token than reading a stream.
 */
import type { LanguageModelV4StreamPart, LanguageModelV4Usage } from '@ai-sdk/provider';

/** Token counts that a service reports while it is still answering; the last ones are valid. */
export interface UsagePart {
  type: 'usage';
  usage: LanguageModelV4Usage;
}

export type ModelPart = LanguageModelV4StreamPart | UsagePart;

export type OnPart = (part: ModelPart) => void;

/**
 * Calls the model and passes each part to the callback as it arrives.
 * @returns when the answer has ended
 * @throws the error that kept the model from answering
 */
export type FollowParts = (onPart: OnPart) => Promise<void>;

export class PartStream extends ReadableStream<LanguageModelV4StreamPart> {
  readonly #follow: FollowParts;
  #isFollowed = false;
  #isLeft = false;

  /**
   * @param follow is called once, by whoever reads first
   * @param leave is called when a reader wants no more
   */
  constructor(follow: FollowParts, leave: () => void) {
    super(
      {
        pull: (controller) => this.#push(controller),
        cancel: () => {
          this.#isLeft = true;
          leave();
        },
      },
      { highWaterMark: 0 },
    );
    this.#follow = follow;
  }

  /** Follows the answer by callback instead of reading it. */
  follow(onPart: OnPart): Promise<void> {
    this.#isFollowed = true;
    return this.#follow(onPart);
  }

  #push(controller: ReadableStreamDefaultController<LanguageModelV4StreamPart>): void {
    if (this.#isFollowed) return;
    this.#isFollowed = true;
    const enqueue: OnPart = (part) => {
      if (!this.#isLeft && part.type !== 'usage') controller.enqueue(part);
    };
    this.#follow(enqueue).then(
      () => this.#isLeft || controller.close(),
      (error: unknown) => this.#isLeft || controller.error(error),
    );
  }
}

/** Follows any stream of parts to its end, or until the signal fires. */
export async function followParts(
  stream: ReadableStream<LanguageModelV4StreamPart>,
  onPart: OnPart,
  signal?: AbortSignal,
): Promise<void> {
  if (stream instanceof PartStream) return stream.follow(onPart);
  const reader = stream.getReader();
  // Cancelling the reader ends a pending read at once, which aborting the fetch does not always do.
  const leave = () => void reader.cancel(signal?.reason).catch(() => undefined);
  if (signal?.aborted) leave();
  signal?.addEventListener('abort', leave, { once: true });
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) onPart(read.value);
  } finally {
    signal?.removeEventListener('abort', leave);
  }
}
