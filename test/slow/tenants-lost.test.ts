/**
 * Turns of tenants whose process is lost, on both runtimes: nobody asks for the turn again, and its
 * end is stored in the database of its tenant all the same.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { OwnServers } from '../support/own-servers.ts';
import { cleanEnvironment, localCommand, repository } from '../support/places.ts';
import { startServer, type Runtime, type TestServer } from '../support/server.ts';
import { openStream } from '../support/sse.ts';
import { startTenantDatabases, type TenantDatabases } from '../support/tenant-databases.ts';
import { startUpstream } from '../support/upstream.ts';
import { openBesideServer } from '../support/whole-database.ts';
import { bearer, JWT_SECRET, signToken } from '../suite/identity.ts';

const RUNTIMES: Runtime[] = ['node', 'workerd'];
const tenantsOf = (runtime: Runtime) =>
  ['early', 'late'].map((when) => `${when}-on-${runtime}`) as [string, string];

const own = new OwnServers();
let databases: TenantDatabases;
let env: Record<string, string>;
beforeAll(async () => {
  databases = own.add(await startTenantDatabases(RUNTIMES.flatMap(tenantsOf)));
  const upstream = own.add(await startUpstream());
  upstream.script('slow', {
    tokens: Array.from({ length: 900 }, () => 'word '),
    delayMs: { between: 100 },
  });
  env = {
    ...{ ...upstream.env, DEFAULT_MODEL: 'openai/slow', DATABASE_URL: databases.url },
    ...{ AUTH: 'jwt', JWT_SECRET, TURN_LEASE_MS: '2000' },
  };
}, 120_000);
afterAll(() => own.close());

const headersOf = (tenant: string) => bearer(signToken({ sub: 'alice', tenant }));

async function begin({ url }: TestServer, tenant: string): Promise<void> {
  const stream = await openStream(`${url}/conversations`, {
    headers: headersOf(tenant),
    json: { message: 'Hi' },
  });
  expect(stream.status).toBe(200);
  await stream.next('message.delta');
}

/** What is stored of the turns of a tenant. */
async function statesOf(tenant: string): Promise<unknown[]> {
  const client = openBesideServer(databases.url.replace('{tenant}', tenant));
  const { rows } = await client.execute('SELECT state FROM turns').finally(() => client.close());
  return rows.map((row) => row['state']);
}

/** Runs `npm run db:migrate -- --all`. */
async function migrateAll(names: readonly string[]): Promise<void> {
  const command = ['--disable-warning=ExperimentalWarning', 'src/host/cli/migrate.ts', '--all'];
  const running = spawn(localCommand('node', repository), command, {
    cwd: repository,
    env: cleanEnvironment(env, repository),
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  running.stdin?.end(names.join('\n'));
  await once(running, 'exit');
}

describe.concurrent.each(RUNTIMES)('a turn that is lost on %s', (runtime) => {
  const [early, late] = tenantsOf(runtime);

  it('is ended when somebody of its tenant comes, and by the alarm of its object', async ({
    expect,
  }) => {
    const dies = own.add(await startServer({ runtime, env }));
    const lives = own.add(await startServer({ runtime, env }));
    const visit = () => request(`${lives.url}/conversations`, { headers: headersOf(early) });
    // Its database is open there, and was tidied up, before the turn begins.
    expect((await visit()).status).toBe(200);
    await begin(dies, late);
    // The first alarm is set after ten seconds.
    await new Promise((passed) => setTimeout(passed, 12_000));
    await begin(dies, early);
    await dies.kill();
    expect([await statesOf(early), await statesOf(late)]).toEqual([['running'], ['running']]);
    await expect
      .poll(async () => (await visit(), statesOf(early)), { timeout: 100_000, interval: 2_000 })
      .toEqual(['ended']);
    // Only the object itself, which has an alarm, knows of the other.
    if (runtime === 'workerd') {
      await dies.restart();
      await expect
        .poll(() => statesOf(late), { timeout: 60_000, interval: 1_000 })
        .toEqual(['ended']);
    } else {
      // A process knows those alone that came to it; the command is told of all.
      expect(await statesOf(late)).toEqual(['running']);
      await migrateAll([late]);
      expect(await statesOf(late)).toEqual(['ended']);
    }
  }, 240_000);
});
