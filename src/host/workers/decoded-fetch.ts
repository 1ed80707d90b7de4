/**
 * Fetches, and decodes what services compress (RFC 9110 §8.4). The runtime itself decodes gzip and
 * br only.
 */
import type { Transform } from 'node:stream';
import type * as ZlibModule from 'node:zlib';

type Zlib = typeof ZlibModule;
type Open = (zlib: Zlib, first: Uint8Array) => Transform;

/** The decoders by encoding; each is given the first bytes of the body. */
const DECODERS: ReadonlyMap<string, Open> = new Map<string, Open>([
  ['x-gzip', (zlib) => zlib.createGunzip()],
  ['zstd', (zlib) => zlib.createZstdDecompress()],
  // Some services send it without the zlib header, whose first byte ends in 8 (RFC 1950).
  [
    'deflate',
    (zlib, [byte = 0]) => ((byte & 0x0f) === 8 ? zlib.createInflate() : zlib.createInflateRaw()),
  ],
]);

export async function fetchDecoded(...request: Parameters<typeof fetch>): Promise<Response> {
  const response = await fetch(...request);
  const { body, headers } = response;
  const open = DECODERS.get(headers.get('content-encoding')?.trim().toLowerCase() ?? '');
  if (!body || !open) return response;
  // It is loaded when a service first needs it.
  const zlib = await import('node:zlib');
  const decoded = body.pipeThrough(decoding((first) => open(zlib, first)));
  return new Response(decoded, response);
}

function decoding(open: (first: Uint8Array) => Transform): TransformStream<Uint8Array, Uint8Array> {
  let decoder: Transform | undefined;
  const openFor = (first: Uint8Array, controller: TransformStreamDefaultController<Uint8Array>) =>
    open(first)
      .on('data', (bytes: Uint8Array) => controller.enqueue(bytes))
      .on('error', (error) => controller.error(error));
  return new TransformStream({
    transform(bytes, controller) {
      const opened = (decoder ??= openFor(bytes, controller));
      return new Promise((resolve, reject) => {
        opened.write(bytes, (error) => (error ? reject(error) : resolve()));
      });
    },
    flush() {
      const opened = decoder;
      if (!opened) return undefined;
      return new Promise((resolve, reject) => {
        opened.once('end', resolve).once('error', reject).end();
      });
    },
  });
}
