/**
 * The protocol's own judge, for today's version and the last one with sessions. It is made for
 * servers that have its own tools, prompts and resources: what it cannot try here is left out.
 */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { asArray, asRecord, asText, parseJson } from '../support/json.ts';
import { localCommand, removeDirectory, temporaryDirectory } from '../support/places.ts';
import { suiteTarget } from './target.ts';

const run = promisify(execFile);
const target = suiteTarget();
const results = temporaryDirectory('mcp-conformance');
afterAll(() => removeDirectory(results));

/** What only a server with further abilities can be asked: these checks say so themselves. */
const NOT_HERE = /^Not testable|returned JSON-RPC error -32601/u;

/** Runs a scenario and returns its checks. */
async function checksOf(scenario: string, version: string) {
  const directory = join(results, `${scenario}-${version}`);
  const options = ['--url', `${target.url}/mcp`, '--spec-version', version, '-o', directory];
  await run(
    localCommand('node'),
    [localCommand('conformance'), 'server', '--scenario', scenario, ...options],
    { timeout: 60_000 },
  ).catch(() => undefined); // It fails where a check fails; what it has written says which.
  const [made = ''] = readdirSync(directory);
  const checks = asArray(parseJson(readFileSync(join(directory, made, 'checks.json'), 'utf8')));
  return checks.map(asRecord).map(({ id, status, errorMessage }) => ({
    id: asText(id),
    status: asText(status),
    why: typeof errorMessage === 'string' ? errorMessage : '',
  }));
}

/** The scenarios that a server of tools can be judged by, and how many checks each must pass. */
const scenarios = [
  ['2026-07-28', 'server-stateless', 21],
  ['2026-07-28', 'tools-list', 4],
  ['2026-07-28', 'caching', 4],
  ['2026-07-28', 'http-header-validation', 14],
  ['2026-07-28', 'dns-rebinding-protection', 2],
  ['2025-11-25', 'server-initialize', 2],
  ['2025-11-25', 'ping', 2],
  ['2025-11-25', 'tools-list', 3],
  ['2025-11-25', 'dns-rebinding-protection', 2],
] as const;

describe.concurrent('the judge of MCP', () => {
  it.each(scenarios)(
    'MCP’s conformance test of %s finds nothing in %s',
    async (version, scenario, fewest) => {
      const checks = await checksOf(scenario, version);
      const bad = checks.filter(
        ({ status, why }) => ['FAILURE', 'WARNING'].includes(status) && !NOT_HERE.test(why),
      );
      expect(bad).toEqual([]);
      const passed = checks.filter(({ status }) => status === 'SUCCESS');
      expect(passed.length).toBeGreaterThanOrEqual(fewest);
    },
  );
});
