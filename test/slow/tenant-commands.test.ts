/** The commands of operators, which work on the database of the tenant that is named. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { idOfKey } from '../support/keys.ts';
import { OwnServers } from '../support/own-servers.ts';
import {
  cleanEnvironment,
  localCommand,
  repository,
  temporaryDirectory,
} from '../support/places.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { startTenantDatabases, type TenantDatabases } from '../support/tenant-databases.ts';
import { bearer } from '../suite/identity.ts';

const own = new OwnServers();
let databases: TenantDatabases;
let server: TestServer;
beforeAll(async () => {
  databases = own.add(await startTenantDatabases(['acme', 'globex', 'restored']));
  const env = { AUTH: 'keys', DEFAULT_MODEL: 'offline', DATABASE_URL: databases.url };
  server = own.add(await startServer({ env }));
}, 120_000);
afterAll(() => own.close());

/** Runs a command, such as `npm run keys -- list`. */
async function run(script: string, ...args: string[]) {
  const command = ['--disable-warning=ExperimentalWarning', `src/host/cli/${script}.ts`, ...args];
  const env = cleanEnvironment({ DATABASE_URL: databases.url }, repository);
  const running = spawn(localCommand('node', repository), command, { cwd: repository, env });
  const exit = new Promise((resolve) => running.once('exit', resolve));
  running.stdin.end();
  const [output, errors] = await Promise.all([text(running.stdout), text(running.stderr)]);
  return { exit: await exit, lines: output.trim().split('\n'), errors };
}

async function newKey(tenant: string): Promise<string> {
  const { lines, errors } = await run('keys', 'create', `--tenant=${tenant}`, '--user', 'bob');
  expect(lines, errors).toEqual([expect.stringMatching(/^parley_/u)]);
  return lines[0] ?? '';
}

function call(as: string, path: string, json?: object) {
  return request<{ results: unknown[] }>(server.url + path, { headers: bearer(as), json });
}

it('gives out, lists and revokes the keys of a tenant alone', async () => {
  const key = await newKey('acme');
  expect((await call(key, '/models')).status).toBe(200);
  const here = await run('keys', 'list', '--tenant=acme');
  expect(here.lines).toEqual([expect.stringMatching(/\tbob\t/u)]);
  expect((await run('keys', 'list', '--tenant=globex')).lines).toEqual(['']);
  expect((await run('keys', 'revoke', idOfKey(key), '--tenant=globex')).exit).toBe(1);
  expect((await call(key, '/models')).status).toBe(200);
  expect((await run('keys', 'revoke', idOfKey(key), '--tenant=acme')).exit).toBe(0);
  expect((await call(key, '/models')).status).toBe(401);
}, 240_000);

it('embeds, backs up and restores what a tenant has', async () => {
  const json = { text: 'A wombat digs a burrow under the gum tree.' };
  expect((await call(await newKey('acme'), '/documents', json)).status).toBe(200);
  const embedded = await run('reindex', '--tenant=acme');
  expect([embedded.exit, embedded.lines.at(-1)], embedded.errors).toEqual([0, 'nothing to do']);
  const file = join(temporaryDirectory('tenants'), 'backup.db');
  const backup = await run('backup', file, '--tenant=acme');
  expect(backup.exit, backup.errors).toBe(0);
  const restored = await run('restore', file, '--tenant=restored');
  expect(restored.exit, restored.errors).toBe(0);
  const search = { query: 'Where does the wombat dig?' };
  expect((await call(await newKey('restored'), '/retrieve', search)).json.results).toHaveLength(1);
  expect((await call(await newKey('globex'), '/retrieve', search)).json.results).toEqual([]);
}, 240_000);

it('asks for a tenant, and for one that can be', async () => {
  for (const script of ['keys', 'backup', 'restore', 'reindex', 'migrate']) {
    const argument = script === 'keys' ? 'list' : '/nowhere/backup.db';
    const nobody = await run(script, argument);
    expect([nobody.exit, nobody.errors], script).toEqual([1, expect.stringMatching(/--tenant=/u)]);
    const strange = await run(script, argument, '--tenant=../acme');
    expect([strange.exit, strange.errors], script).toEqual([1, expect.stringMatching(/name has/u)]);
  }
}, 240_000);
