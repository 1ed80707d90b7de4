/**
 * The README and the guide are true: their commands exist, their samples run against a server as a
 * reader would run them, and the table of settings is complete.
 */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { DefaultChatTransport } from 'ai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { environmentNames } from '../../src/config.ts';
import { repository } from '../support/places.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { Chat, textOfUi } from '../suite/ai-sdk-client.ts';

const run = promisify(execFile);
const pageAt = (path: string) => readFileSync(join(repository, path), 'utf8');
const readme = pageAt('README.md');
const guide = pageAt('docs/guide.md');
const manifest: { scripts: Record<string, string> } = JSON.parse(
  readFileSync(join(repository, 'package.json'), 'utf8'),
);

const blocks = [...`${readme}\n${guide}`.matchAll(/^```(\w+)\n([\s\S]*?)^```/gmu)].map(
  ([, language = '', text = '']) => ({ language, text }),
);
const shell = blocks.filter(({ language }) => language === 'sh').map(({ text }) => text);
const calling = shell.filter((text) => text.includes('curl'));
/** Samples that make a key first, for a server that asks for one. */
const withKeys = calling.filter((text) => text.includes('keys -- create'));
const samples = calling.filter((text) => !withKeys.includes(text));

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

/** A sample as it stands, but for the address of the server under test. */
function here(text: string): string {
  return text.replaceAll('http://127.0.0.1:8787', server.url);
}

test('there are samples to run', () => {
  expect(samples.length).toBeGreaterThanOrEqual(3);
  expect(withKeys).toHaveLength(1);
  expect(blocks.some(({ language }) => language === 'js')).toBe(true);
});

describe('every npm command', () => {
  const named = [...readme.matchAll(/\bnpm (?:run ([\w:]+)|(start|test)\b)/gu)].map(
    ([, script, short]) => script ?? short ?? '',
  );
  test.each([...new Set(named)])('npm %s is a script', (name) => {
    expect(Object.keys(manifest.scripts)).toContain(name);
  });
});

test('the settings are those that the program reads', () => {
  const rows = readme.slice(readme.indexOf('## Settings'), readme.indexOf('## Inside'));
  const named = [...rows.matchAll(/^\| ((?:`[A-Z_]+`(?:, )?)+) \|/gmu)].flatMap(
    ([, names = '']) => names.match(/[A-Z_]{2,}/gu) ?? [],
  );
  expect(named.toSorted()).toEqual(environmentNames.toSorted());
});

test('variables set in front of a command are settings', () => {
  const set = shell.flatMap((text) =>
    [...text.matchAll(/^(?:[A-Z_]+=\S+ )+npm/gmu)].flatMap(
      ([line]) => line.match(/[A-Z_]+(?==)/gu) ?? [],
    ),
  );
  expect(set.length).toBeGreaterThan(0);
  for (const name of set) expect(environmentNames).toContain(name);
});

test.each(samples.map((text, index) => [index + 1, text] as const))(
  'sample %i runs',
  async (_, text) => {
    // A sample may write files: where the server keeps its own, they go with it.
    const options = { timeout: 20_000, cwd: server.dir };
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', here(text)], options);
    expect(stdout).not.toContain('urn:parley:problem');
    if (text.includes('curl -N') || text.includes('curl -sN')) {
      expect(stdout).toContain('event: message.delta');
      expect(stdout).toContain('event: turn.completed');
      expect(stdout).toContain('event: done\ndata: [DONE]');
    }
    if (text.includes('"mode": "rag"'))
      expect(stdout).toMatch(/event: sources[\s\S]*clockwise[\s\S]*\[1\]/u);
  },
);

test.each(withKeys)('the sample that makes a key runs: %#', async (text) => {
  const keyed = await startServer({ env: { AUTH: 'keys' } });
  try {
    const command = text.replaceAll('http://127.0.0.1:8787', keyed.url);
    const env = { ...process.env, DATABASE_URL: keyed.databaseUrl };
    const options = { timeout: 40_000, env, cwd: repository };
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', command], options);
    expect(stdout).toContain('event: turn.completed');
  } finally {
    await keyed.close();
  }
});

test('the sample for browsers prints the answer and ends', async () => {
  const [script] = blocks.filter(({ language }) => language === 'js');
  const file = join(server.dir, 'sample.mjs');
  writeFileSync(file, here(script?.text ?? ''));
  const node = join(repository, 'node_modules/.bin/node');
  const { stdout } = await run(node, ['--experimental-eventsource', '--no-warnings', file], {
    timeout: 20_000,
  });
  expect(stdout.replaceAll('\n', '')).toContain('offline model');
});

test('the sample of a tool is a tool that works', async () => {
  const [, sample] = blocks.filter(({ language }) => language === 'ts');
  const source = (sample?.text ?? '')
    .replace("'zod'", JSON.stringify(import.meta.resolve('zod')))
    .replace('./tool.ts', pathToFileURL(join(repository, 'src/turns/tools/tool.ts')).href);
  const file = join(server.dir, 'count-words.ts');
  writeFileSync(file, source);
  const { countWords } = await import(pathToFileURL(file).href);
  const registry = pageAt('src/turns/tools/registry.ts');
  expect(registry).toMatch(/\bTOOLS\b/u);
  expect(await countWords.run({ text: 'one two  three' })).toEqual({ words: 3 });
});

test('the sample for useChat gets an answer', async () => {
  const [sample] = blocks.filter(({ language }) => language === 'ts');
  // The sample is the inside of a component: the hook is given a chat without a page around it.
  const useChat = (init: ConstructorParameters<typeof Chat>[0]) => {
    const chat = new Chat(init);
    return { messages: chat, sendMessage: chat.sendMessage };
  };
  const file = join(server.dir, 'sample.mjs');
  const inside = `${here(sample?.text ?? '')}; return { messages, sendMessage };`;
  writeFileSync(file, `export default (useChat, DefaultChatTransport) => { ${inside} };`);
  const { default: component } = await import(pathToFileURL(file).href);
  const { messages: chat, sendMessage }: { messages: Chat; sendMessage: Chat['sendMessage'] } =
    component(useChat, DefaultChatTransport);
  await sendMessage({ text: 'Hello' });
  expect(textOfUi(chat.lastMessage ?? { parts: [] })).toContain('offline model');
});
