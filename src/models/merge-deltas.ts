/**
 * A `fetch` for the providers: what arrives in one network read is handed on as few events as it means. A provider spends most of its time on each
 * event (parsing, validating, a dozen stream hops), and a model that is quick, or read late, sends many at once that differ in nothing but their text.
 *
 * Works on the text of the events: two neighbours that are the same before and after the string of their delta become one whose string is both. Nothing is parsed, so
 * nothing is changed that is not understood, and the first token is never held back.
 */

/** Where the text of a delta begins, on the wire of OpenAI and Groq. */
const DELTA_STRINGS = ['"content":"', '"reasoning":"'];

/** An event that holds any of these carries more than text. */
const NOT_PLAIN =
  /"(tool_calls|function_call|arguments|usage|error|annotations|audio)":(?!null)|"finish_reason":"/;

/** A field that OpenAI fills with noise so that lengths say nothing. */
const NOISE = /,"obfuscation":"[^"]*"/;

/** @param gatherMs after the first text, what comes within so long is handed on together; 0 hands on what each read brings */
export function mergingFetch(
  fetch: typeof globalThis.fetch,
  gatherMs = 0,
): typeof globalThis.fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    const isEvents = response.headers.get('content-type')?.includes('text/event-stream') ?? false;
    if (!isEvents || !response.body) return response;
    const { status, statusText, headers } = response;
    return new Response(mergeEvents(response.body, gatherMs), { status, statusText, headers });
  };
}

/** Reads a stream of events and hands on the same with neighbouring plain text deltas merged. */
export function mergeEvents(
  body: ReadableStream<Uint8Array>,
  gatherMs = 0,
): ReadableStream<Uint8Array> {
  const reads = new Reads(body.getReader());
  const merger = new EventMerger();
  let isFirst = true;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const { done, value } =
            isFirst || gatherMs === 0 ? await reads.next() : await reads.nextWithin(gatherMs);
          const ready = done ? merger.rest() : merger.push(value ?? NOTHING);
          if (ready.length > 0) controller.enqueue(ready);
          if (done) controller.close();
          if (ready.length > 0) isFirst = false;
          if (done || ready.length > 0) return;
        }
      },
      cancel: (reason) => reads.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

interface Read {
  done: boolean;
  value?: Uint8Array;
}

/** Reads that may be waited for together. */
class Reads {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  /** A read that was begun and not waited out. */
  #begun: Promise<Read> | undefined;

  constructor(reader: ReadableStreamDefaultReader<Uint8Array>) {
    this.#reader = reader;
  }

  async next(): Promise<Read> {
    const read = this.#begun ?? this.#reader.read();
    this.#begun = undefined;
    return read;
  }

  /** The next read, and all that come within so many milliseconds of it. */
  async nextWithin(milliseconds: number): Promise<Read> {
    const first = await this.next();
    if (first.done || !first.value) return first;
    const pieces = [first.value];
    const over = new Promise<undefined>((resolve) => setTimeout(resolve, milliseconds));
    for (;;) {
      this.#begun ??= this.#reader.read();
      const read = await Promise.race([this.#begun, over]);
      // What ended or broke meanwhile is told by the next call.
      if (!read || read.done || !read.value) break;
      pieces.push(read.value);
      this.#begun = undefined;
    }
    return { done: false, value: pieces.length === 1 ? first.value : concatenate(pieces) };
  }

  async cancel(reason: unknown): Promise<void> {
    await this.#reader.cancel(reason);
  }
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const NOTHING = new Uint8Array(0);
const utf8 = new TextEncoder();

class EventMerger {
  /** The bytes of an event that is not whole yet. */
  #pending: Uint8Array = NOTHING;
  /** A stream that is written in another way than expected is left alone. */
  #isStrange = false;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  push(bytes: Uint8Array): Uint8Array {
    if (this.#isStrange) return bytes;
    const all = this.#pending.length === 0 ? bytes : concatenate([this.#pending, bytes]);
    const end = endOfLastEvent(all);
    this.#pending = all.subarray(end);
    const whole = all.subarray(0, end);
    if (whole.length === 0 || !hasSeveralEvents(whole)) return this.#checked(whole);
    try {
      return utf8.encode(mergeText(this.#decoder.decode(whole)));
    } catch {
      // Not UTF-8: what is broken stays visible to whoever reads on.
      return whole;
    }
  }

  rest(): Uint8Array {
    const rest = this.#pending;
    this.#pending = NOTHING;
    return rest;
  }

  /** Events that end in carriage returns would never be seen to end. */
  #checked(whole: Uint8Array): Uint8Array {
    if (whole.length > 0 || !this.#pending.includes(CARRIAGE_RETURN)) return whole;
    this.#isStrange = true;
    return this.rest();
  }
}

function concatenate(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** The index after the last empty line. */
function endOfLastEvent(bytes: Uint8Array): number {
  for (let at = bytes.lastIndexOf(LINE_FEED); at > 0; at = bytes.lastIndexOf(LINE_FEED, at - 1)) {
    if (bytes[at - 1] === LINE_FEED) return at + 1;
  }
  return 0;
}

function hasSeveralEvents(whole: Uint8Array): boolean {
  for (let at = whole.indexOf(LINE_FEED); at >= 0; at = whole.indexOf(LINE_FEED, at + 1)) {
    if (whole[at + 1] === LINE_FEED) return at + 2 < whole.length;
  }
  return false;
}

/** @param events whole events, each ended by an empty line */
function mergeText(events: string): string {
  let merged = '';
  /** The run of deltas that is being put together. */
  let run: Delta | undefined;
  for (let from = 0; from < events.length;) {
    const to = events.indexOf('\n\n', from) + 2;
    const joined = run && joinedWith(run, events, from, to);
    if (joined === undefined) {
      if (run) merged += run.before + run.text + run.after;
      run = deltaIn(events.slice(from, to));
      if (!run) merged += events.slice(from, to);
    } else if (run) run.text += joined;
    from = to;
  }
  return run ? merged + run.before + run.text + run.after : merged;
}

/** An event that is a plain text delta: what stands before the string's content, the content as it is escaped, and what stands after. */
interface Delta {
  before: string;
  text: string;
  after: string;
}

/** The text that the event at `from` adds to the run, if it is the same in all else. */
function joinedWith(run: Delta, events: string, from: number, to: number): string | undefined {
  if (!events.startsWith(run.before, from)) return undefined;
  const start = from + run.before.length;
  const end = endOfString(events, start);
  if (end < 0 || end >= to) return undefined;
  const isSame = to - end === run.after.length ? events.startsWith(run.after, end) : false;
  if (!isSame && events.slice(end, to).replace(NOISE, '') !== run.after) return undefined;
  return events.slice(start, end);
}

function deltaIn(event: string): Delta | undefined {
  if (!event.startsWith('data: {') || event.indexOf('\n') !== event.length - 2) return undefined;
  for (const opening of DELTA_STRINGS) {
    const at = event.indexOf(opening);
    if (at < 0) continue;
    const start = at + opening.length;
    const end = endOfString(event, start);
    if (end < 0) return undefined;
    const before = event.slice(0, start);
    const after = event.slice(end).replace(NOISE, '');
    // A second delta in the same event would be lost.
    const isPlain =
      !NOT_PLAIN.test(before) &&
      !NOT_PLAIN.test(after) &&
      !DELTA_STRINGS.some((other) => after.includes(other));
    return isPlain ? { before, text: event.slice(start, end), after } : undefined;
  }
  return undefined;
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
