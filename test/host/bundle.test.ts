/**
 * The Worker's size, without the pages for people and the PDF reader, which are not loaded with it.
 */
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { bundleFiles } from '../../bench/bundle.ts';

/**
 * Bytes after gzip: the most that the Worker may have, with the AI SDK, drizzle and the APIs of
 * other people's clients.
 */
const LIMIT = 400 * 1024;

it('is small enough to start quickly everywhere', { timeout: 180_000 }, async () => {
  // In a copy: bundling writes files that a development server beside it watches.
  const copy = mkdtempSync(join(tmpdir(), 'parley-bundle-'));
  try {
    for (const name of ['src', 'web', 'migrations', 'wrangler.toml', 'package.json'])
      cpSync(name, join(copy, name), { recursive: true });
    symlinkSync(resolve('node_modules'), join(copy, 'node_modules'));
    const eager = (await bundleFiles(copy)).filter((file) => !file.isLazy);
    const bytes = eager.reduce((sum, file) => sum + file.gzipBytes, 0);
    expect(bytes).toBeGreaterThan(100 * 1024);
    expect(bytes).toBeLessThan(LIMIT);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
});
