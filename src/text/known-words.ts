/**
 * Remembers words of ASCII with a number for each, and finds them by their bytes, so that a word
 * that was met before need not become a string.
 */

/** The bit by which a small letter of ASCII differs from a capital one. */
const SMALL = 0x20;
/** The multiplier of FNV-1a. */
const FNV_PRIME = 0x01000193;
/** Sizes to begin with; that of the slots is a power of two. */
const FEWEST_SLOTS = 16_384;
const FEWEST_BYTES = 65_536;

export class KnownWords {
  /** Nobody can choose words that all have one hash. */
  readonly seed = Math.floor(Math.random() * 2 ** 32) | 0;
  /** One more than the place of a word, where its hash says or after that; 0 for none. */
  #slots = new Int32Array(FEWEST_SLOTS);
  /** The words, in small letters, one after the other. */
  #letters = new Uint8Array(FEWEST_BYTES);
  /** By place: the hash of a word, and where its letters end. */
  #hashes = new Int32Array(FEWEST_SLOTS / 2);
  #ends = new Int32Array(FEWEST_SLOTS / 2);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /**
   * Returns the place of a word, a new one if it was not met: that is the size before the call.
   * @param bytes in which the word stands
   * @param hash of its bytes in their order, by {@link hashed}
   */
  placeOf(bytes: Uint8Array, from: number, to: number, hash: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = slotOf(hash) & mask;
    for (; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const place = slots[slot]! - 1;
      if (this.#hashes[place] === hash && this.#isAt(place, bytes, from, to)) return place;
    }
    slots[slot] = this.#size + 1;
    this.#hashes[this.#size] = hash;
    return this.#add(bytes, from, to);
  }

  #isAt(place: number, bytes: Uint8Array, from: number, to: number): boolean {
    const begin = startIn(this.#ends, place);
    if (this.#ends[place]! - begin !== to - from) return false;
    const letters = this.#letters;
    for (let at = from; at < to; at++)
      if (letters[begin + at - from] !== (bytes[at]! | SMALL)) return false;
    return true;
  }

  #add(bytes: Uint8Array, from: number, to: number): number {
    const place = this.#size++;
    const begin = startIn(this.#ends, place);
    const end = begin + to - from;
    this.#letters = roomFor(end, this.#letters);
    for (let at = from; at < to; at++) this.#letters[begin + at - from] = bytes[at]! | SMALL;
    this.#ends[place] = end;
    if (this.#size === this.#hashes.length) this.#makeRoom();
    return place;
  }

  #makeRoom(): void {
    const most = this.#size * 2;
    this.#hashes = roomFor(most, this.#hashes);
    this.#ends = roomFor(most, this.#ends);
    this.#slots = new Int32Array(most * 2);
    const mask = this.#slots.length - 1;
    for (let place = 0; place < this.#size; place++) {
      let slot = slotOf(this.#hashes[place]!) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = place + 1;
    }
  }
}

/** Returns the hash of what a hash stands for and one more byte, whose case does not matter. */
export function hashed(hash: number, byte: number): number {
  return Math.imul(hash ^ (byte | SMALL), FNV_PRIME);
}

/** The low bits of a hash are those of the last bytes alone. */
function slotOf(hash: number): number {
  return hash ^ (hash >>> 15);
}

/** Returns where that begins whose ends are listed. */
export function startIn(ends: Int32Array, index: number): number {
  return index === 0 ? 0 : ends[index - 1]!;
}

/** Returns the list, or a longer copy where it has less room. */
export function roomFor<List extends Int32Array | Uint8Array>(size: number, list: List): List {
  if (size <= list.length) return list;
  const make = list.constructor as new (length: number) => List;
  const longer = new make(Math.max(size, list.length * 2));
  longer.set(list);
  return longer;
}
