/** Rewrites archives as programs that stream them do: with fields of 64 bits, however small. */

const ENTRY = 0x02014b50;
const END = 0x06054b50;

/** Returns an archive whose directory has all sizes and places in extra fields (APPNOTE 4.5.3). */
export function inZip64(archive: Uint8Array): Uint8Array {
  const zip = Buffer.from(archive);
  const end = zip.lastIndexOf(Buffer.from(Uint32Array.of(END).buffer));
  const start = zip.readUInt32LE(end + 16);
  const entries: Buffer[] = [];
  for (let at = start; zip.readUInt32LE(at) === ENTRY;) {
    const next = at + 46 + zip.readUInt16LE(at + 28) + zip.readUInt16LE(at + 30);
    entries.push(largeEntry(zip.subarray(at, next)));
    at = next + zip.readUInt16LE(at + 32);
  }
  const directory = Buffer.concat(entries);
  const largeEnd = Buffer.alloc(56 + 20 + 22);
  largeEnd.writeUInt32LE(0x06064b50);
  largeEnd.writeBigUInt64LE(BigInt(start), 48);
  largeEnd.writeUInt32LE(0x07064b50, 56);
  largeEnd.writeBigUInt64LE(BigInt(start + directory.length), 64);
  largeEnd.writeUInt32LE(END, 76);
  largeEnd.writeUInt16LE(0xffff, 76 + 10);
  largeEnd.writeUInt32LE(0xffff_ffff, 76 + 16);
  return Buffer.concat([zip.subarray(0, start), directory, largeEnd]);
}

function largeEntry(entry: Buffer): Buffer {
  const field = Buffer.alloc(4 + 24);
  field.writeUInt16LE(1);
  field.writeUInt16LE(24, 2);
  field.writeBigUInt64LE(BigInt(entry.readUInt32LE(24)), 4);
  field.writeBigUInt64LE(BigInt(entry.readUInt32LE(20)), 12);
  field.writeBigUInt64LE(BigInt(entry.readUInt32LE(42)), 20);
  const large = Buffer.from(entry);
  for (const at of [20, 24, 42]) large.writeUInt32LE(0xffff_ffff, at);
  large.writeUInt16LE(entry.readUInt16LE(30) + field.length, 30);
  return Buffer.concat([large, field]);
}
