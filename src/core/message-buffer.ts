import { contentOf, type GrowingType, type Part } from './parts.ts';

/** A place in an answer: everything before `offset` (UTF-16 units) of part number `part`. */
export interface Position {
  part: number;
  offset: number;
}

/** A growing text held as its deltas, so that appending costs what is appended and a reader near the end joins only what is new. */
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

  /** The text from `offset` on, or the first of it: no more than `most` units, and no half of a surrogate pair at the end. */
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

  /** The delta that holds the unit at `offset`: the last one nearly always, else by bisection. */
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
 * An answer while it is being written. Only the last part grows; whatever else arrives (sources, a tool's call or result) is a part of its own.
 * Any number of readers look at it, each from a position of its own.
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

  /** How many parts there are. */
  get count(): number {
    return this.#parts.length;
  }

  /** UTF-16 units of visible text. */
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

  /** The position after everything there is. */
  end(): Position {
    const last = this.#parts.at(-1);
    if (last instanceof TextBuffer) return { part: this.#parts.length - 1, offset: last.length };
    return { part: this.#parts.length, offset: 0 };
  }

  /** What part number `index` has from `offset` on: a fragment of a text, the whole of any other, nothing when there is no such part. */
  at(index: number, offset: number): Part | undefined {
    const part = this.#parts[index];
    if (part instanceof TextBuffer) return { type: part.type, text: part.from(offset) };
    return part;
  }

  /** Like {@link at} without an object, for the hot path, and no more than `most` units: `undefined` when the part is not a growing one. */
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
   * Returns everything beyond `position`, a text that goes on first as a fragment.
   * @param end the number of the first part that is not wanted
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

  /** The visible text from so many units on. */
  textFrom(length: number): string {
    return contentOf(this.all()).slice(length);
  }

  /** True when a reader may stand there: inside what is written and not between the halves of a surrogate pair. */
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
