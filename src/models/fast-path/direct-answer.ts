/**
 * An answer that is told without its provider, as long as it says nothing but text and thoughts.
 * The first tool call or refusal hands it over: from there on the provider tells it.
 */
import {
  ChatCompletionReader,
  type ChatEnd,
  type ChatPiece,
  type ChatSink,
} from '../chat-stream/chat-completion-reader.ts';
import { finishReasonOf } from '../chat-stream/finish-reasons.ts';
import { BrokenStreamError } from '../chat-stream/reported-error.ts';
import { sdkUsage, type ChatUsage } from '../chat-stream/usage.ts';
import type { Answer } from '../model-calls.ts';
import type { OnPart } from '../part-stream.ts';
import type { ChunkDialect } from '../provider-stream/canonical-chunk.ts';
import { ProviderAnswer } from '../provider-stream/provider-answer.ts';

class DirectAnswer implements ChatSink {
  readonly told: Promise<void>;
  readonly provider: ProviderAnswer;
  readonly #onPart: OnPart;
  readonly #resolve: () => void;
  readonly #reject: (error: Error) => void;
  #isHandedOver = false;

  constructor(dialect: ChunkDialect, onPart: OnPart) {
    this.provider = new ProviderAnswer(dialect, onPart);
    this.#onPart = onPart;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.told = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onPiece(piece: ChatPiece): void {
    const { thought, text, refusal, toolCalls } = piece;
    if (refusal !== '' || toolCalls.length > 0) this.#isHandedOver = true;
    if (this.#isHandedOver) return this.provider.onPiece(piece);
    if (thought !== '') this.#onPart({ type: 'reasoning-delta', id: 'direct', delta: thought });
    if (text !== '') this.#onPart({ type: 'text-delta', id: 'direct', delta: text });
  }

  onRead(usage: ChatUsage | undefined): void {
    this.provider.onRead(usage);
  }

  onEnd(end: ChatEnd): void {
    if (this.#isHandedOver) return this.provider.onEnd(end);
    this.#tellFinish(end);
    this.#resolve();
  }

  onError(error: Error): void {
    if (this.#isHandedOver) return this.provider.onError(error);
    if (error instanceof BrokenStreamError) return this.#reject(error);
    this.#onPart({ type: 'error', error });
    this.#resolve();
  }

  #tellFinish({ finish, rawFinish, usage }: ChatEnd): void {
    const finishReason = finishReasonOf(finish, rawFinish);
    this.#onPart({ type: 'finish', finishReason, usage: sdkUsage(usage) });
  }
}

/** Makes an answer that goes around its provider for as long as it can. */
export function directAnswer(dialect: ChunkDialect, settleMs: number, onPart: OnPart): Answer {
  const answer = new DirectAnswer(dialect, onPart);
  const { provider, told } = answer;
  return {
    reader: new ChatCompletionReader(answer, settleMs),
    response: provider.body.response,
    told,
    fromProvider: (part) => provider.fromProvider(part),
    errorMet: () => provider.error,
  };
}
