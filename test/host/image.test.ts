/**
 * The image without an engine: what the Dockerfile copies and runs, done in a clean folder, started
 * as another user who may write to nothing but the folder of the data. Sizes are looked at, too.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { freePort, localCommand, repository, temporaryDirectory } from '../support/places.ts';

const run = promisify(execFile);
const dockerfile = readFileSync(join(repository, 'Dockerfile'), 'utf8');
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

/** The files of the lines `COPY a b ./`, which come from the repository. */
const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gmu)].flatMap(([, names = '']) =>
  names.split(' '),
);

/** The list of an instruction in its form of JSON. */
function listOf(instruction: 'CMD' | 'HEALTHCHECK'): string[] {
  const [, list = '[]'] =
    new RegExp(`^${instruction}[^[]*(\\[.*\\])$`, 'mu').exec(dockerfile.replaceAll('\\\n', '')) ??
    [];
  // Asserted on by what is done with it.
  return JSON.parse(list) as string[];
}

const megabytes = async (folder: string) =>
  Number((await run('du', ['-sm', folder])).stdout.split('\t')[0]);

it('starts as another user from the steps of the Dockerfile', { timeout: 300_000 }, async () => {
  const app = temporaryDirectory('image');
  chmodSync(app, 0o755);
  for (const name of copied)
    cpSync(join(repository, name), join(app, name), {
      recursive: true,
      filter: (path) => !path.endsWith('/node_modules'),
    });
  const install = ['ci', '--omit=dev', '--prefer-offline'];
  const installed = await run('npm', install, { cwd: app, timeout: 240_000 });
  expect(installed.stdout + installed.stderr).not.toMatch(/warn|EBADENGINE|deprecated/iu);
  expect(await megabytes(join(app, 'node_modules'))).toBeLessThanOrEqual(375);
  // 33 MB for drawing, which only reading the texts of PDFs does not need.
  expect(existsSync(join(app, 'node_modules/@napi-rs/canvas'))).toBe(false);
  await run('sh', ['-c', 'rm -rf node_modules/node-linux-* node_modules/.bin/node'], { cwd: app });
  expect(await megabytes(join(app, 'node_modules'))).toBeLessThanOrEqual(185);

  const node = await nodeFor(app);
  await expectTold(node, app, /"page":"not built; run npm ci, npm run assets/u);

  const pages = join(app, 'dist/assets');
  await run('npm', ['run', 'assets', '--', pages], { cwd: repository });

  const data = temporaryDirectory('image-data');
  mkdirSync(data, { recursive: true });
  if (isRoot) chownSync(data, NOBODY, NOBODY);
  const port = await freePort();
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOST: '0.0.0.0',
    AUTH: 'none',
    PORT: String(port),
    DATABASE_URL: `file:${join(data, 'parley.db')}`,
  };
  const user = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
  const [, ...args] = listOf('CMD');
  const server = spawn(node, args, { cwd: app, env, ...user });
  let output = '';
  for (const stream of [server.stdout, server.stderr])
    stream.on('data', (text: Buffer) => (output += text.toString()));
  try {
    await expect.poll(() => output, { timeout: 60_000 }).toContain('listening on');
    const json = { user_id: 'u', message: 'hello' };
    const answer = await request(`http://127.0.0.1:${port}/conversations`, { json });
    expect(answer.status).toBe(200);
    const headers = { accept: 'text/html' };
    const page = await request(`http://127.0.0.1:${port}/`, { headers });
    const [, script = ''] = /<script type="module" src="([^"]+)"/u.exec(page.text) ?? [];
    expect((await request(`http://127.0.0.1:${port}${script}`)).status).toBe(200);
    const [, option = '', ask = ''] = listOf('HEALTHCHECK');
    const check = ask.replace('8787', String(port));
    await run(node, [option, check]);
    await expect(run(node, [option, ask.replace('8787', '1')])).rejects.toThrow();
    const ended = once(server, 'exit');
    server.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  } finally {
    server.kill('SIGKILL');
  }
});

/** Starts the program until it has said this. */
async function expectTold(node: string, app: string, what: RegExp): Promise<void> {
  const [, ...args] = listOf('CMD');
  const env = { PATH: process.env['PATH'] ?? '', PORT: '0', DATABASE_URL: 'file:./first.db' };
  const program = spawn(node, args, { cwd: app, env });
  let output = '';
  for (const stream of [program.stdout, program.stderr])
    stream.on('data', (text: Buffer) => (output += text.toString()));
  try {
    await expect.poll(() => output, { timeout: 60_000 }).toMatch(what);
  } finally {
    program.kill('SIGKILL');
  }
}

/** Copies the Node that the image would have of its own to a place that any user may read. */
async function nodeFor(app: string): Promise<string> {
  const { stdout } = await run(localCommand('node'), ['-p', 'process.execPath']);
  const node = join(app, 'node');
  cpSync(stdout.trim(), node, { dereference: true });
  chmodSync(node, 0o755);
  return node;
}
