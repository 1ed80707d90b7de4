/**
 * The ids of traces and spans. They are kept as bytes, since most are only ever written as such;
 * digits are made of the few that cross a network.
 */

import { hex } from '../../core/ids.ts';

/** Random bytes are fetched in blocks, since the call costs more than the bytes. */
const BLOCK = 4_096;

let block = new Uint8Array(0);
let used = 0;

export class Id {
  /** Bytes, of which those from `at` on are the id: a block is shared by many ids. */
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly length: number;

  private constructor(bytes: Uint8Array, at: number, length: number) {
    this.bytes = bytes;
    this.at = at;
    this.length = length;
  }

  /** Returns a new id. @param length its bytes */
  static random(length: number): Id {
    if (used + length > block.length) {
      block = crypto.getRandomValues(new Uint8Array(BLOCK));
      used = 0;
    }
    const at = used;
    used += length;
    return new Id(block, at, length);
  }

  /** Reads an id. @param digits hexadecimal, an even number of them */
  static from(digits: string): Id {
    const bytes = Uint8Array.from(digits.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
    return new Id(bytes, 0, bytes.length);
  }

  /** Returns the id as lowercase hexadecimal digits. */
  get digits(): string {
    let digits = '';
    for (let at = this.at; at < this.at + this.length; at++) digits += hex(this.bytes[at] ?? 0);
    return digits;
  }
}
