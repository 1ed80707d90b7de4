/** Two hundred tenants: migrated by one command, and then served side by side by one process. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { OwnServers } from '../support/own-servers.ts';
import { cleanEnvironment, localCommand, repository } from '../support/places.ts';
import { startServer } from '../support/server.ts';
import { startTenantDatabases, type TenantDatabases } from '../support/tenant-databases.ts';
import { bearer, JWT_SECRET, signToken } from '../suite/identity.ts';

const TENANTS = Array.from({ length: 200 }, (_, number) => `tenant-${number}`);
/** The tenants that a test speaks for at the same time. */
const AT_ONCE = 10;

const own = new OwnServers();
let databases: TenantDatabases;
beforeAll(async () => {
  databases = own.add(await startTenantDatabases(TENANTS));
}, 120_000);
afterAll(() => own.close());

/** Runs `npm run db:migrate -- --all`. */
async function migrateAll(names: readonly string[]) {
  const command = ['--disable-warning=ExperimentalWarning', 'src/host/cli/migrate.ts', '--all'];
  const env = cleanEnvironment({ DATABASE_URL: databases.url }, repository);
  const running = spawn(localCommand('node', repository), command, { cwd: repository, env });
  const exit = new Promise((resolve) => running.once('exit', resolve));
  running.stdin.end(`# all of them\n\n${names.join('\n')}\n`);
  const [output, errors] = await Promise.all([text(running.stdout), text(running.stderr)]);
  return { exit: await exit, lines: output.trim().split('\n'), errors };
}

it('migrates all, tells of each, and goes on past one that is not there', async () => {
  const { exit, lines, errors } = await migrateAll(['nowhere', ...TENANTS]);
  expect(lines).toHaveLength(TENANTS.length + 1);
  expect(lines.filter((line) => / tenant-\d+: applied 0000/u.test(line))).toHaveLength(200);
  expect(lines.at(-1)).toMatch(/^201\/201 /u);
  expect(lines.some((line) => line.includes(' nowhere: failed: '))).toBe(true);
  expect([exit, errors]).toEqual([1, expect.stringContaining('1 of 201 databases')]);
  const again = await migrateAll(TENANTS);
  expect(again.exit).toBe(0);
  expect(again.lines.every((line) => line.endsWith(': the database is up to date'))).toBe(true);
}, 300_000);

it('serves them side by side, each its own', async () => {
  const env = { AUTH: 'jwt', JWT_SECRET, DEFAULT_MODEL: 'offline', DATABASE_URL: databases.url };
  const server = own.add(await startServer({ env }));
  const speak = async (tenant: string) => {
    const headers = bearer(signToken({ sub: 'alice', tenant }));
    const json = { message: `I am of ${tenant}`, stream: false };
    const asked = await request(`${server.url}/conversations`, { headers, json });
    expect(asked.status, asked.text).toBe(200);
    const list = await request<{ title: string }[]>(`${server.url}/conversations`, { headers });
    expect(list.json.map(({ title }) => title)).toEqual([`I am of ${tenant}`]);
  };
  const waiting = TENANTS.values();
  const work = async () => {
    for (const tenant of waiting) await speak(tenant);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  expect(await server.stop(30_000)).toBe(0);
}, 300_000);
