/**
 * Writes messages in the binary form of protobuf. Messages are written in place: the length of each
 * comes before it, so room is left for it and filled when the message has ended.
 */

import type { Id } from './id.ts';

/** The types of fields, which say how long they are. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
/** The most bytes of the number of a field, of a length or a whole number, and of a fixed one. */
const MOST_OF_NUMBERS = 32;
const text = new TextEncoder();

export class ProtobufWriter {
  #bytes = new Uint8Array(64 * 1024);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  /** Returns what was written, and begins anew. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#bytes.slice(0, this.#at);
    this.#at = 0;
    return taken;
  }

  /**
   * Begins a message.
   * @param room the bytes that its length will probably take
   * @returns what ends it
   */
  begin(field: number, room: number): number {
    this.#tag(field, BYTES);
    this.#at += room;
    return this.#at;
  }

  /** Ends a message. @param begun what `begin` has returned, with the same room */
  end(begun: number, room: number): void {
    const length = this.#at - begun;
    const needed = sizeOf(length);
    if (needed !== room) {
      this.#makeRoom(needed);
      this.#bytes.copyWithin(begun - room + needed, begun, this.#at);
    }
    this.#at = begun - room;
    this.#varint(length);
    this.#at += length;
  }

  /** Writes a whole number, which may be negative. */
  whole(field: number, value: number): void {
    this.#tag(field, VARINT);
    this.#varint(value);
  }

  double(field: number, value: number): void {
    this.#tag(field, FIXED64);
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  fixed32(field: number, value: number): void {
    this.#tag(field, FIXED32);
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  /** Writes a time in nanoseconds. @param milliseconds since the epoch, and parts of one */
  time(field: number, milliseconds: number): void {
    this.#tag(field, FIXED64);
    const whole = Math.floor(milliseconds);
    // They have more bits than a number holds exactly, so the upper ones are counted apart.
    const upper = Math.floor(whole / 2 ** 16) * 1e6;
    const rest = (whole & 0xffff) * 1e6 + Math.round((milliseconds - whole) * 1e6);
    const low = (upper & 0xffff) * 2 ** 16 + rest;
    const high = Math.floor(upper / 2 ** 16) + Math.floor(low / 2 ** 32);
    // Of a larger number it takes the lowest 32 bits.
    this.#view.setUint32(this.#at, low, true);
    this.#view.setUint32(this.#at + 4, high, true);
    this.#at += 8;
  }

  /** Writes an id, of some bytes. */
  id(field: number, { bytes: from, at, length }: Id): void {
    this.#tag(field, BYTES);
    this.#varint(length);
    const bytes = this.#bytes;
    for (let each = 0; each < length; each++) bytes[this.#at + each] = from[at + each] ?? 0;
    this.#at += length;
  }

  string(field: number, value: string): void {
    this.#tag(field, BYTES);
    const { length } = value;
    this.#makeRoom(MOST_OF_NUMBERS + length * 3);
    const begun = this.#at;
    this.#varint(length);
    const bytes = this.#bytes;
    let to = this.#at;
    for (let at = 0; at < length; at++) {
      const unit = value.charCodeAt(at);
      if (unit > 0x7f) return this.#encoded(begun, value);
      bytes[to++] = unit;
    }
    this.#at = to;
  }

  /** Returns a copy of what was written from a position on. */
  since(position: number): Uint8Array {
    return this.#bytes.slice(position, this.#at);
  }

  get position(): number {
    return this.#at;
  }

  /** Leaves out what was written from a position on. */
  backTo(position: number): void {
    this.#at = position;
  }

  /** Writes fields that are encoded already. */
  fields(bytes: Uint8Array): void {
    this.#makeRoom(MOST_OF_NUMBERS + bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** Writes a string that is not ASCII. */
  #encoded(begun: number, value: string): void {
    const bytes = text.encode(value);
    this.#at = begun;
    this.#varint(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #tag(field: number, type: number): void {
    this.#makeRoom(MOST_OF_NUMBERS);
    this.#varint((field << 3) | type);
  }

  #varint(value: number): void {
    if (value < 0 || value > 0x7fffffff) return this.#longVarint(value);
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) this.#bytes[this.#at++] = (rest & 0x7f) | 0x80;
    this.#bytes[this.#at++] = rest;
  }

  #longVarint(value: number): void {
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 0x7fn; rest >>= 7n) this.#bytes[this.#at++] = Number(rest & 0x7fn) | 0x80;
    this.#bytes[this.#at++] = Number(rest);
  }

  #makeRoom(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * this.#bytes.length + bytes);
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** Returns the number of bytes of a length. */
function sizeOf(length: number): number {
  return length < 2 ** 7 ? 1 : length < 2 ** 14 ? 2 : length < 2 ** 21 ? 3 : 4;
}
