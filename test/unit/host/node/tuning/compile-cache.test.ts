/** The cache of compiled sources, in a process that is started as `npm start` starts it. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { nodeScript, repository } from '../../../../support/places.ts';

/** The modules that `npm start` loads first, as arguments of `node`. */
const preloads = nodeScript('start', []).filter((argument) => argument.startsWith('--import='));

function compileCacheOf(environment: Record<string, string>): string {
  const program = `
    import { getCompileCacheDir } from 'node:module';
    console.log(getCompileCacheDir() ?? 'none');`;
  const options = [...preloads, '--no-warnings', '--input-type=module', '--eval', program];
  const env = { PATH: process.env['PATH'], ...environment };
  return execFileSync(process.execPath, options, { cwd: repository, env }).toString().trim();
}

it('a start keeps what it compiled beside the packages, for the next start', () => {
  expect(preloads[0]).toContain('/compile-cache.js');
  expect(compileCacheOf({})).toContain(join(repository, 'node_modules/.cache/node'));
});

it('the cache is off where the operator says so', () => {
  expect(compileCacheOf({ NODE_DISABLE_COMPILE_CACHE: '1' })).toBe('none');
});
