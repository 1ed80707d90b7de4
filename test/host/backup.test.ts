/** Backups: made while the server works, checked, restored; from a file to a server and back. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { request } from '../support/http.ts';
import {
  cleanEnvironment,
  localCommand,
  nodeScript,
  repository,
  temporaryDirectory,
} from '../support/places.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { startSqld, type Sqld } from '../support/sqld.ts';

const run = promisify(execFile);
const started: (TestServer | Sqld)[] = [];
afterEach(async () => {
  for (const each of started.splice(0).toReversed()) await each.close();
});

/** Runs `npm run backup` or `npm run restore` for this database. */
async function call(script: 'backup' | 'restore', databaseUrl: string, ...args: string[]) {
  const node = nodeScript(script, [`src/host/cli/${script}.ts`]);
  const env = cleanEnvironment({ DATABASE_URL: databaseUrl });
  return run(localCommand('node'), [...node, ...args], { cwd: repository, env }).then(
    ({ stdout }) => ({ code: 0, output: stdout }),
    (error: { code: number; stdout: string; stderr: string }) => ({
      code: error.code,
      output: error.stdout + error.stderr,
    }),
  );
}

/** Serves with a limit, for which triggers of the database keep sums of what was used. */
async function serve(databaseUrl: string): Promise<TestServer> {
  const env = { DATABASE_URL: databaseUrl, LIMIT_TOKENS_PER_DAY: '1000000' };
  const server = await startServer({ env });
  started.push(server);
  return server;
}

const newFile = (name: string) => join(temporaryDirectory(name), 'parley.db');
const odd = "it's; -- 'quoted' \"twice\" `漢字` \n\r\n ); COMMIT; 😀";

/** Says something, and uploads a document that words and meaning find. */
async function fill(url: string): Promise<string> {
  const json = { user_id: 'ada', message: odd };
  const { json: made } = await request<{ conversation_id: string }>(`${url}/conversations`, {
    json,
  });
  const text = `The blue valve needs oil. ${odd}`;
  await request(`${url}/documents`, { json: { user_id: 'ada', title: odd, text } });
  return made.conversation_id;
}

/** Returns how many tokens the user has used today, by the limits and by the ledger. */
async function tokensOf(url: string): Promise<readonly [number, number]> {
  const path = (name: string) => `${url}/${name}?user_id=ada`;
  const { json: limits } = await request<{ limits: { used: number }[] }>(path('limits'));
  const { json: usage } = await request<{ total: Record<string, number> }>(path('usage'));
  const { input_tokens: input = NaN, output_tokens: output = NaN } = usage.total;
  return [limits.limits[0]?.used ?? NaN, input + output];
}

/** Everything that was filled in is there, and a new turn works. */
async function expectWhole(url: string, conversationId: string): Promise<void> {
  const path = `${url}/conversations/${conversationId}`;
  const read = await request<{ messages: { content: string }[] }>(path);
  expect(read.json.messages.map(({ content }) => content)).toEqual([
    odd,
    expect.stringContaining('offline model'),
  ]);
  for (const mode of ['keyword', 'vector']) {
    const json = { user_id: 'ada', query: 'blue valve', mode };
    const found = await request<{ results: unknown[] }>(`${url}/retrieve`, { json });
    expect([found.status, JSON.stringify(found.json)]).toEqual([
      200,
      expect.stringContaining('The blue valve'),
    ]);
  }
  const [before] = await tokensOf(url);
  expect(before).toBeGreaterThan(0);
  const more = await request(`${path}/messages`, { json: { message: 'again' } });
  expect(more.status).toBe(200);
  const [counted, recorded] = await tokensOf(url);
  expect(counted).toBe(recorded);
  expect(counted).toBeGreaterThan(before);
}

it('of a file that is written to is whole, and is restored after the server was killed', async () => {
  const file = newFile('backup');
  const server = await serve(`file:${file}`);
  const conversationId = await fill(server.url);
  let isWriting = true;
  const writing = (async () => {
    for (let at = 0; isWriting; at++)
      await request(`${server.url}/conversations`, { json: { user_id: `u${at}`, message: 'hi' } });
  })();
  const copy = newFile('copy');
  const { code, output } = await call('backup', `file:${file}`, copy);
  isWriting = false;
  await writing;
  expect([code, output]).toEqual([0, expect.stringMatching(/backed up .* 1 documents/u)]);
  expect(existsSync(`${copy}.partial`)).toBe(false);
  await server.kill();
  const restored = `file:${newFile('restored')}`;
  expect(await call('restore', restored, copy)).toMatchObject({ code: 0 });
  const again = await serve(restored);
  await expectWhole(again.url, conversationId);
});

it('goes from a file to a server and back', async () => {
  const file = newFile('file');
  const first = await serve(`file:${file}`);
  const conversationId = await fill(first.url);
  await first.stop();
  const out = newFile('out');
  expect(await call('backup', `file:${file}`, out)).toMatchObject({ code: 0 });
  const sqld = await startSqld();
  started.push(sqld);
  expect(await call('restore', sqld.url, out)).toMatchObject({ code: 0 });
  const second = await serve(sqld.url);
  await expectWhole(second.url, conversationId);
  // A server that holds data is not written over.
  const refused = await call('restore', sqld.url, out);
  expect(refused).toMatchObject({ code: 1, output: expect.stringMatching(/^parley: [^\n]*\n$/u) });
  await second.stop();
  const back = newFile('back');
  const { code, output } = await call('backup', sqld.url, back);
  expect([code, output]).toEqual([0, expect.stringContaining('1 conversations, 4 messages')]);
  const last = newFile('last');
  expect(await call('restore', `file:${last}`, back)).toMatchObject({ code: 0 });
  const third = await serve(`file:${last}`);
  const read = await request(`${third.url}/conversations/${conversationId}`);
  expect(read).toMatchObject({ status: 200, json: { message_count: 4 } });
  // The triggers have come as well.
  await request(`${third.url}/conversations`, { json: { user_id: 'ada', message: 'hi' } });
  const [counted, recorded] = await tokensOf(third.url);
  expect(counted).toBe(recorded);
});

describe('nothing is written over, and nothing damaged is taken', () => {
  it.each([
    ['backup', 'no database', (folder: string) => [`file:${folder}/none.db`, `${folder}/copy.db`]],
    ['backup', 'a file there', (folder: string) => [`file:${folder}/x.db`, `${folder}/there.db`]],
    ['restore', 'a file there', (folder: string) => [`file:${folder}/there.db`, `${folder}/x.db`]],
    ['restore', 'no backup', (folder: string) => [`file:${folder}/new.db`, `${folder}/none.db`]],
    ['restore', 'no database', (folder: string) => [`file:${folder}/new.db`, `${folder}/text.db`]],
    ['backup', 'no name', (folder: string) => [`file:${folder}/x.db`]],
  ] as const)('%s with %s', async (script, _what, args) => {
    const folder = temporaryDirectory('refused');
    writeFileSync(join(folder, 'there.db'), 'there');
    writeFileSync(join(folder, 'text.db'), 'no database at all\n'.repeat(100));
    const [url = '', ...files] = args(folder);
    const { code, output } = await call(script, url, ...files);
    expect(code).toBe(1);
    expect(output).toMatch(/^parley: [^\n]*\n$/u);
    expect(readFileSync(join(folder, 'there.db'), 'utf8')).toBe('there');
    for (const made of ['none.db', 'new.db', 'copy.db'])
      expect(existsSync(join(folder, made))).toBe(false);
  });
});
