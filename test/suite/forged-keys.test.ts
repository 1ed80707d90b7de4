/**
 * Forged keys: anybody can write one, for whichever user. Until the database has confirmed a key,
 * nothing is done for it that others see.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mintCredential } from '../../src/auth/credential.ts';
import { startIdentityServer, type IdentityServer } from './identity.ts';
import { suiteTarget, unique } from './target.ts';

const { runtime } = suiteTarget();
const asked: string[] = [];
const site = createServer((incoming, response) => {
  asked.push(incoming.url ?? '');
  response.setHeader('content-type', 'text/plain').end('Valves');
});
let address: string;
let server: IdentityServer;
beforeAll(async () => {
  await new Promise<void>((listening) => site.listen(0, '127.0.0.1', listening));
  address = `127.0.0.1:${(site.address() as AddressInfo).port}`;
  server = await startIdentityServer(runtime, { ATTACHMENT_HOSTS: address });
}, 150_000);
afterAll(async () => {
  await server.close();
  site.close();
});

const forge = (userId: string) => mintCredential('key', { userId, scopes: [] }).text;

it('take no place among those who wait', async () => {
  const user = unique('user');
  const as = await server.key({ user });
  const begun = { as, json: { message: 'Hello', model: 'offline' } };
  const made = await server.call<{ conversation_id: string }>('/conversations', begun);
  const path = `/conversations/${made.json.conversation_id}/messages`;
  const model = unique('model');
  server.upstream.script(model, { tokens: ['One ', 'two'], holdAt: 1 });
  const slow = { message: 'Wait', model: `openai/${model}`, stream: true };
  const running = await server.stream(path, { as, json: slow });
  const json = { message: 'Next', model: 'offline', stream: true, on_busy: 'queue' };
  const waiting = await server.stream(path, { as, json });
  expect(waiting.status).toBe(200);
  const told = await server.stream(path, { as: forge(user), json });
  expect(told.status).toBe(401);
  server.upstream.release(model);
  await Promise.all([running.collect(), waiting.collect()]);
});

it('have nothing fetched', async () => {
  const attachments = [{ url: `http://${address}/notes.txt` }];
  const json = { message: 'Hi', model: 'offline', attachments };
  const user = unique('user');
  expect((await server.call('/conversations', { as: forge(user), json })).status).toBe(401);
  expect(asked).toEqual([]);
  const as = await server.key({ user });
  expect((await server.call('/conversations', { as, json })).status).toBe(200);
  expect(asked).toEqual(['/notes.txt']);
});
