import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { isHashed } from '../pages/files.ts';
import type { Pages } from '../pages/pages.ts';

const compress = promisify(gzip);

/**
 * Lets pages be sent by gzip to those who take it: the first visit is a third of the bytes. On
 * Workers the network in front does that.
 */
export function createCompressedPages(pages: Pages): Pages {
  /** Files that never change under their address, compressed once. */
  const kept = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();
  return {
    async get(path, accepted) {
      const page = await pages.get(path);
      if (!page) return undefined;
      page.headers.append('vary', 'Accept-Encoding');
      if (!takesGzip(accepted)) return page;
      const bytes = kept.get(path) ?? compressBody(page);
      if (isHashed(path)) kept.set(path, bytes);
      page.headers.set('content-encoding', 'gzip');
      return new Response(await bytes, page);
    },
  };
}

async function compressBody(page: Response): Promise<Uint8Array<ArrayBuffer>> {
  const level = constants.Z_DEFAULT_COMPRESSION;
  return new Uint8Array(await compress(await page.arrayBuffer(), { level }));
}

/** Returns true for an `Accept-Encoding` with gzip in it, unless that is refused by `q=0`. */
function takesGzip(accepted = ''): boolean {
  return /(?:^|,)\s*(?:gzip|\*)\s*(?:$|,|;\s*q=(?!0(?:\.0*)?\s*(?:$|,)))/iu.test(accepted);
}
