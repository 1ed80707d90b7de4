/**
 * Measures the Worker as `wrangler` would upload it, minified: its size after gzip and its
 * start-up. Nothing is deployed.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { breakDown, type CpuProfile } from './cpu-profile.ts';
import { median } from './figures.ts';
import { ROOT } from './servers.ts';

export type Bundle = {
  /** The code of the upload, largest first, without source maps and assets. */
  files: BundleFile[];
  /** Busy time while `workerd` loaded the Worker, in ms. */
  startUpMs: number;
};
export type BundleFile = { name: string; bytes: number; gzipBytes: number; isLazy: boolean };

/** Modules that read documents. They are loaded when first needed. */
const LAZY = /\.mjs$/;
const CODE = /\.(m?js|wasm)$/;

/**
 * Bundles the Worker and starts it `starts` times under `wrangler check startup`; the median
 * counts.
 */
export async function measureBundle(starts: number): Promise<Bundle> {
  const files = await bundleFiles();
  const times: number[] = [];
  for (let count = 0; count < starts; count++) times.push(await startUpMs());
  return { files, startUpMs: median(times) ?? Number.NaN };
}

async function startUpMs(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-start-up-'));
  try {
    const file = join(folder, 'start-up.cpuprofile');
    await wrangler(['check', 'startup', '--outfile', file, '--args=--minify']);
    const profile = JSON.parse(readFileSync(file, 'utf8')) as CpuProfile; // V8 wrote it.
    return breakDown(profile, 0, Number.POSITIVE_INFINITY).busyMs;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function wrangler(parameters: string[], root = ROOT): Promise<void> {
  const command = join(root, 'node_modules/.bin/wrangler');
  await promisify(execFile)(command, parameters, { cwd: root, maxBuffer: 1e8 });
}

/**
 * Returns the Worker's code as it would be uploaded, largest first.
 * @param root the repository, or a copy of it
 */
export async function bundleFiles(root = ROOT): Promise<BundleFile[]> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-bundle-'));
  try {
    await wrangler(['deploy', '--dry-run', '--minify', '--outdir', folder], root);
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
