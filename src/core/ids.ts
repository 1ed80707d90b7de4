/** Random bytes are fetched in blocks, since the call costs more than the bytes. */
const BLOCK = new Uint8Array(10 * 128);
let used = BLOCK.length;

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/**
 * Returns a UUIDv7 (RFC 9562 §5.7): 48 bits of milliseconds, then random bits. Ids sort by the time
 * at which they were made.
 */
export function newId(now: number = Date.now()): string {
  if (used >= BLOCK.length) {
    crypto.getRandomValues(BLOCK);
    used = 0;
  }
  const random = (index: number) => BLOCK[used + index] ?? 0;
  const timeHigh = `${hex(now / 2 ** 40)}${hex(now / 2 ** 32)}`;
  const timeMiddle = `${hex(now / 2 ** 24)}${hex(now >> 16)}`;
  const timeLow = `${hex(now >> 8)}${hex(now)}`;
  const version = hex(0x70 | (random(0) & 0x0f));
  const variant = hex(0x80 | (random(2) & 0x3f));
  const restHigh = `${hex(random(4))}${hex(random(5))}${hex(random(6))}`;
  const restLow = `${hex(random(7))}${hex(random(8))}${hex(random(9))}`;
  const middle = `${version}${hex(random(1))}-${variant}${hex(random(3))}`;
  const id = `${timeHigh}${timeMiddle}-${timeLow}-${middle}-${restHigh}${restLow}`;
  used += 10;
  return id;
}

/** Returns the lowest eight bits of a number as two hexadecimal digits. */
function hex(value: number): string {
  return HEX[value & 0xff] ?? '';
}
