/** A Worker that was deployed without AUTH serves nothing but its health, and says what to set. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../../src/host/dev/free-port.ts';
import { startProcess, type ServerProcess } from '../support/child-process.ts';
import { request } from '../support/http.ts';
import {
  cleanEnvironment,
  localCommand,
  repository,
  temporaryDirectory,
} from '../support/places.ts';
import { startSqld, type Sqld } from '../support/sqld.ts';

const directory = temporaryDirectory('worker');
let sqld: Sqld;
let wrangler: ServerProcess;
let url = '';

beforeAll(async () => {
  sqld = await startSqld();
  const file = join(directory, 'worker.env');
  writeFileSync(file, `DATABASE_URL='${sqld.url}'\n`);
  const port = String(await freePort());
  url = `http://127.0.0.1:${port}`;
  wrangler = startProcess({
    command: localCommand('wrangler'),
    args: [
      'dev',
      ...['--ip', '127.0.0.1', '--port', port, '--inspector-port', '0', '--env-file', file],
      ...['--persist-to', directory, '--show-interactive-dev-session=false'],
    ],
    cwd: repository,
    env: cleanEnvironment({ WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false' }),
  });
  await wrangler.waitForOutput(/Ready on/u, 120_000);
}, 150_000);

afterAll(async () => {
  await wrangler.kill();
  await sqld.close();
  rmSync(directory, { recursive: true, force: true });
});

it('answers 503 with what to set', async () => {
  for (const path of ['/', '/ready', '/models', '/conversations', '/docs', '/openapi.json']) {
    const answer = await request<{ detail: string }>(url + path);
    expect(answer.status, path).toBe(503);
    expect(answer.json).toMatchObject({ code: 'not_configured' });
    expect(answer.json.detail).toMatch(/AUTH.*keys.*jwt.*none/u);
  }
  const posted = await request(`${url}/conversations`, { json: { user_id: 'a', message: 'Hi' } });
  expect(posted.status).toBe(503);
});

it('tells of its health', async () => {
  const { status, json } = await request(`${url}/health`);
  expect([200, 503]).toContain(status);
  expect(json).toHaveProperty('database');
});
