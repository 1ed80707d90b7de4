/** Builds a page of the examples, and serves it from an address of its own. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { build } from 'esbuild';

/** @param folder in `examples`, with `index.html` and `page.jsx` */
export async function serveExample(folder: string) {
  const place = join('examples', folder);
  const { outputFiles } = await build({
    entryPoints: [join(place, 'page.jsx')],
    bundle: true,
    write: false,
    format: 'esm',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'error',
  });
  const script = outputFiles[0]?.contents ?? new Uint8Array();
  const html = await readFile(join(place, 'index.html'));
  const server = createServer((request, response) => {
    const isScript = request.url?.startsWith('/page.js') === true;
    response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html; charset=utf-8');
    response.end(isScript ? script : html);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A TCP server's address is always an object; only pipes have a string.
  const { port } = server.address() as AddressInfo;
  return {
    /** The page, for a server and a user. */
    address: (fields: Record<string, string>) =>
      `http://127.0.0.1:${port}/?${new URLSearchParams(fields)}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
