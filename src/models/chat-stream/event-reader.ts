/**
 * Reads the events of a service's answer as they arrive, in whatever framing it has. It is more
 * tolerant than the rules of Server-Sent Events (WHATWG HTML §9.2), because services are not
 * strict: lines end in LF, CR or CRLF, `data:` may lack its space, empty lines between events may
 * be missing, and a body may be plain JSON, whole or line by line.
 */
import { parseJson } from '../../core/json.ts';

/** Is told what was read, in order. */
export interface EventListener {
  /**
   * Reads an event without its being parsed.
   * @param json an event that has no type and is one line
   * @returns false for an event that has to be parsed
   */
  onLine(json: string): boolean;
  /**
   * @param type the value of `event:`, or ''
   * @param json what was parsed
   */
  onJson(value: unknown, type: string, json: string): void;
  /** The mark `[DONE]`. */
  onDoneMark(): void;
  /** Data that is no JSON. */
  onUnreadable(data: string): void;
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
/**
 * Bytes: far more than the longest answer that is kept. A service that never ends a line stops
 * here.
 */
const LONGEST_LINE = 32 * 1024 * 1024;
/** Shared by all answers: it only ever sees whole lines, which end with a whole character. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** The events by which services keep a connection open, and the words they put into them. */
const KEEP_ALIVE = /^(?:ping|pong|keep-?alive|heartbeat)$/i;
const DONE_MARK = /^"?\[DONE\]"?$/i;

export class EventReader {
  readonly #listener: EventListener;
  /** The beginning of a line whose end has not arrived, in the pieces in which it came. */
  #pieces: Uint8Array[] = [];
  #piecesLength = 0;
  #isAtStart = true;
  /** The last line ended in CR: an LF that follows belongs to it. */
  #endedInReturn = false;
  #type = '';
  /** Data that is not JSON yet. */
  #data: string | undefined;
  /** The body is JSON without any framing. */
  #isBare = false;

  constructor(listener: EventListener) {
    this.#listener = listener;
  }

  push(bytes: Uint8Array): void {
    const end = endOfLastLine(bytes);
    if (end === bytes.length) return this.#readLines(utf8.decode(this.#withPieces(bytes)));
    if (end > 0) this.#readLines(utf8.decode(this.#withPieces(bytes.subarray(0, end))));
    this.#keep(end === 0 ? bytes : bytes.subarray(end));
  }

  /** Reads what is left. Data that was cut is dropped, as the rules for such streams say. */
  end(): void {
    const rest = utf8.decode(this.#withPieces(new Uint8Array(0)));
    if (rest !== '') this.#readLines(rest);
    const data = this.#data;
    this.#data = undefined;
    if (data !== undefined) this.#parse(data);
  }

  #keep(bytes: Uint8Array): void {
    this.#piecesLength += bytes.length;
    if (this.#piecesLength > LONGEST_LINE) throw new Error('a line of the answer has no end');
    // A copy, because whoever reads the network may use its buffer again.
    this.#pieces.push(bytes.slice());
  }

  #withPieces(bytes: Uint8Array): Uint8Array {
    if (this.#piecesLength === 0) return bytes;
    const all = new Uint8Array(this.#piecesLength + bytes.length);
    let at = 0;
    for (const piece of this.#pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    all.set(bytes, at);
    this.#pieces = [];
    this.#piecesLength = 0;
    return all;
  }

  #readLines(given: string): void {
    let text = given;
    if (this.#isAtStart) text = this.#withoutByteOrderMark(text);
    if (this.#endedInReturn && text.startsWith('\n')) text = text.slice(1);
    this.#endedInReturn = text.endsWith('\r');
    if (text.includes('\r')) {
      const lines = text.split(/\r\n|\n|\r/);
      // What follows the last line's end is no line.
      if (/[\r\n]$/.test(text)) lines.pop();
      return lines.forEach((line) => this.#readLine(line));
    }
    for (let from = 0; from < text.length;) {
      const found = text.indexOf('\n', from);
      const to = found < 0 ? text.length : found;
      const isFirst = this.#type === '' && this.#data === undefined;
      const isPlain =
        isFirst &&
        text.startsWith('data: {', from) &&
        this.#readPlain(text.slice(from + 'data: '.length, to));
      if (!isPlain && (to > from || !isFirst)) this.#readLine(text.slice(from, to));
      from = to + 1;
    }
  }

  /** Reads an event that is one line of JSON: the short way for nearly all of them. */
  #readPlain(json: string): boolean {
    if (this.#listener.onLine(json)) return true;
    const value = parseJson(json);
    if (value === undefined) return false;
    this.#listener.onJson(value, '', json);
    return true;
  }

  #withoutByteOrderMark(text: string): string {
    this.#isAtStart = false;
    return text.startsWith('\uFEFF') ? text.slice(1) : text;
  }

  #readLine(line: string): void {
    if (line.startsWith('data:')) return this.#readData(line.slice(line[5] === ' ' ? 6 : 5));
    if (line === '') return this.#isBare ? undefined : this.#endEvent();
    if (line.startsWith(':')) return;
    if (line.startsWith('event:')) {
      this.#type = line.slice('event:'.length).trim();
      return;
    }
    this.#readOddLine(line);
  }

  /** Reads a line that is no field: JSON that stands by itself, or a field that is indented. */
  #readOddLine(line: string): void {
    const trimmed = line.trim();
    if (!this.#isBare && trimmed !== line && /^(?:data|event):/.test(trimmed))
      return this.#readLine(trimmed);
    // The server of llama.cpp tells an error in a field of its own.
    if (line.startsWith('error:')) {
      this.#type = 'error';
      return this.#readData(line.slice('error:'.length).trim());
    }
    if (/^[[{]/.test(trimmed) && this.#data === undefined) this.#isBare = true;
    if (this.#isBare) this.#readData(trimmed);
  }

  /** Data that is JSON in one line is told at once: some services send no empty line after it. */
  #readData(data: string): void {
    if (this.#data !== undefined) {
      this.#data += `\n${data}`;
      return;
    }
    // Nearly every stream ends so, and what is no JSON costs the parser most.
    if (data === '[DONE]') return this.#listener.onDoneMark();
    const first = data.charCodeAt(0);
    if ((first === 0x7b || first === 0x5b) && this.#parse(data)) return;
    const trimmed = data.trim();
    if (trimmed === '') return;
    if (DONE_MARK.test(trimmed)) return this.#listener.onDoneMark();
    this.#data = data;
  }

  /** @returns false when the data is no JSON */
  #parse(data: string): boolean {
    const value = parseJson(data);
    if (value === undefined) return false;
    const type = this.#type;
    this.#type = '';
    if (type === '' || !KEEP_ALIVE.test(type)) this.#listener.onJson(value, type, data);
    return true;
  }

  #endEvent(): void {
    const data = this.#data;
    const isKeepAlive = KEEP_ALIVE.test(this.#type) || (data && KEEP_ALIVE.test(data.trim()));
    this.#data = undefined;
    if (data !== undefined && !isKeepAlive && !this.#parse(data)) this.#listener.onUnreadable(data);
    this.#type = '';
  }
}

/** Returns the index after the last line's end; 0 when there is none. */
function endOfLastLine(bytes: Uint8Array): number {
  if (bytes[bytes.length - 1] === LINE_FEED) return bytes.length;
  const feed = bytes.lastIndexOf(LINE_FEED);
  const last = bytes.lastIndexOf(CARRIAGE_RETURN);
  return Math.max(feed, last) + 1;
}
