/**
 * Reads an OpenAI-like stream of events just enough to take its plain text out: what says nothing but a few more words is told to `onText` at once, everything else is
 * handed on, untouched, to whoever understands it. Providers spend most of their time on each event (a dozen stream hops, parsing, validating); a plain delta needs none of it.
 *
 * The first text is left in. The order of the text is kept by one rule: the first event with text that is not plain, or that cannot be read, ends the taking out for good, and from there
 * all goes the long way.
 */
import type { GrowingType } from '../chat/parts.ts';
import type { BodyTap } from './network.ts';

export interface PlainDeltaOptions {
  /** Whether `delta.reasoning` is text of the answer; where it is not, it means nothing. */
  reasoning: boolean;
  /** Given all neighbouring deltas of one read together. */
  onText(type: GrowingType, text: string): void;
}

const LINE_FEED = 10;
const NOTHING = new Uint8Array(0);
const utf8 = new TextEncoder();

/** An event that only adds text: what stands before the string's content, and what after it. */
interface Shape {
  type: GrowingType;
  before: string;
  after: string;
}

export class PlainDeltas implements BodyTap {
  readonly #options: PlainDeltaOptions;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  /** The bytes of an event that is not whole yet. */
  #pending: Uint8Array = NOTHING;
  #isOver = false;
  /** The first text is left in: a provider may look at what comes first. */
  #hasBegun = false;
  /** The shape of the last plain delta: the next nearly always has the same. */
  #shape: Shape | undefined;

  constructor(options: PlainDeltaOptions) {
    this.#options = options;
  }

  /** @returns what is to be handed on of what has arrived */
  push(bytes: Uint8Array): Uint8Array {
    if (this.#isOver) return bytes;
    const all = this.#pending.length === 0 ? bytes : concatenate(this.#pending, bytes);
    const end = endOfLastEvent(all);
    // A copy: who reads the network may use its buffer again.
    this.#pending = end === all.length ? NOTHING : all.slice(end);
    if (end === 0) return NOTHING;
    const whole = all.subarray(0, end);
    try {
      const kept = this.#takeOut(this.#decoder.decode(whole));
      return this.#isOver ? concatenate(utf8.encode(kept), this.rest()) : utf8.encode(kept);
    } catch {
      // Not UTF-8: whoever reads on shall see it as it came.
      this.#isOver = true;
      return concatenate(whole, this.rest());
    }
  }

  /** What is left when no more is coming. */
  rest(): Uint8Array {
    const rest = this.#pending;
    this.#pending = NOTHING;
    return rest;
  }

  /** @param events whole events, each ended by an empty line */
  #takeOut(events: string): string {
    let kept = '';
    let run = '';
    let runType: GrowingType = 'text';
    const flush = () => {
      if (run !== '') this.#options.onText(runType, run);
      run = '';
    };
    for (let from = 0; from < events.length;) {
      const to = events.indexOf('\n\n', from) + 2;
      const text = this.#textOf(events, from, to);
      if (text === undefined) {
        flush();
        if (!isWithoutText(events.slice(from, to), this.#options)) {
          this.#isOver = true;
          return kept + events.slice(from);
        }
        kept += events.slice(from, to);
      } else if (!this.#hasBegun) {
        this.#hasBegun = true;
        kept += events.slice(from, to);
      } else {
        const type: GrowingType = this.#shape?.type ?? 'text';
        if (type !== runType) flush();
        runType = type;
        run += text;
      }
      from = to;
    }
    flush();
    return kept;
  }

  /** The text that the event adds when it is a plain delta; undefined when it is anything else. */
  #textOf(events: string, from: number, to: number): string | undefined {
    const known = this.#shape;
    if (known && events.startsWith(known.before, from)) {
      const start = from + known.before.length;
      const end = to - known.after.length;
      if (end >= start && events.startsWith(known.after, end)) {
        const text = unescaped(events.slice(start, end));
        if (text !== undefined) return text;
      }
    }
    const found = plainDelta(events.slice(from, to), this.#options);
    if (!found) return undefined;
    this.#shape = found.shape;
    return found.text;
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

/** The index after the last empty line. Streams that end their lines otherwise have none and are handed on when they end. */
function endOfLastEvent(bytes: Uint8Array): number {
  for (let at = bytes.lastIndexOf(LINE_FEED); at > 0; at = bytes.lastIndexOf(LINE_FEED, at - 1)) {
    if (bytes[at - 1] === LINE_FEED) return at + 1;
  }
  return 0;
}

/** The content of a JSON string; undefined when this is not the content of one string. */
function unescaped(content: string): string | undefined {
  if (!/["\\\u0000-\u001f]/.test(content)) return content;
  try {
    const text: unknown = JSON.parse(`"${content}"`);
    return typeof text === 'string' ? text : undefined;
  } catch {
    return undefined;
  }
}

interface Chunk {
  choices?: { index?: number; finish_reason?: unknown; delta?: Record<string, unknown> }[];
  usage?: unknown;
  error?: unknown;
}

function chunkIn(event: string): Chunk | undefined {
  if (!event.startsWith('data: {') || event.indexOf('\n') !== event.length - 2) return undefined;
  try {
    // Looked at with care: nothing of it is believed but what is checked.
    return JSON.parse(event.slice('data: '.length)) as Chunk;
  } catch {
    return undefined;
  }
}

/** Fields of a delta that carry text, by what their text is. */
const TEXTS = { content: 'text', reasoning: 'reasoning' } as const;

function plainDelta(
  event: string,
  { reasoning }: PlainDeltaOptions,
): { shape: Shape; text: string } | undefined {
  const chunk = chunkIn(event);
  const [choice, ...others] = chunk?.choices ?? [];
  if (!chunk || !choice?.delta || others.length > 0) return undefined;
  if (
    isSet(chunk.usage) ||
    isSet(chunk.error) ||
    isSet(choice.finish_reason) ||
    (choice.index ?? 0) !== 0
  )
    return undefined;
  const said = Object.entries(choice.delta).filter(
    ([name, value]) => isSet(value) && value !== '' && name !== 'role' && name !== 'channel',
  );
  const [name, text] = said[0] ?? [];
  if (
    said.length !== 1 ||
    typeof text !== 'string' ||
    (name !== 'content' && (name !== 'reasoning' || !reasoning))
  )
    return undefined;
  const start = event.indexOf(`"${name}":"`) + name.length + 4;
  const end = endOfString(event, start);
  // Found by another way than the parser's: only if both agree is it what it seems to be.
  if (start < name.length + 4 || end < 0 || unescaped(event.slice(start, end)) !== text)
    return undefined;
  return {
    shape: { type: TEXTS[name], before: event.slice(0, start), after: event.slice(end) },
    text,
  };
}

/** True for an event that can be read and adds no text: the opening, the finish, the usage, a comment, the end mark. */
function isWithoutText(event: string, { reasoning }: PlainDeltaOptions): boolean {
  if (event.startsWith(':') || event === 'data: [DONE]\n\n') return true;
  const chunk = chunkIn(event);
  if (!chunk || isSet(chunk.error) || !Array.isArray(chunk.choices)) return false;
  return chunk.choices.every(
    ({ delta }) => !delta?.['content'] && !(reasoning && delta?.['reasoning']),
  );
}

function isSet(value: unknown): boolean {
  return value !== null && value !== undefined;
}

/** The index of the quote that ends the JSON string whose content begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start); at >= 0; at = text.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (text[at - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return at;
  }
  return -1;
}
