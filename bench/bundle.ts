/** The Worker's bundle as `wrangler` would upload it, minified, and its size after gzip. Nothing is deployed. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { ROOT } from './servers.ts';

export type BundleFile = { name: string; bytes: number; gzipBytes: number; isLazy: boolean };

/** The PDF reader is a module of its own that is loaded when the first PDF comes. */
const LAZY = /pdf/i;
const CODE = /\.(m?js|wasm)$/;

/** Bundles the Worker and lists the code in it, largest first. Source maps are no part of an upload's size. */
export async function bundleFiles(): Promise<BundleFile[]> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-bundle-'));
  try {
    const command = join(ROOT, 'node_modules/.bin/wrangler');
    await promisify(execFile)(command, ['deploy', '--dry-run', '--minify', '--outdir', folder], {
      cwd: ROOT,
    });
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => CODE.test(name))
      .map((name) => {
        const code = readFileSync(join(folder, name));
        return {
          name,
          bytes: code.length,
          gzipBytes: gzipSync(code).length,
          isLazy: LAZY.test(name),
        };
      })
      .toSorted((a, b) => b.gzipBytes - a.gzipBytes);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
