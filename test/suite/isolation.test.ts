/**
 * Nobody reads or changes what is another user's, and nobody is let in without a credential that
 * holds: every route of the description, every frame of a socket and every kind of id, for every
 * kind of caller. The rows are made from the description: a route whose ids are not known here
 * fails.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { asRecord } from '../support/json.ts';
import { idOfKey, runKeys } from '../support/keys.ts';
import { openWebSocket } from '../support/websocket.ts';
import { signToken, startIdentityServer, type IdentityServer } from './identity.ts';
import {
  expectFrameFindsNothing,
  expectNothingThere,
  kindOf,
  NAMING_FRAMES,
  newOwner,
  ProtectedRoutes,
  said,
  SECRET_TEXT,
  stateOf,
  type Owner,
  type Row,
} from './isolation-walk.ts';
import { aProblem } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';

const { runtime } = suiteTarget();
let server: IdentityServer;
let routes: ProtectedRoutes;
let owner: Owner;
let other: { user: string; key: string };
let holdNot: Record<string, string>;

beforeAll(async () => {
  server = await startIdentityServer(runtime);
  routes = await ProtectedRoutes.of(server.call);
  const owning = unique('owner');
  owner = await newOwner(server.call, { user: owning, key: await server.key({ user: owning }) });
  const user = unique('other');
  other = { user, key: await server.key({ user }) };
  holdNot = await credentialsThatDoNotHold(owner.user);
}, 200_000);
afterAll(() => server.close());

/** Credentials of the owner, each of which does not hold for a reason of its own. */
async function credentialsThatDoNotHold(user: string): Promise<Record<string, string>> {
  const revoked = await server.key({ user });
  await runKeys(server.server.databaseUrl, ['revoke', idOfKey(revoked)]);
  const expires_at = new Date(Date.now() + 1_500).toISOString();
  const expiring = await server.call<{ key: string }>('/keys', {
    as: server.admin,
    json: { user_id: user, expires_at },
  });
  const expired = expiring.json.key;
  const use = async () => (await server.call('/models', { as: expired })).status;
  await vi.waitUntil(async () => (await use()) === 401, { timeout: 20_000, interval: 100 });
  return {
    'a revoked key': revoked,
    'an expired key': expired,
    'an expired token': signToken({ sub: user, exp: Math.floor(Date.now() / 1000) - 1 }),
    'a token of another issuer': signToken({ sub: user }, { secret: 'x'.repeat(40) }),
    'a key that was made up': `${owner.key.slice(0, -1)}~`,
  };
}

function call({ method, path, json }: Row, as: string | undefined) {
  return server.call<Record<string, unknown>>(path, { method, json, as });
}

it('knows of every route whose ids are in its path', () => {
  expect(routes.operations.length).toBeGreaterThan(40);
  for (const operation of routes.operations) expect(() => kindOf(operation)).not.toThrow();
});

it('answers nobody, and no credential that does not hold, in one way at every route', async () => {
  const before = await stateOf(server.call, owner);
  for (const operation of routes.operations) {
    const kind = kindOf(operation);
    const row = routes.rowOf(operation, owner, kind === undefined ? '' : owner.ids[kind]);
    const nobody = await call(row, undefined);
    const name = `${row.method} ${row.path}`;
    expect(nobody.status, name).toBe(401);
    expect(nobody.headers['www-authenticate'], name).toBe('Bearer');
    for (const [what, as] of Object.entries(holdNot))
      expect(said(await call(row, as), ''), `${name} with ${what}`).toBe(said(nobody, ''));
  }
  expect(await stateOf(server.call, owner)).toEqual(before);
});

it('answers another user as if the owner’s things were not there, at every route', async () => {
  await expectNothingThere({ call: server.call, routes, owner, as: other.key });
});

it('shows another user nothing of the owner where no id is named', async () => {
  const before = await stateOf(server.call, owner);
  for (const operation of routes.operations) {
    if (kindOf(operation) !== undefined) continue;
    const row = routes.rowOf(operation, owner, owner.ids['conversation']);
    const name = `${row.method} ${row.path}`;
    const answer = await call(row, other.key);
    for (const id of [owner.user, ...Object.values(owner.ids)])
      expect(answer.text.replaceAll(owner.ids['conversation'] ?? '', ''), name).not.toContain(
        id === owner.ids['conversation'] ? SECRET_TEXT : id,
      );
    expect(answer.text, name).not.toContain(SECRET_TEXT);
  }
  expect(await stateOf(server.call, owner)).toEqual(before);
});

it('lets another user name neither the owner nor what is the owner’s', async () => {
  const before = await stateOf(server.call, owner);
  const { ids, user } = owner;
  const stranger = (path: string, json?: object) => server.call(path, { as: other.key, json });
  for (const operation of routes.operations) {
    const { path, method, json } = routes.rowOf(operation, owner, ids['conversation']);
    const named = `${path}${path.includes('?') ? '&' : '?'}user_id=${user}`;
    const { status } = await call({ method, path: named, json }, other.key);
    expect([400, 404], `${method} ${named}`).toContain(status);
  }
  const mine = await stranger('/conversations', { message: 'Mine', model: 'offline' });
  const myId = String(asRecord(mine.json)['conversation_id']);
  const refused = [
    await stranger(`/conversations/${myId}/messages`, {
      message: 'Hi',
      parent_message_id: ids['message'],
    }),
    await stranger(`/conversations/${myId}/fork`, { message_id: ids['message'] }),
    await stranger('/documents', { text: 'x', document_id: ids['document'] }),
    await stranger('/conversations', {
      message: 'Hi',
      attachments: [{ file_id: ids['file'] }],
      model: 'offline',
    }),
    await stranger(`/conversations/${myId}/messages`, { attachments: [{ file_id: ids['file'] }] }),
    await stranger('/documents', { text: 'x', conversation_id: ids['conversation'] }),
    await server.call(`/conversations/${myId}`, {
      as: other.key,
      method: 'PATCH',
      json: { head_message_id: ids['message'] },
    }),
    await server.call(`/conversations/${myId}/stream`, {
      as: other.key,
      headers: { 'last-event-id': 'AAAA2.1' },
    }),
  ];
  for (const answer of refused) expect([400, 404], answer.text).toContain(answer.status);
  const nothing = [
    await stranger('/retrieve', { query: SECRET_TEXT }),
    await stranger('/retrieve', { query: SECRET_TEXT, document_ids: [ids['document']] }),
    await stranger('/retrieve', { query: SECRET_TEXT, conversation_id: ids['conversation'] }),
    await stranger(`/conversations?cursor=${ids['conversation']}`),
    await stranger(`/documents?cursor=${ids['document']}`),
    await stranger(`/files?cursor=${ids['file']}`),
    await stranger(`/keys?cursor=${ids['key']}`),
    await stranger(`/documents?conversation_id=${ids['conversation']}`),
  ];
  for (const answer of nothing)
    for (const hidden of [SECRET_TEXT, owner.user, ids['document'], ids['chunk'], ids['key']])
      expect(answer.text).not.toContain(hidden);
  expect(await stateOf(server.call, owner)).toEqual(before);
});

it('keeps the idempotency keys of users apart', async () => {
  const json = { message: SECRET_TEXT, model: 'offline' };
  const headers = { 'idempotency-key': 'the-owners' };
  const answer = await server.call('/conversations', { as: other.key, json, headers });
  expect(answer.status).toBe(200);
  expect(answer.text).not.toContain(owner.ids['conversation']);
});

describe('frames of a socket', () => {
  const frames: typeof NAMING_FRAMES = [
    ...NAMING_FRAMES,
    ['a user', (ids) => ({ message: 'Hi', user_id: ids['user'] })],
  ];

  it.each(frames)('frames of another user’s socket find nothing: %s', async (_, frame) => {
    const before = await stateOf(server.call, owner);
    const headers = { authorization: `Bearer ${other.key}` };
    const socket = await openWebSocket(`${server.server.url}/ws/${other.user}`, { headers });
    await socket.next('connection');
    await expectFrameFindsNothing(socket, frame, owner);
    socket.close();
    expect(await stateOf(server.call, owner)).toEqual(before);
  });

  it('open for the user of the credential alone', async () => {
    const url = `${server.server.url}/ws/${owner.user}`;
    await expect(openWebSocket(url)).rejects.toThrow(/401/u);
    for (const [what, as] of Object.entries(holdNot)) {
      const headers = { authorization: `Bearer ${as}` };
      await expect(openWebSocket(url, { headers }), what).rejects.toThrow(/401/u);
    }
    const headers = { authorization: `Bearer ${other.key}` };
    await expect(openWebSocket(url, { headers })).rejects.toThrow(/404/u);
  });
});

it('gives a user who is no admin nothing that admins may', async () => {
  const scoped = await server.call('/keys', { as: other.key, json: { scopes: ['admin'] } });
  expect(scoped.json).toMatchObject(aProblem(403, 'forbidden'));
});
