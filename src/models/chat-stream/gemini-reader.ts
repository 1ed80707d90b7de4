/** Follows Gemini's answers: shows its provider the events, and judges errors and endings. */
import { BodyReader } from './body-reader.ts';
import { isRecord, recordOf, textOf, type JsonRecord } from '../../core/json.ts';

export interface GeminiSink {
  onEvent(value: JsonRecord): void;
  onEnd(): void;
  onError(error: Error): void;
}

/** Values of `finishReason` that leave the answer open. */
const OPEN_FINISHES = new Set(['', 'FINISH_REASON_UNSPECIFIED', 'CONTINUATION']);

export class GeminiReader extends BodyReader {
  readonly #sink: GeminiSink;
  #isDeclared = false;

  constructor(sink: GeminiSink, settleMs: number) {
    super(settleMs);
    this.#sink = sink;
  }

  protected override get isDeclared(): boolean {
    return this.#isDeclared;
  }

  protected override read(value: JsonRecord): void {
    const { candidates, promptFeedback } = value;
    const candidate = recordOf(Array.isArray(candidates) ? candidates[0] : undefined);
    const isBlocked = textOf(recordOf(promptFeedback)['blockReason']) !== '';
    if (!OPEN_FINISHES.has(textOf(candidate['finishReason'])) || isBlocked) this.#isDeclared = true;
    // Some models put a finish into every event.
    this.settleAnew();
    if (Array.isArray(candidates) || isRecord(value['usageMetadata']) || isBlocked)
      this.#sink.onEvent(value);
  }

  protected override tellEnd(): void {
    this.#sink.onEnd();
  }

  protected override tellError(error: Error): void {
    this.#sink.onError(error);
  }
}
