/**
 * The one reader of chat completions. It takes what services really send and tells it in one form,
 * whoever listens: the fast path, or the provider that is shown a stream of its own.
 */
import { BodyReader } from './body-reader.ts';
import { readChatEvent, type ChatEvent, type ToolCallDelta } from './chat-event.ts';
import type { GrowingType } from '../../core/parts.ts';
import { finishNamed, type ChatFinish } from './finish-reasons.ts';
import { plainTextOf } from './plain-text.ts';
import type { JsonRecord } from '../../core/json.ts';
import { TextShape } from './text-shape.ts';
import { ThinkTags } from './think-tags.ts';
import { ToolCallDeltas } from './tool-call-deltas.ts';
import { withEarlier, type ChatUsage } from './usage.ts';

/** The next piece of an answer: one event, or the text or the reasoning of several. */
export interface ChatPiece {
  thought: string;
  text: string;
  refusal: string;
  toolCalls: readonly ToolCallDelta[];
}

export interface ChatEnd {
  /** Undefined when none was declared. */
  finish: ChatFinish | undefined;
  /** The service's own word for the finish. */
  rawFinish: string | undefined;
  /** The counts that came last. */
  usage: ChatUsage | undefined;
}

/** Is told of an answer, in order. After `onEnd` or `onError` nothing follows. */
export interface ChatSink {
  onPiece(piece: ChatPiece): void;
  /**
   * All that came in one read of the network has been told.
   * @param usage new counts that it brought
   */
  onRead(usage: ChatUsage | undefined): void;
  onEnd(end: ChatEnd): void;
  /** @param error a ReportedError, a BrokenStreamError, or a JSONParseError */
  onError(error: Error): void;
}

const NO_CALLS: readonly ToolCallDelta[] = [];

export class ChatCompletionReader extends BodyReader {
  readonly #sink: ChatSink;
  readonly #tags = new ThinkTags();
  readonly #shape = new TextShape();
  #calls: ToolCallDeltas | undefined;
  #finish: ChatFinish | undefined;
  #rawFinish: string | undefined;
  #usage: ChatUsage | undefined;
  #newUsage: ChatUsage | undefined;
  #isMarkedDone = false;
  #isToldWhole = false;
  #isTold = false;
  /** The text or the reasoning of one network read, passed on at once for all its events. */
  #run = '';
  #runType: GrowingType = 'text';

  constructor(sink: ChatSink, settleMs: number) {
    super(settleMs);
    this.#sink = sink;
  }

  protected override get isDeclared(): boolean {
    return this.#finish !== undefined;
  }

  protected override readLine(json: string): boolean {
    const text = this.#shape.textOf(json);
    if (text === undefined) return false;
    this.#addText(text);
    return true;
  }

  protected override readPlain(value: unknown, json: string): boolean {
    const text = plainTextOf(value);
    if (text === undefined) return false;
    this.#shape.learn(json, text);
    this.#addText(text);
    return true;
  }

  #addText(text: string): void {
    if (this.#tags.isText && this.#runType === 'text') this.#run += text;
    else if (text !== '') this.#tell('', text, '', NO_CALLS);
  }

  protected override read(value: JsonRecord): void {
    const event = readChatEvent(value);
    if (!this.#isRepeated(event)) {
      const toolCalls =
        event.toolCalls.length === 0
          ? NO_CALLS
          : (this.#calls ??= new ToolCallDeltas()).read(event.toolCalls);
      this.#tell(event.thought, event.text, event.refusal, toolCalls);
    }
    if (event.finish !== '') this.#readFinish(event.finish);
    if (event.usage) this.#usage = this.#newUsage = withEarlier(event.usage, this.#usage);
    // Nothing more is to come once the counts of a finished answer are there.
    if (this.#finish && this.#usage && (event.usage || this.#isMarkedDone)) this.finish();
  }

  /** Returns true of a whole message that comes after its deltas, as some services end a stream. */
  #isRepeated({ isWhole }: ChatEvent): boolean {
    if (!isWhole) return false;
    if (this.#isTold || this.#run !== '') return !this.#isToldWhole;
    this.#isToldWhole = true;
    return false;
  }

  #tell(thought: string, text: string, refusal: string, toolCalls: readonly ToolCallDelta[]): void {
    if (text !== '' && !this.#tags.isText) {
      const divided = this.#tags.push(text);
      this.#tellPiece(thought + divided.thought, divided.text, refusal, toolCalls);
    } else {
      this.#tellPiece(thought, text, refusal, toolCalls);
    }
  }

  #tellPiece(
    thought: string,
    text: string,
    refusal: string,
    toolCalls: readonly ToolCallDelta[],
  ): void {
    if (thought !== '') this.#add('reasoning', thought);
    if (text !== '') this.#add('text', text);
    if (refusal === '' && toolCalls.length === 0) return;
    this.#tellRun();
    this.#isTold = true;
    this.#sink.onPiece({ thought: '', text: '', refusal, toolCalls });
  }

  #add(type: GrowingType, delta: string): void {
    if (type !== this.#runType) this.#tellRun();
    this.#runType = type;
    this.#run += delta;
  }

  #tellRun(): void {
    const run = this.#run;
    if (run === '') return;
    this.#run = '';
    this.#isTold = true;
    const [thought, text] = this.#runType === 'text' ? ['', run] : [run, ''];
    this.#sink.onPiece({ thought, text, refusal: '', toolCalls: NO_CALLS });
  }

  #readFinish(word: string): void {
    const finish = finishNamed(word);
    if (!finish && this.#finish) return;
    this.#finish = finish;
    this.#rawFinish = word;
  }

  protected override onDoneMark(): void {
    this.#isMarkedDone = true;
    if (!this.#finish || this.#usage) this.finish();
  }

  protected override onRead(): void {
    const usage = this.#newUsage;
    this.#newUsage = undefined;
    this.#tellRun();
    this.#sink.onRead(usage);
  }

  protected override tellEnd(): void {
    this.#tellHeld();
    this.#sink.onEnd({ finish: this.#finish, rawFinish: this.#rawFinish, usage: this.#usage });
  }

  protected override tellError(error: Error): void {
    this.#tellHeld();
    this.#sink.onError(error);
  }

  /** Tells what was held back as a part of a tag that never came. */
  #tellHeld(): void {
    if (this.#tags.isText) return;
    const { thought, text } = this.#tags.flush();
    this.#tellPiece(thought, text, '', NO_CALLS);
    this.#tellRun();
  }
}
