/** Random bytes are fetched in blocks, since the call costs more than the bytes. */
const BLOCK = new Uint8Array(10 * 128);
let used = BLOCK.length;
/** The last time that an id was made, and the digits of it: many are made in one millisecond. */
let madeAt = Number.NaN;
let timeDigits = '';

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/**
 * Returns a UUIDv7 (RFC 9562 §5.7): 48 bits of milliseconds, then random bits. Ids sort by the time
 * at which they were made.
 */
export function newId(now: number = Date.now()): string {
  if (used + 10 > BLOCK.length) {
    crypto.getRandomValues(BLOCK);
    used = 0;
  }
  const random = (index: number) => BLOCK[used + index] ?? 0;
  if (now !== madeAt) {
    madeAt = now;
    timeDigits = digitsOf(now);
  }
  const version = hex(0x70 | (random(0) & 0x0f));
  const variant = hex(0x80 | (random(2) & 0x3f));
  const restHigh = `${hex(random(4))}${hex(random(5))}${hex(random(6))}`;
  const restLow = `${hex(random(7))}${hex(random(8))}${hex(random(9))}`;
  const middle = `${version}${hex(random(1))}-${variant}${hex(random(3))}`;
  const id = `${timeDigits}-${middle}-${restHigh}${restLow}`;
  used += 10;
  return id;
}

/**
 * Returns what no id is below that was made at a time or later.
 * @param time in milliseconds since the epoch
 */
export function lowestId(time: number): string {
  return digitsOf(Math.max(0, time));
}

/** Returns the 48 bits of a time as they stand in an id. */
function digitsOf(time: number): string {
  const high = `${hex(time / 2 ** 40)}${hex(time / 2 ** 32)}`;
  const middle = `${hex(time / 2 ** 24)}${hex(time >> 16)}`;
  return `${high}${middle}-${hex(time >> 8)}${hex(time)}`;
}

/** Returns the lowest eight bits of a number as two hexadecimal digits. */
export function hex(value: number): string {
  return HEX[value & 0xff] ?? '';
}
