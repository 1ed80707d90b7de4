/** Compresses bodies: whole, or piece by piece, so that each can be read at once. */
import {
  brotliCompressSync,
  createBrotliCompress,
  createDeflate,
  createDeflateRaw,
  createGzip,
  createZstdCompress,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib';

/** Names of `Content-Encoding`. */
export type Compression = keyof typeof whole;

const whole = {
  gzip: gzipSync,
  deflate: deflateSync,
  'deflate-raw': deflateRawSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
};

const streams = {
  gzip: createGzip,
  deflate: createDeflate,
  'deflate-raw': createDeflateRaw,
  br: createBrotliCompress,
  zstd: createZstdCompress,
};

/** Returns the value of `Content-Encoding`, which does not tell two forms of deflate apart. */
export function encodingOf(compression: Compression): string {
  return compression === 'deflate-raw' ? 'deflate' : compression;
}

export function compressWhole(body: string, compression: Compression): Buffer {
  return whole[compression](Buffer.from(body));
}

/** Compresses one body; what goes in can be decoded from what has come out. */
export class Compressor {
  private readonly stream: ReturnType<(typeof streams)[Compression]>;
  private ready: Buffer[] = [];

  constructor(compression: Compression) {
    this.stream = streams[compression]();
    this.stream.on('data', (bytes: Buffer) => this.ready.push(bytes));
  }

  async add(bytes: Buffer): Promise<Buffer> {
    this.stream.write(bytes);
    await new Promise<void>((resolve) => this.stream.flush(resolve));
    return this.take();
  }

  /** Returns the last bytes, without which the body is broken. */
  async end(): Promise<Buffer> {
    await new Promise<void>((resolve) => {
      this.stream.once('end', resolve);
      this.stream.end();
    });
    return this.take();
  }

  private take(): Buffer {
    const bytes = Buffer.concat(this.ready);
    this.ready = [];
    return bytes;
  }
}
