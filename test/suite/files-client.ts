/** Files as clients send them, and small ones of several kinds. */
import { deflateSync } from 'node:zlib';
import type { Answer } from '../support/http.ts';
import { suiteTarget, unique } from './target.ts';

const target = suiteTarget();

export interface FileJson {
  file_id: string;
  name: string;
  mime_type: string;
  size: number;
  sha256: string;
  code?: string;
  detail?: string;
}

export interface SentFile {
  content: Uint8Array | string;
  name?: string;
  type?: string;
}

const BOUNDARY = 'a-boundary-of-the-tests';

/** Returns the bytes of a form with a file; fields come before it, or after it. */
export function formOf(
  { content, name = 'file', type }: SentFile,
  { before = {}, after = {} }: { before?: object; after?: object } = {},
): Buffer {
  const field = ([key, value]: [string, unknown]) =>
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${key}"\r\n\r\n${String(value)}\r\n`;
  const typed = type === undefined ? '' : `\r\nContent-Type: ${type}`;
  return Buffer.concat([
    Buffer.from(Object.entries(before).map(field).join('')),
    Buffer.from(
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="${name}"${typed}\r\n\r\n`,
    ),
    Buffer.from(content),
    Buffer.from('\r\n'),
    Buffer.from(Object.entries(after).map(field).join('')),
    Buffer.from(`--${BOUNDARY}--\r\n`),
  ]);
}

export const FORM_TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

/** Sends a file; its user is somebody new when none is given. */
export function send(
  file: SentFile,
  { user_id = unique('user'), headers = {} }: { user_id?: string; headers?: object } = {},
): Promise<Answer<FileJson>> {
  return target.call('/files', {
    rawBody: formOf(file, { before: { user_id } }),
    headers: { 'content-type': FORM_TYPE, ...headers },
    timeoutMs: 60_000,
  });
}

/** Sends a file that must be taken, and returns it. */
export async function sent(file: SentFile, user_id: string): Promise<FileJson> {
  const { status, json, text } = await send(file, { user_id });
  if (status !== 200) throw new Error(`${status} ${text}`);
  return json;
}

/** A picture of one pixel, of a colour of its own. */
export function png(seed = Math.floor(Math.random() * 2 ** 32)): Buffer {
  const pixel = Buffer.alloc(5);
  pixel.writeUInt32BE(seed >>> 0, 1);
  const header = Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 8, 6, 0, 0, 0]);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(pixel)),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

function pngChunk(type: string, data: Buffer): Buffer {
  const chunk = Buffer.concat([Buffer.from(type), data]);
  const frame = Buffer.alloc(4);
  frame.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(chunk));
  return Buffer.concat([frame, chunk, check]);
}

function crc32(bytes: Buffer): number {
  let crc = 0xff_ff_ff_ff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xed_b8_83_20 : 0);
  }
  return (crc ^ 0xff_ff_ff_ff) >>> 0;
}

/** A tenth of a second of silence. */
export function wav(): Buffer {
  const samples = Buffer.alloc(1600);
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + samples.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  for (const [at, value] of [
    [20, 1],
    [22, 1],
    [32, 2],
    [34, 16],
  ] as const)
    head.writeUInt16LE(value, at);
  head.writeUInt32LE(8000, 24);
  head.writeUInt32LE(16_000, 28);
  head.write('data', 36);
  head.writeUInt32LE(samples.length, 40);
  return Buffer.concat([head, samples]);
}
