/**
 * Reads zip archives, the format of office documents and books. Entries are unpacked on demand and
 * in pieces, so that one that unpacks to far more than it declares is refused early.
 */
import { Inflate } from 'fflate';
import { tooLarge, unreadable } from '../refusals.ts';
import { readDirectory, type Entry } from './zip-directory.ts';

/** Most bytes that all entries may unpack to: ten times the longest text, as XML. */
const MOST_UNPACKED = 40 * 1024 * 1024;
/** No real text has a higher ratio; small entries are exempt. */
const HIGHEST_RATIO = 200;
const SMALL = 2 * 1024 * 1024;
/** Packed bytes that are unpacked in one step; they yield at most 16 MB. */
const PIECE = 16 * 1024;

const LOCAL_ENTRY = 0x04034b50;

export class Archive {
  readonly #bytes: Uint8Array;
  readonly #entries: Map<string, Entry>;
  #unpacked = 0;

  /**
   * Opens an archive.
   * @throws ParleyError `document_unreadable`
   */
  constructor(bytes: Uint8Array) {
    const entries = readDirectory(bytes);
    if (!entries) throw unreadable('The document is damaged: its archive cannot be read');
    this.#bytes = bytes;
    this.#entries = entries;
  }

  get names(): string[] {
    return [...this.#entries.keys()];
  }

  /**
   * Returns an entry's bytes, or undefined if there is none of that name.
   * @throws ParleyError `document_unreadable`, `payload_too_large`
   */
  read(name: string): Uint8Array | undefined {
    const entry = this.#entries.get(name);
    if (!entry) return undefined;
    if (entry.isEncrypted)
      throw unreadable('The document is encrypted; send it without a password');
    const packed = this.#packed(entry);
    if (entry.method === 0) return this.#count(packed, packed.length);
    if (entry.method !== 8) throw unreadable('The document is packed in a way that is not read');
    return this.#inflate(packed);
  }

  #packed({ offset, packed }: Entry): Uint8Array {
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
    if (offset + 30 > this.#bytes.length || view.getUint32(offset, true) !== LOCAL_ENTRY)
      throw unreadable('The document is damaged: its archive cannot be read');
    const start =
      offset + 30 + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
    return this.#bytes.subarray(start, start + packed);
  }

  #inflate(packed: Uint8Array): Uint8Array {
    const pieces: Uint8Array[] = [];
    let length = 0;
    const inflate = new Inflate((piece) => {
      length += piece.length;
      this.#count(piece, packed.length, length);
      pieces.push(piece);
    });
    for (let at = 0; at < packed.length; at += PIECE)
      inflate.push(packed.subarray(at, at + PIECE), at + PIECE >= packed.length);
    const all = new Uint8Array(length);
    let at = 0;
    for (const piece of pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }

  #count(piece: Uint8Array, packed: number, length = piece.length): Uint8Array {
    this.#unpacked += piece.length;
    const isBomb = length > SMALL && length > packed * HIGHEST_RATIO;
    if (isBomb || this.#unpacked > MOST_UNPACKED)
      throw tooLarge('The document unpacks to more than can be read');
    return piece;
  }
}
