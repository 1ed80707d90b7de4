/**
 * Reads an OpenAI-like stream of events as long as it is plain: text, a finish, counts of tokens. A provider spends most of its time on each event (a dozen stream hops,
 * parsing, validating), and an answer that says nothing but words needs none of it. The first event that is not plain, or cannot be read, ends this for good: from there on the stream is
 * the provider's, which is shown beforehand what had been kept from it, but for text that has been told already.
 */
import type {
  LanguageModelV4FinishReason,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
} from '@ai-sdk/provider';
import type { GrowingType } from '../../core/parts.ts';
import {
  nextShape,
  readEvent,
  textByShape,
  thoughtIn,
  usageOf,
  usageOfChunk,
  type ChunkDialect,
  type Shape,
} from './chat-completion-chunk.ts';
import type { BodyInterceptor } from '../http.ts';
import type { OnPart } from '../push-model.ts';

const LINE_FEED = 10;
/** Ends the lines of services that are read by their provider: none stands within JSON. */
const CARRIAGE_RETURN = 13;
const NOTHING = new Uint8Array(0);
const utf8 = new TextEncoder();
/** For events that are whole, and so end with a character: no answer needs a decoder of its own. */
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** A character a byte: for what is looked for in bytes. */
const latin1 = new TextDecoder('latin1');
/** The last event, by which a service says that this is all, in every form that providers read. */
const END = /[\r\n]data: ?\[DONE\](?:\r\n\r\n|\n\n)/;
const LONGEST_END = '\ndata: [DONE]\r\n\r\n'.length;
/** Units, of text or of bytes, kept from the provider: a plain answer has an opening, a first text and an ending. */
const MOST_KEPT = 65_536;

export class PlainStream implements BodyInterceptor {
  /** Resolves when the whole answer was plain, and has been told. */
  readonly whole: Promise<void>;
  readonly #resolveWhole: () => void;
  readonly #dialect: ChunkDialect;
  readonly #onPart: OnPart;
  /** The bytes of an event that is not whole yet. */
  #pending: Uint8Array = NOTHING;
  /** What the provider is to see if it comes to that: all that is no text, and the first text that it tells of, since it may look at what comes first. */
  #kept = '';
  /** The shape of the last text event: the next nearly always has the same. */
  #shape: Shape | undefined;
  /** The provider would tell of some of the text that has been told. */
  #hasText = false;
  #finish: LanguageModelV4FinishReason | undefined;
  #usage: LanguageModelV4Usage | undefined;
  /** The service has said that this is all. */
  #isDone = false;
  #isComplete = false;
  #isHandedOver = false;
  /** The last characters that were handed on. */
  #tail = '\n';
  /** The next text of the provider has been told already. */
  #isRepeated = false;

  constructor(dialect: ChunkDialect, onPart: OnPart) {
    this.#dialect = dialect;
    this.#onPart = onPart;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.whole = promise;
    this.#resolveWhole = resolve;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  push(bytes: Uint8Array): Uint8Array | undefined {
    if (this.#isHandedOver) return this.#passOn(bytes);
    const all = concatenate(this.#pending, bytes);
    const end = endOfLastEvent(all);
    if (end === 0 && (all.includes(CARRIAGE_RETURN) || all.length > MOST_KEPT)) {
      this.#pending = NOTHING;
      return this.#handOver(all);
    }
    // A copy: who reads the network may use its buffer again.
    this.#pending = end === all.length ? NOTHING : all.slice(end);
    if (end === 0) return undefined;
    const whole = all.subarray(0, end);
    let events: string;
    try {
      events = strictUtf8.decode(whole);
    } catch {
      // Not UTF-8: whoever reads on shall see it as it came.
      return this.#handOver(whole);
    }
    const rest = this.#read(events);
    if (rest !== undefined) return this.#handOver(utf8.encode(rest));
    // Not every service closes what it has called the end; some count their tokens after it.
    if (this.#isDone && this.#usage) this.#complete();
    return undefined;
  }

  end(): Uint8Array | undefined {
    if (!this.#finish || (this.#pending.length > 0 && !this.#isDone)) return this.fail();
    this.#complete();
    return undefined;
  }

  fail(): Uint8Array | undefined {
    if (!this.#isDone) return this.#handOver(NOTHING);
    this.#complete();
    return undefined;
  }

  /** Tells a part of the provider's, which has been handed the stream. */
  fromProvider(part: LanguageModelV4StreamPart): void {
    if (part.type === 'raw') return this.#tellRaw(part.rawValue);
    const isText =
      (part.type === 'text-delta' || part.type === 'reasoning-delta') && part.delta !== '';
    if (isText && this.#isRepeated) this.#isRepeated = false;
    else this.#onPart(part);
  }

  /** Of a chunk that its provider reads, what the provider passes over. */
  #tellRaw(chunk: unknown): void {
    const delta = this.#dialect.tellsThoughts ? '' : thoughtIn(chunk, this.#dialect);
    if (delta !== '') this.#onPart({ type: 'reasoning-delta', id: 'plain', delta });
    const usage = usageOfChunk(chunk, this.#dialect);
    if (usage) this.#onPart({ type: 'usage', usage });
  }

  #complete(): void {
    if (this.#isHandedOver || this.#isComplete || !this.#finish) return;
    this.#isComplete = true;
    const usage = this.#usage ?? usageOf();
    this.#onPart({ type: 'finish', finishReason: this.#finish, usage });
    this.#resolveWhole();
  }

  #handOver(next: Uint8Array): Uint8Array | undefined {
    const pending = this.#pending;
    this.#pending = NOTHING;
    // What comes after the end is not for anybody.
    if (this.#isDone) return undefined;
    this.#isRepeated = this.#hasText;
    this.#isHandedOver = true;
    return concatenate(utf8.encode(this.#kept), this.#passOn(concatenate(next, pending)));
  }

  /** Of a body that has been handed over only its end is looked for, and nothing handed on behind it. */
  #passOn(bytes: Uint8Array): Uint8Array {
    if (this.#isDone) return NOTHING;
    const before = this.#tail.length;
    const text = this.#tail + latin1.decode(bytes);
    this.#tail = text.slice(-LONGEST_END);
    const end = END.exec(text);
    if (!end) return bytes;
    this.#isDone = true;
    return bytes.subarray(0, end.index + end[0].length - before);
  }

  /**
   * @param events whole events, each ended by an empty line
   * @returns what follows the last plain event; undefined when all were plain
   */
  #read(events: string): string | undefined {
    let run = '';
    let runType: GrowingType = 'text';
    const tell = () => {
      if (run !== '') this.#onPart({ type: `${runType}-delta`, id: 'plain', delta: run });
      run = '';
    };
    let from = 0;
    while (from < events.length && this.#kept.length < MOST_KEPT) {
      const blank = events.indexOf('\n\n', from);
      // A line break too many is left over.
      const to = blank < 0 ? events.length : blank + 2;
      const text = this.#isDone
        ? this.#takeLate(events.slice(from, to))
        : this.#textOf(events, from, to);
      if (text === undefined) break;
      if (text !== '') {
        const type = this.#shape?.type ?? 'text';
        if (type !== runType) tell();
        runType = type;
        run += text;
      }
      from = to;
    }
    tell();
    return from < events.length ? events.slice(from) : undefined;
  }

  /** The text that the event adds, if any; undefined when it is not plain. */
  #textOf(events: string, from: number, to: number): string | undefined {
    const known = this.#shape && textByShape(this.#shape, events, from, to);
    if (known !== undefined) return known;
    const event = events.slice(from, to);
    const read = readEvent(event, this.#dialect);
    if (!read) return undefined;
    if (read.kind === 'text') {
      this.#shape = nextShape(read.shape, this.#shape);
      if (read.shape.type === 'text' || this.#dialect.tellsThoughts) {
        if (!this.#hasText) this.#kept += event;
        this.#hasText = true;
      }
      return read.text;
    }
    if (!event.startsWith(':')) this.#kept += event;
    this.#finish = read.finish ?? this.#finish;
    this.#usage = read.usage ?? this.#usage;
    if (read.isEnd && this.#finish) this.#isDone = true;
    return '';
  }

  /** Of what comes after the end only a count of tokens matters. */
  #takeLate(event: string): string {
    const read = readEvent(event, this.#dialect);
    if (read?.kind === 'silent') this.#usage ??= read.usage;
    return '';
  }
}

function concatenate(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (second.length === 0) return first;
  if (first.length === 0) return second;
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}

/** The index after the last empty line. */
function endOfLastEvent(bytes: Uint8Array): number {
  for (let at = bytes.lastIndexOf(LINE_FEED); at > 0; at = bytes.lastIndexOf(LINE_FEED, at - 1)) {
    if (bytes[at - 1] === LINE_FEED) return at + 1;
  }
  return 0;
}
