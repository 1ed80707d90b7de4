/** Decodes compressed bodies as they arrive (RFC 9110 §8.4). */
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from 'node:zlib';
import type { BodyListener } from './body.ts';

type Decoder = ReturnType<typeof createGunzip | typeof createZstdDecompress>;

const DECODERS = new Map<string, (first: Uint8Array) => Decoder>([
  ['gzip', () => createGunzip()],
  ['x-gzip', () => createGunzip()],
  ['br', () => createBrotliDecompress()],
  ['zstd', () => createZstdDecompress()],
  // Some services send it without the zlib header, whose first byte ends in 8 (RFC 1950).
  ['deflate', ([byte = 0]) => ((byte & 0x0f) === 8 ? createInflate() : createInflateRaw())],
]);

/**
 * Returns a listener that decodes a body and passes it to `body`.
 * @param contentEncoding the header; with an unknown encoding, nothing is decoded
 * @param giveUp ends a request whose body cannot be decoded
 */
export function decodedBody(
  contentEncoding: string,
  body: BodyListener,
  giveUp: (error: Error) => void,
): BodyListener {
  const names = contentEncoding.split(',').map((name) => name.trim().toLowerCase());
  const decoders = names
    .filter((name) => name !== '' && name !== 'identity')
    .map((name) => DECODERS.get(name));
  // The last encoding is decoded first.
  return (
    decoders.reduce<BodyListener | undefined>(
      (listener, open) => listener && open && new DecodedBody(open, listener, giveUp),
      body,
    ) ?? body
  );
}

class DecodedBody implements BodyListener {
  readonly #open: (first: Uint8Array) => Decoder;
  readonly #body: BodyListener;
  readonly #giveUp: (error: Error) => void;
  #decoder: Decoder | undefined;
  #isOver = false;

  constructor(
    open: (first: Uint8Array) => Decoder,
    body: BodyListener,
    giveUp: (error: Error) => void,
  ) {
    this.#open = open;
    this.#body = body;
    this.#giveUp = giveUp;
  }

  onBytes(bytes: Uint8Array): void {
    this.#decoder ??= this.#listenTo(this.#open(bytes));
    this.#decoder.write(bytes);
  }

  onEnd(rest?: Uint8Array): void {
    if (rest) this.onBytes(rest);
    if (this.#decoder) this.#decoder.end();
    else this.#body.onEnd();
  }

  onFailure(error: Error): void {
    const decoder = this.#decoder;
    if (!decoder) return this.#body.onFailure(error);
    // Data that arrived before the failure is decoded first.
    decoder.flush(() => {
      this.#finish(() => this.#body.onFailure(error));
      decoder.destroy();
    });
  }

  #listenTo(decoder: Decoder): Decoder {
    return decoder
      .on('data', (bytes: Buffer) => this.#tell(() => this.#body.onBytes(bytes)))
      .on('end', () => this.#finish(() => this.#body.onEnd()))
      .on('error', (cause) => {
        this.#finish(() => this.#body.onFailure(new TypeError('terminated', { cause })));
        this.#giveUp(cause);
      });
  }

  #finish(say: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#tell(say);
  }

  /** Calls the listener and catches its errors, which nobody else would. */
  #tell(say: () => void): void {
    try {
      say();
    } catch (error) {
      this.#giveUp(asError(error));
    }
  }
}

export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error('a listener failed', { cause: thrown });
}
