/** Random bytes are asked for in blocks: the call costs more than the bytes. */
const BLOCK = new Uint8Array(10 * 128);
let used = BLOCK.length;

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** A UUIDv7 (RFC 9562 §5.7): 48 bits of milliseconds, then random bits; ids sort by the time they were made. */
export function newId(now: number = Date.now()): string {
  if (used >= BLOCK.length) {
    crypto.getRandomValues(BLOCK);
    used = 0;
  }
  const hex = (index: number) => HEX[BLOCK[used + index] ?? 0] ?? '';
  const time = now.toString(16).padStart(12, '0');
  const variant = (8 + ((BLOCK[used + 2] ?? 0) & 3)).toString(16);
  const id = `${time.slice(0, 8)}-${time.slice(8)}-7${hex(0).slice(1)}${hex(1)}-${variant}${hex(2).slice(1)}${hex(3)}-${hex(4)}${hex(5)}${hex(6)}${hex(7)}${hex(8)}${hex(9)}`;
  used += 10;
  return id;
}
