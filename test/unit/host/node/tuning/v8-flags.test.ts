/** What V8 does with the thresholds that the server on Node sets, in processes of their own. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const TIERING = fileURLToPath(
  new URL('../../../../../src/host/node/tuning/v8-flags.ts', import.meta.url),
);

/** Whether a function is optimised before it was called 300 times. V8's own threshold is 400. */
function isOptimisedSoon(prepare: string): string {
  const program = `
    import { setTimeout as sleep } from 'node:timers/promises';
    ${prepare}
    const said = (a, b) => { const both = { a, b }; return \`\${both.a}\${both.b}\`.length; };
    for (let call = 0; call < 300 && !%ActiveTierIsMaglev(said); call++) {
      said(call, 'x');
      if (call % 10 === 0) await sleep(2);
    }
    console.log(%ActiveTierIsMaglev(said));`;
  const options = ['--allow-natives-syntax', '--no-warnings'];
  return execFileSync(process.execPath, [...options, '--input-type=module', '--eval', program], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();
}

// Other releases are left with their own thresholds.
it.runIf(process.versions.v8.startsWith('13.'))('what is called often is optimised sooner', () => {
  expect(isOptimisedSoon('')).toBe('false');
  const prepare = `import { setV8Flags } from ${JSON.stringify(TIERING)}; setV8Flags();`;
  expect(isOptimisedSoon(prepare)).toBe('true');
});

it('setting the flags prints nothing on any release of V8', () => {
  const program = `
    import { setV8Flags } from ${JSON.stringify(TIERING)};
    setV8Flags();
    Object.defineProperty(process.versions, 'v8', { value: '99.0' });
    setV8Flags();`;
  const options = ['--no-warnings', '--input-type=module'];
  const said = execFileSync('sh', [
    '-c',
    '"$@" 2>&1',
    'sh',
    process.execPath,
    ...options,
    '--eval',
    program,
  ]);
  expect(said.toString()).toBe('');
});
