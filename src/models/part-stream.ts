/**
 * The stream of a model's answer that can also be followed without a stream: each part is then
 * handed over by a call, which is what makes a token cheap.
 */
import type { LanguageModelV4StreamPart, LanguageModelV4Usage } from '@ai-sdk/provider';

/** Counts that a service reports while it goes on speaking; the last ones known are the counts. */
export interface UsagePart {
  type: 'usage';
  usage: LanguageModelV4Usage;
}

export type ModelPart = LanguageModelV4StreamPart | UsagePart;

export type OnPart = (part: ModelPart) => void;

/**
 * Asks the model and hands its parts over as they come.
 * @returns when the answer has come to its own end
 * @throws whatever kept the model from answering
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

  /** Follows the answer in place of reading it. */
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
