/** Shares reads of one answer: readers at the same place get the same encoded text. */
import type { Wire } from '../../wire/wire.ts';

/** A reader's place: before everything, or at a position in the answer. */
export interface ReaderPlace {
  readonly wire: Wire;
  readonly hasStarted: boolean;
  readonly part: number;
  readonly offset: number;
}

/** The result of one read, and the reader's place after it. */
export interface EncodedRead {
  readonly text: string;
  /** The same in UTF-8, made when a second reader takes it. */
  readonly bytes?: Uint8Array;
  readonly part: number;
  readonly offset: number;
  /** True when there is more to read. */
  readonly isBehind: boolean;
}

/** Places whose reads are kept: nearly all readers stand at the end, a few slow ones anywhere. */
const MOST_PLACES = 8;
const utf8 = new TextEncoder();

/** Keeps what was read until the answer grows. */
export class SharedReads {
  #kept: { from: ReaderPlace; read: EncodedRead }[] = [];

  /** Returns what another reader read from this place, with its bytes; undefined when none has. */
  find(from: ReaderPlace): EncodedRead | undefined {
    const found = this.#kept.find((kept) => isSame(kept.from, from));
    if (!found) return undefined;
    if (!found.read.bytes) found.read = { ...found.read, bytes: utf8.encode(found.read.text) };
    return found.read;
  }

  keep(from: ReaderPlace, read: EncodedRead): void {
    if (this.#kept.length < MOST_PLACES) this.#kept.push({ from, read });
  }

  /** Forgets everything: the answer has grown. */
  clear(): void {
    if (this.#kept.length > 0) this.#kept = [];
  }
}

function isSame(a: ReaderPlace, b: ReaderPlace): boolean {
  return (
    a.offset === b.offset && a.part === b.part && a.hasStarted === b.hasStarted && a.wire === b.wire
  );
}
