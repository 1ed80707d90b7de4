import { contentOf, type GrowingType, type Part } from './parts.ts';

/** A position in an answer: everything before `offset` (UTF-16 units) of part number `part`. */
export interface Position {
  part: number;
  offset: number;
}

/**
 * A growing text, kept as its deltas. Appending costs only the length of the delta, and a reader
 * near the end joins only the deltas that are new to it.
 */
class TextBuffer {
  readonly type: GrowingType;
  #deltas: string[] = [];
  /** `#ends[i]` is the length of the text after delta i. */
  #ends: number[] = [];

  constructor(type: GrowingType) {
    this.type = type;
  }

  get length(): number {
    return this.#ends.at(-1) ?? 0;
  }

  append(delta: string): void {
    this.#deltas.push(delta);
    this.#ends.push(this.length + delta.length);
  }

  /**
   * Returns at most `most` units of the text from `offset` on. It never ends with half of a
   * surrogate pair.
   */
  from(offset: number, most = Number.POSITIVE_INFINITY): string {
    if (offset >= this.length) return '';
    const start = this.#indexAt(offset);
    const last = this.#indexAt(Math.min(offset + most, this.length) - 1);
    const startsAt = start === 0 ? 0 : (this.#ends[start - 1] ?? 0);
    const first = (this.#deltas[start] ?? '').slice(offset - startsAt);
    const text = start === last ? first : first + this.#deltas.slice(start + 1, last + 1).join('');
    if (text.length <= most) return text;
    return text.slice(0, isHighSurrogate(text.charCodeAt(most - 1)) ? most - 1 : most);
  }

  /**
   * Returns the index of the delta that holds the unit at `offset`. That is nearly always the last
   * one; otherwise it is found by bisection.
   */
  #indexAt(offset: number): number {
    let low = 0;
    let high = this.#deltas.length - 1;
    if (offset >= (this.#ends[high - 1] ?? 0)) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ends[middle] ?? 0) > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

type FixedPart = Exclude<Part, { text: string }>;

/**
 * An answer while it is being written. Only the last part grows; sources, tool calls and tool
 * results are added as whole parts. It serves any number of readers, each from its own position.
 */
export class MessageBuffer {
  #parts: (TextBuffer | FixedPart)[] = [];
  #textLength = 0;

  static of(parts: readonly Part[]): MessageBuffer {
    const growing = new MessageBuffer();
    for (const part of parts) {
      if (part.type === 'text' || part.type === 'reasoning') growing.append(part.type, part.text);
      else growing.add(part);
    }
    return growing;
  }

  /** Returns the number of parts. */
  get count(): number {
    return this.#parts.length;
  }

  /** Returns the length of the visible text, in UTF-16 units. */
  get textLength(): number {
    return this.#textLength;
  }

  append(type: GrowingType, delta: string): void {
    if (delta === '') return;
    const last = this.#parts.at(-1);
    if (last instanceof TextBuffer && last.type === type) last.append(delta);
    else {
      const log = new TextBuffer(type);
      log.append(delta);
      this.#parts.push(log);
    }
    if (type === 'text') this.#textLength += delta.length;
  }

  add(part: FixedPart): void {
    this.#parts.push(part);
  }

  /** Returns the position after everything that has been written. */
  end(): Position {
    const last = this.#parts.at(-1);
    if (last instanceof TextBuffer) return { part: this.#parts.length - 1, offset: last.length };
    return { part: this.#parts.length, offset: 0 };
  }

  /**
   * Returns part number `index` from `offset` on: a fragment of a text, any other part whole;
   * undefined when there is no such part.
   */
  at(index: number, offset: number): Part | undefined {
    const part = this.#parts[index];
    if (part instanceof TextBuffer) return { type: part.type, text: part.from(offset) };
    return part;
  }

  /**
   * Returns at most `most` units of a growing part, and undefined for any other. It does what
   * {@link at} does but allocates no object, for the hot path.
   */
  textAt(index: number, offset: number, most?: number): string | undefined {
    const part = this.#parts[index];
    return part instanceof TextBuffer ? part.from(offset, most) : undefined;
  }

  typeAt(index: number): Part['type'] | undefined {
    return this.#parts[index]?.type;
  }

  lengthAt(index: number): number {
    const part = this.#parts[index];
    return part instanceof TextBuffer ? part.length : 0;
  }

  /**
   * Returns everything after `position`; a text that `position` is inside of comes first, as a
   * fragment.
   * @param end the number of the first part to leave out
   */
  since(position: Position, end = this.#parts.length): Part[] {
    const parts: Part[] = [];
    for (let index = position.part; index < end; index++) {
      const part = this.at(index, index === position.part ? position.offset : 0);
      if (part && !('text' in part && part.text === '')) parts.push(part);
    }
    return parts;
  }

  all(): Part[] {
    return this.since({ part: 0, offset: 0 });
  }

  /** Returns the visible text after its first `length` UTF-16 units. */
  textFrom(length: number): string {
    return contentOf(this.all()).slice(length);
  }

  /**
   * Returns true when a reader may start there: the position is inside the answer and not between
   * the halves of a surrogate pair.
   */
  has(position: Position): boolean {
    const end = this.end();
    if (position.part > end.part) return false;
    if (position.part === end.part) {
      if (position.offset > end.offset) return false;
    } else if (position.offset > this.lengthAt(position.part)) return false;
    if (position.offset === 0) return true;
    const text = this.textAt(position.part, position.offset - 1) ?? '';
    return !(isHighSurrogate(text.charCodeAt(0)) && isLowSurrogate(text.charCodeAt(1)));
  }
}

export function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

export function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
