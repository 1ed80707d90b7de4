/**
 * Reads a form part by part as it arrives (RFC 7578), so that a file is never held in memory whole,
 * which `Request.formData()` would do.
 */
import { ParleyError } from '../../core/errors.ts';

/** A part of a form. Its bytes are read before the next part is asked for. */
export interface FormPart {
  name: string;
  /** Set for a file. */
  fileName: string | undefined;
  type: string | undefined;
  bytes: AsyncGenerator<Uint8Array>;
}

/** The most bytes that the head of a part may have. */
const LONGEST_HEAD = 16 * 1024;

const CR = 13;
const BREAK = '\r\n';

/** Returns the boundary that a content type names. @throws ParleyError `invalid_request` */
export function boundaryOf(contentType: string | undefined): string {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(contentType ?? '') ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined || boundary.length > 200) throw malformed();
  return boundary;
}

/**
 * Reads the parts of a form in their order.
 * @throws ParleyError `invalid_request` for a form that is malformed or ends before its end
 */
export async function* partsOf(
  body: AsyncIterable<Uint8Array>,
  boundary: string,
): AsyncGenerator<FormPart> {
  const input = new Input(body);
  const delimiter = latin1(`${BREAK}--${boundary}`);
  // The first delimiter has no line break before it where nothing precedes it.
  input.prepend(latin1(BREAK));
  await drain(input.until(delimiter));
  for (;;) {
    const end = await input.take(2);
    if (end === '--') return;
    if (end !== BREAK) throw malformed();
    const bytes = { ...readHead(await input.line(latin1(`${BREAK}${BREAK}`))) };
    const part = { ...bytes, bytes: input.until(delimiter) };
    yield part;
    await drain(part.bytes);
  }
}

async function drain(bytes: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of bytes);
}

function readHead(head: string): Omit<FormPart, 'bytes'> {
  const headers = new Map(
    head.split(BREAK).map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const disposition = headers.get('content-disposition') ?? '';
  const name = parameter(disposition, 'name');
  if (!/^form-data\b/i.test(disposition) || name === undefined) throw malformed();
  return { name, fileName: parameter(disposition, 'filename'), type: headers.get('content-type') };
}

/** Browsers escape a quote as `%22`, others by a backslash. */
function parameter(disposition: string, name: string): string | undefined {
  const pattern = new RegExp(`;\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;"]*))`, 'i');
  const [, quoted, plain] = pattern.exec(disposition) ?? [];
  return quoted?.replace(/\\(.)/g, '$1').replaceAll('%22', '"') ?? plain;
}

/** Bytes that arrive, with those that were not used yet. */
class Input {
  readonly #source: AsyncIterator<Uint8Array>;
  #held: Uint8Array = new Uint8Array();

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  prepend(bytes: Uint8Array): void {
    this.#held = joined(bytes, this.#held);
  }

  /** Gives what comes before a mark, and takes the mark itself. */
  async *until(mark: Uint8Array): AsyncGenerator<Uint8Array> {
    for (;;) {
      const at = indexOf(this.#held, mark);
      const before = at < 0 ? this.#held.length - partialEnd(this.#held, mark) : at;
      const found = this.#held.subarray(0, before);
      this.#held = this.#held.subarray(at < 0 ? before : at + mark.length);
      if (found.length > 0) yield found;
      if (at >= 0) return;
      await this.#more();
    }
  }

  /** Takes the text before a mark, and the mark itself. */
  async line(mark: Uint8Array): Promise<string> {
    let text = '';
    for await (const bytes of this.until(mark)) {
      text += String.fromCharCode(...bytes.subarray(0, LONGEST_HEAD));
      if (text.length >= LONGEST_HEAD) throw malformed();
    }
    return new TextDecoder().decode(latin1(text));
  }

  /** Takes so many bytes. */
  async take(count: number): Promise<string> {
    while (this.#held.length < count) await this.#more();
    const text = String.fromCharCode(...this.#held.subarray(0, count));
    this.#held = this.#held.subarray(count);
    return text;
  }

  async #more(): Promise<void> {
    const { done, value } = await this.#source.next();
    if (done) throw malformed();
    this.#held = this.#held.length === 0 ? value : joined(this.#held, value);
  }
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

/** Returns where a mark begins, which begins with a carriage return; -1 where it is not. */
function indexOf(bytes: Uint8Array, mark: Uint8Array): number {
  const last = bytes.length - mark.length;
  for (let at = bytes.indexOf(CR); at >= 0 && at <= last; at = bytes.indexOf(CR, at + 1))
    if (mark.every((byte, index) => bytes[at + index] === byte)) return at;
  return -1;
}

/** Returns how many of the last bytes may be the beginning of a mark. */
function partialEnd(bytes: Uint8Array, mark: Uint8Array): number {
  const from = Math.max(0, bytes.length - mark.length + 1);
  for (let at = bytes.indexOf(CR, from); at >= 0; at = bytes.indexOf(CR, at + 1)) {
    const rest = bytes.subarray(at);
    if (rest.every((byte, index) => byte === mark[index])) return rest.length;
  }
  return 0;
}

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function malformed(): ParleyError {
  return new ParleyError({ code: 'invalid_request', detail: 'The form cannot be read' });
}
