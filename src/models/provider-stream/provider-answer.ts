/** A chat completion on its way through its provider: what the reader tells, in one clean form. */
import { ChatCompletionReader } from '../chat-stream/chat-completion-reader.ts';
import type { ChatEnd, ChatPiece, ChatSink } from '../chat-stream/chat-completion-reader.ts';
import { sdkUsage, type ChatUsage } from '../chat-stream/usage.ts';
import type { Answer } from '../model-calls.ts';
import type { ModelPart, OnPart } from '../part-stream.ts';
import { endChunk, ERROR_CHUNK, pieceChunk, type ChunkDialect } from './canonical-chunk.ts';
import { ProviderBody } from './provider-body.ts';

export class ProviderAnswer implements ChatSink {
  readonly body = new ProviderBody();
  readonly #dialect: ChunkDialect;
  readonly #onPart: OnPart;
  #error: Error | undefined;

  constructor(dialect: ChunkDialect, onPart: OnPart) {
    this.#dialect = dialect;
    this.#onPart = onPart;
  }

  get error(): Error | undefined {
    return this.#error;
  }

  /** Hands on a part of the provider's; its errors are those that the reader has met. */
  fromProvider(part: ModelPart): void {
    const error = part.type === 'error' ? this.#error : undefined;
    this.#onPart(error ? { type: 'error', error } : part);
  }

  onPiece(piece: ChatPiece): void {
    const { thought } = piece;
    // What a provider passes over is told without it.
    const isPassedOver = thought !== '' && !this.#dialect.thought;
    if (isPassedOver) this.#onPart({ type: 'reasoning-delta', id: 'thought', delta: thought });
    const hasMore = piece.text !== '' || piece.refusal !== '' || piece.toolCalls.length > 0;
    if (hasMore || !isPassedOver) this.body.write(pieceChunk(piece, this.#dialect));
  }

  onRead(usage: ChatUsage | undefined): void {
    if (usage) this.#onPart({ type: 'usage', usage: sdkUsage(usage) });
  }

  onEnd(end: ChatEnd): void {
    this.body.write(endChunk(end, this.#dialect));
    this.body.close();
  }

  onError(error: Error): void {
    this.#error = error;
    this.body.write(ERROR_CHUNK);
    this.body.close();
  }
}

/** Makes an answer that its provider tells from beginning to end. */
export function chatAnswer(dialect: ChunkDialect, settleMs: number, onPart: OnPart): Answer {
  const answer = new ProviderAnswer(dialect, onPart);
  return {
    reader: new ChatCompletionReader(answer, settleMs),
    response: answer.body.response,
    fromProvider: (part) => answer.fromProvider(part),
    errorMet: () => answer.error,
  };
}
