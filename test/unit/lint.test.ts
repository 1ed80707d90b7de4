// The lint rules are promises about the tree; each must fail on a snippet that breaks it, and on
// nothing else. One run of the linter over a throw-away tree shows them all.
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

/**
 * Snippets that break one rule each: `[rule, file, code]`. The file's folder is part of the case.
 */
const broken: [rule: string, file: string, code: string][] = [
  ['no-floating-promises', 'src/turns/floating.ts', 'void 0; Promise.resolve(1);'],
  ['no-misused-promises', 'src/turns/misused.ts', 'export const a = Promise.resolve(1) ? 1 : 2;'],
  ['await-thenable', 'src/turns/thenable.ts', 'await 1;'],
  ['return-await', 'src/turns/lost.ts', lostErrorSnippet()],
  ['only-throw-error', 'src/turns/throw.ts', "throw 'text';"],
  ['no-explicit-any', 'src/core/any.ts', 'export const anything: any = 1;'],
  ['no-non-null-assertion', 'src/core/non-null.ts', 'export const f = (a?: string) => a!;'],
  ['consistent-type-imports', 'src/store/types.ts', typeImportSnippet()],
  ['switch-exhaustiveness-check', 'src/core/switch.ts', switchSnippet()],
  ['no-cycle', 'src/core/cycle-one.ts', "export { two as one } from './cycle-two.ts';"],
  ['no-cycle', 'src/core/cycle-two.ts', "export { one as two } from './cycle-one.ts';"],
  ['no-default-export', 'src/core/default.ts', 'export default 1;'],
  ['filename-case', 'src/core/camelCase.ts', 'export const a = 1;'],
  ['eqeqeq', 'src/core/equal.ts', 'export const f = (a: string, b: string) => a == b;'],
  ['no-console', 'src/turns/console.ts', "console.log('text');"],
  ['no-unused-vars', 'src/core/unused.ts', 'const unused = 1;\nexport const a = 2;'],
  ['prefer-const', 'src/core/constant.ts', 'let a = 1;\nexport const b = a;'],
  ['no-restricted-globals', 'src/turns/environment.ts', 'export const env = process.env;'],
  ['no-restricted-globals', 'src/turns/global.ts', 'export const p = globalThis.process;'],
  ['no-import-meta-environment', 'src/models/meta.ts', 'export const e = import.meta.env;'],
  ['import-direction', 'src/core/upward.ts', "export * from '../store/good.ts';"],
  ['import-direction', 'src/store/upward.ts', "export type * from '../turns/good.ts';"],
  ['import-direction', 'src/turns/upward.ts', "export const door = import('../routes/good.ts');"],
  ['import-direction', 'src/documents/sideways.ts', "export * from '../turns/good.ts';"],
  ['import-direction', 'src/wire/upward.ts', "export type A = import('../models/good.ts').A;"],
  ['import-direction', 'src/app.ts', "export * from './host/good.ts';"],
  ['import-direction', 'src/routes/outside.ts', "export * from '../good.ts';"],
  ['import-direction', 'src/attic/unknown.ts', "export * from '../core/good.ts';"],
  ['package-home', 'src/turns/drizzle.ts', "export { eq } from 'drizzle-orm';"],
  ['package-home', 'src/routes/client.ts', "export { createClient } from '@libsql/client/web';"],
  ['package-home', 'src/turns/hono.ts', "export { Hono } from 'hono';"],
  ['package-home', 'src/turns/provider.ts', "export { createGroq } from '@ai-sdk/groq';"],
  ['package-home', 'src/store/files.ts', "export { readFile } from 'node:fs/promises';"],
  ['package-home', 'src/turns/durable.ts', "export { DurableObject } from 'cloudflare:workers';"],
  ['no-interactive-transaction', 'src/store/one.ts', transactionSnippet('db.transaction()')],
  ['no-interactive-transaction', 'src/host/two.ts', transactionSnippet("db['transaction']()")],
  ['no-interactive-transaction', 'src/store/three.ts', "export const sql = 'BEGIN IMMEDIATE';"],
  ['no-interactive-transaction', 'src/store/four.ts', 'export const sql = `COMMIT`;'],
  ['no-function-assigned-to-property', 'src/turns/method.ts', assignedSnippet('() => 1')],
  ['no-function-assigned-to-property', 'src/turns/named.ts', assignedSnippet('function () {}')],
  ['expect-of-one-test', 'test/polls.test.ts', pollSnippet('describe.concurrent', 'async () =>')],
  ['expect-of-one-test', 'test/refuses.test.ts', refusalSnippet()],
  ['expect-of-one-test', 'test/helper.ts', 'export const seen = () => expect.poll(() => 1);'],
  ['comment-width', 'src/core/wide.ts', `/** ${'word '.repeat(20)}*/\nexport const a = 1;`],
  ['docstrings', 'src/core/clause.ts', '/** What it says. */\nexport const a = 1;'],
  ['docstrings', 'src/core/noun.ts', '/** The sum. */\nexport function sum() {\n  return 1;\n}'],
];

/** Files that every rule must leave alone. */
const sound: [file: string, code: string][] = [
  ['src/core/words.ts', '/** Returns the sum. */\nexport function sum() {\n  return 1;\n}'],
  ['src/core/good.ts', 'export const a = 1;'],
  ['src/models/good.ts', 'export type A = 1;'],
  ['src/store/good.ts', "import { eq } from 'drizzle-orm';\nexport const same = eq;"],
  ['src/turns/good.ts', "export { same } from '../store/good.ts';"],
  ['src/routes/good.ts', "import { Hono } from 'hono';\nexport const app = new Hono();"],
  [
    'src/host/good.ts',
    "console.log(process.env['PORT']);\nexport { app } from '../routes/good.ts';",
  ],
  ['src/host/workers/main.ts', "import { app } from '../routes/good.ts';\nexport default app;"],
  ['src/turns/assigned.ts', `const one = () => 1;\n${assignedSnippet('one')}`],
  ['src/host/files.ts', "export { readFile } from 'node:fs/promises';"],
  ['test/alone.test.ts', pollSnippet('describe', 'async () =>')],
  ['test/own.test.ts', pollSnippet('describe.concurrent', 'async ({ expect }) =>')],
  ['test/good.ts', "import { createClient } from '@libsql/client';\nconsole.log(createClient);"],
];

function refusalSnippet(): string {
  return "it('a', { concurrent: true }, () => expect(fetch('b')).rejects.toThrow('c'));";
}

function pollSnippet(describe: string, test: string): string {
  return `${describe}('a', () => { it('b', ${test} { await expect.poll(() => 1).toBe(1); }); });`;
}

function transactionSnippet(call: string): string {
  return `export const f = async (db: { transaction(): Promise<void> }) => { await ${call}; };`;
}

function assignedSnippet(value: string): string {
  return `export const f = (a: { b: unknown }) => {\n  a.b = ${value};\n};`;
}

function typeImportSnippet(): string {
  return "import { Hidden } from './types-of.ts';\nexport const f = (a: Hidden) => a;";
}

function switchSnippet(): string {
  return "export function f(a: 'x' | 'y') { switch (a) { case 'x': return 1; } return 2; }";
}

function lostErrorSnippet(): string {
  return 'export async function f(a: Promise<number>) { try { return a; } catch { return 2; } }';
}

interface Diagnostic {
  code: string;
  filename: string;
}

let tree: string;
let found: Diagnostic[];

beforeAll(async () => {
  tree = await mkdtemp(join(tmpdir(), 'parley-lint-'));
  for (const name of ['.oxlintrc.json', 'tsconfig.json', 'lint', 'package.json'])
    await cp(join(root, name), join(tree, name), { recursive: true });
  await symlink(join(root, 'node_modules'), join(tree, 'node_modules'));
  await put('src/store/types-of.ts', 'export interface Hidden { a: number }');
  for (const [file, code] of sound) await put(file, code);
  for (const [, file, code] of broken) await put(file, code);
  found = await lint(tree);
}, 30_000);

afterAll(() => rm(tree, { recursive: true, force: true }));

async function put(file: string, code: string): Promise<void> {
  await mkdir(dirname(join(tree, file)), { recursive: true });
  await writeFile(join(tree, file), `${code}\n`);
}

/** Runs the linter in `cwd` and returns what it found; its exit code is non-zero by design here. */
function lint(cwd: string): Promise<Diagnostic[]> {
  const oxlint = join(root, 'node_modules/oxlint/bin/oxlint');
  return new Promise((done, fail) => {
    execFile(process.execPath, [oxlint, '--format=json'], { cwd }, (_error, stdout, stderr) => {
      try {
        const report: { diagnostics: Diagnostic[] } = JSON.parse(stdout);
        done(report.diagnostics);
      } catch (cause) {
        fail(new Error(`oxlint printed no report: ${stdout}${stderr}`, { cause }));
      }
    });
  });
}

const rulesBrokenBy = (file: string) =>
  found.filter(({ filename }) => filename === file).map(({ code }) => code);

test.each(broken)('%s fails on %s', (rule, file) => {
  expect(rulesBrokenBy(file).join(' ')).toContain(`(${rule})`);
});

test.each(sound)('%s is left alone', (file) => {
  expect(rulesBrokenBy(file)).toEqual([]);
});
