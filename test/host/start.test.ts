import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ServerProcess } from '../support/child-process.ts';
import { request } from '../support/http.ts';
import { temporaryDirectory } from '../support/places.ts';
import { startSqld } from '../support/sqld.ts';
import { startUpstream } from '../support/upstream.ts';
import { addressOf, runToEnd, startProgram } from './program.ts';

const started: ServerProcess[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((program) => program.kill()));
});

function start(script: 'start' | 'dev', env: Record<string, string>): ServerProcess {
  const program = startProgram(script, env);
  started.push(program);
  return program;
}

describe.each(['start', 'dev'] as const)('npm run %s does not start', (script) => {
  const bad: Record<string, string>[] = [
    { PORT: 'abc' },
    { HOST: '0.0.0.0' },
    { HOST: '::' },
    { AUTH: 'jwt' },
    { AUTH: 'none,jwt' },
    { JWT_SECRET: 'short' },
    { AUTH: 'open' },
    { DATABASE_URL: 'postgres://x' },
    { DATABASE_URL: 'file:' },
    { DATABASE_URL: 'file://parley.db' },
    { DATABASE_URL: 'http://127.0.0.1:1?foo=1' },
    { DEFAULT_MODEL: 'nobody/knows' },
    { EMBEDDING_MODEL: 'openai/without-a-key' },
    { CORS_ORIGINS: 'example.com' },
    { KEEP_ALIVE_MS: '15s' },
  ];
  it.each(bad)('with %o, and says why in one line', async (env) => {
    const directory = temporaryDirectory('start');
    const databaseUrl = `file:${join(directory, 'parley.db')}`;
    const { exit, output } = await runToEnd(
      start(script, { PORT: '0', DATABASE_URL: databaseUrl, ...env }),
    );
    expect(exit).toBe(1);
    expect(output.trim().split('\n')).toHaveLength(1);
    const [name = ''] = Object.keys(env);
    expect(output).toMatch(/^parley: /u);
    expect(output).toContain(name);
    expect(output).not.toContain('listening');
    expect(existsSync(join(directory, 'parley.db'))).toBe(false);
  });
});

it.each<Record<string, string>>([
  { DATABASE_URL: 'file:parley.db' },
  { HOST: '0.0.0.0', AUTH: '' },
])('npm run dev does not start with %o', async (env) => {
  const { exit, output } = await runToEnd(start('dev', { PORT: '0', ...env }));
  expect(exit).toBe(1);
  expect(output).toMatch(new RegExp(`^parley: ${Object.keys(env)[0]}[^\n]*\n$`, 'u'));
});

it('tells when its port is taken', async () => {
  const database = () => `file:${join(temporaryDirectory('port'), 'parley.db')}`;
  const first = start('start', { PORT: '0', DATABASE_URL: database() });
  const { port } = new URL(await addressOf(first));
  const { exit, output } = await runToEnd(start('start', { PORT: port, DATABASE_URL: database() }));
  expect(exit).toBe(1);
  expect(output).toMatch(new RegExp(`^parley: .*${port}.*EADDRINUSE[^\n]*\n$`, 'u'));
});

it('may be reached from elsewhere when AUTH=none says so', async () => {
  const url = `file:${join(temporaryDirectory('open'), 'parley.db')}`;
  const program = start('start', { PORT: '0', HOST: '0.0.0.0', AUTH: 'none', DATABASE_URL: url });
  const { port } = new URL(await addressOf(program));
  const headers = { host: 'my-server.example' };
  const { status } = await request(`http://127.0.0.1:${port}/health`, { headers });
  expect(status).toBe(200);
});

it('asks models through the proxy that the environment names', async () => {
  const upstream = await startUpstream();
  const asked: string[] = [];
  const proxy = createServer().on('connect', (request, socket) => {
    asked.push(request.url ?? '');
    const onward = connect(Number(new URL(upstream.url).port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    for (const end of [socket, onward]) end.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as AddressInfo;
  try {
    upstream.script('behind', { text: 'Hello from behind' });
    const env = {
      NODE_USE_ENV_PROXY: '1',
      HTTP_PROXY: `http://127.0.0.1:${port}`,
      ...upstream.env,
      OPENAI_BASE_URL: upstream.openaiBaseUrl.replace(/\/\/[^/]+/, '//model.invalid'),
      DATABASE_URL: `file:${join(temporaryDirectory('proxy'), 'parley.db')}`,
    };
    const address = await addressOf(start('start', { PORT: '0', ...env }));
    const json = { user_id: 'u', message: 'Hi', model: 'openai/behind' };
    const { status, text } = await request(`${address}/conversations`, { json });
    expect([status, text]).toEqual([200, expect.stringContaining('Hello from behind')]);
    expect([...new Set(asked)]).toEqual(['model.invalid:80']);
  } finally {
    proxy.close();
    await upstream.close();
  }
});

it('answers the allowed origins only, when they are named', async () => {
  const url = `file:${join(temporaryDirectory('cors'), 'parley.db')}`;
  const origins = 'https://app.example,https://other.example:444';
  const address = await addressOf(
    start('start', { PORT: '0', CORS_ORIGINS: origins, DATABASE_URL: url }),
  );
  const from = (origin: string) =>
    request(`${address}/chats`, { json: { user_id: 'u' }, headers: { origin } });
  for (const origin of origins.split(',')) {
    const { status, headers } = await from(origin);
    expect(status).toBe(200);
    expect(headers['access-control-allow-origin']).toBe(origin);
  }
  for (const origin of ['http://localhost:3000', 'https://other.example', 'http://app.example'])
    expect((await from(origin)).status).toBe(403);
});

describe('two processes that start at once on a new database', () => {
  async function bothComeUp(databaseUrl: string): Promise<void> {
    const env = { PORT: '0', DATABASE_URL: databaseUrl };
    const programs = [start('start', env), start('start', env), start('start', env)];
    const urls = await Promise.all(programs.map((program) => addressOf(program)));
    const [first = ''] = urls;
    const made = await request<{ conversation_id: string }>(`${first}/conversations`, {
      json: { user_id: 'u', message: 'hello' },
    });
    expect(made.status).toBe(200);
    for (const url of urls) {
      const read = await request(`${url}/conversations/${made.json.conversation_id}`);
      expect(read).toMatchObject({ status: 200, json: { message_count: 2 } });
    }
  }

  it('both come up, on a file', async () => {
    // Chance decides who is first: once more is cheap.
    for (let time = 0; time < 3; time += 1) {
      await bothComeUp(`file:${join(temporaryDirectory('both'), 'parley.db')}`);
    }
  });

  it('both come up, on sqld', async () => {
    const sqld = await startSqld();
    try {
      await bothComeUp(sqld.url);
    } finally {
      await sqld.close();
    }
  });
});
