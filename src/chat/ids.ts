/** A UUIDv7 (RFC 9562 §5.7): 48 bits of milliseconds, then random bits; ids sort by the time they were made. */
export function newId(now: number = Date.now()): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const time = now.toString(16).padStart(12, '0');
  const random = Array.from(bytes.subarray(6), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  );
  const variant = (8 + (Number.parseInt(random[4] ?? '0', 16) & 3)).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(1, 4)}-${variant}${random.slice(5, 8)}-${random.slice(8, 20)}`;
}
