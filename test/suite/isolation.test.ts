/**
 * Nobody reads or changes what is another user's, and nobody is let in without a credential that
 * holds: every route of the description, every frame of a socket and every kind of id, for every
 * kind of caller. The rows are made from the description: a route whose ids are not known here
 * fails.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { asRecord } from '../support/json.ts';
import { idOfKey, runKeys } from '../support/keys.ts';
import { readDescription, type Description, type Operation } from '../support/openapi.ts';
import { openWebSocket } from '../support/websocket.ts';
import { FORM_TYPE, formOf } from './files-client.ts';
import { signToken, startIdentityServer, type IdentityServer } from './identity.ts';
import { aProblem } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';

const { runtime } = suiteTarget();
let server: IdentityServer;
let description: Description;
let open: Set<string>;
let owner: Owner;
let other: { user: string; key: string };
let holdNot: Record<string, string>;

/** A user with one of everything that has an id. */
interface Owner {
  user: string;
  key: string;
  ids: Record<string, string>;
}

const SECRET_TEXT = 'the combination of the safe';

beforeAll(async () => {
  server = await startIdentityServer(runtime);
  const document = await server.call<{ paths: Record<string, Record<string, unknown>> }>(
    '/openapi.json',
  );
  description = readDescription(document.json);
  open = openOperations(document.json.paths);
  owner = await newOwner();
  const user = unique('other');
  other = { user, key: await server.key({ user }) };
  holdNot = await credentialsThatDoNotHold(owner.user);
}, 200_000);
afterAll(() => server.close());

function openOperations(paths: Record<string, Record<string, unknown>>): Set<string> {
  return new Set(
    Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item).flatMap(([method, operation]) => {
        const { security } = asRecord(operation);
        return Array.isArray(security) && security.length === 0 ? [`${method} ${path}`] : [];
      }),
    ),
  );
}

async function newOwner(): Promise<Owner> {
  const user = unique('owner');
  const key = await server.key({ user });
  const says = { message: SECRET_TEXT, model: 'offline' };
  const headers = { 'idempotency-key': 'the-owners' };
  const begun = await server.call<{ conversation_id: string }>('/conversations', {
    as: key,
    json: says,
    headers,
  });
  const conversation = begun.json.conversation_id;
  const read = await server.call<{ id: string }[]>(`/conversations/${conversation}/messages`, {
    as: key,
  });
  const text = `${SECRET_TEXT} is kept here`;
  const kept = await server.call<{ document_id: string }>('/documents', {
    as: key,
    json: { text },
  });
  const found = await server.call<{ results: { chunk_id: string }[] }>('/retrieve', {
    as: key,
    json: { query: 'combination' },
  });
  const file = await server.call<{ file_id: string }>('/files', {
    as: key,
    rawBody: formOf({ content: SECRET_TEXT, name: 'safe.txt' }),
    headers: { 'content-type': FORM_TYPE },
  });
  const ids = {
    conversation,
    turn: String(begun.headers['x-turn-id']),
    message: read.json.at(-1)?.id ?? '',
    question: read.json[0]?.id ?? '',
    document: kept.json.document_id,
    file: file.json.file_id,
    chunk: String(found.json.results[0]?.chunk_id),
    key: idOfKey(key),
    tool: 'tool_of_the_owner',
    user,
  };
  for (const [name, id] of Object.entries(ids)) expect(id, name).toMatch(/^[\w-]{6,}$/u);
  return { user, key, ids };
}

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

/** The kind of the id in a path, by what stands before it. */
const KINDS: [RegExp, string][] = [
  [/^\/(v1\/)?(conversations|chats|chat\/conversations|api\/chat)\/\{id\}/u, 'conversation'],
  [/^\/(turns|streams\/turns|v1\/responses)\/\{id\}/u, 'turn'],
  [/^\/messages\/\{id\}\/edit/u, 'question'],
  [/^\/messages\/\{id\}/u, 'message'],
  [/^\/(documents|v1\/vector_stores)\/\{id\}/u, 'document'],
  [/^\/chunks\/\{id\}/u, 'chunk'],
  [/^\/files\/\{id\}/u, 'file'],
  [/^\/keys\/\{id\}/u, 'key'],
  [/^\/tool-permissions\/\{tool\}/u, 'tool'],
  [/\/\{user_id\}/u, 'user'],
];

function kindOf({ path }: Operation): string | undefined {
  const kind = KINDS.find(([pattern]) => pattern.test(path))?.[1];
  // Models are nobody's.
  if (kind === undefined && path.includes('{') && !path.startsWith('/v1/models/'))
    throw new Error(`whose ids are in ${path}? Add the kind of its ids to KINDS`);
  return kind;
}

/** An id of the same form that is nobody's. */
function unknownOf(id: string): string {
  return id.slice(0, -4) + (id.endsWith('abcd') ? 'dcba' : 'abcd');
}

interface Row {
  method: string;
  path: string;
  json: unknown;
}

/** A sound call of an operation, by the example of the description, on the thing with this id. */
function rowOf(operation: Operation, id = ''): Row {
  const { method, path } = operation;
  const example = description.exampleOf(description.bodyOf(operation));
  const { user_id: _, ...fields } = asRecord(example ?? {});
  const body = 'chat_id' in fields ? { ...fields, chat_id: id } : fields;
  const query = path.endsWith('/stream') && !path.startsWith('/api') ? '?message=Hello' : '';
  return {
    method: method.toUpperCase(),
    path:
      path
        .replace('{item_id}', `msg_${owner.ids['message']}`)
        .replace(/\{\w+\}/u, encodeURIComponent(id)) + query,
    json: example === undefined ? undefined : body,
  };
}

function call({ method, path, json }: Row, as: string | undefined) {
  return server.call<Record<string, unknown>>(path, { method, json, as });
}

/** What an answer says, without what differs each time. */
function said(answer: { status: number; text: string }, id: string): string {
  const text = id === '' ? answer.text : answer.text.replaceAll(id, 'ID');
  return `${answer.status} ${text.replace(/"instance":"[^"]*"/u, '')}`;
}

/** All that the owner has, as the owner reads it. */
async function stateOf({ key, ids }: Owner): Promise<string[]> {
  const paths = [
    '/conversations',
    `/conversations/${ids['conversation']}`,
    `/conversations/${ids['conversation']}/messages?tree=true`,
    `/turns/${ids['turn']}`,
    '/documents',
    '/files',
    `/files/${ids['file']}`,
    `/documents/${ids['document']}/text`,
    '/keys',
  ];
  const answers = await Promise.all(paths.map((path) => server.call(path, { as: key })));
  return answers.map(({ status, text }) => `${status} ${text}`);
}

function protectedOperations(): Operation[] {
  return description.operations.filter(({ method, path }) => !open.has(`${method} ${path}`));
}

it('knows of every route whose ids are in its path', () => {
  expect(protectedOperations().length).toBeGreaterThan(40);
  for (const operation of protectedOperations()) expect(() => kindOf(operation)).not.toThrow();
});

it('answers nobody, and no credential that does not hold, in one way at every route', async () => {
  const before = await stateOf(owner);
  for (const operation of protectedOperations()) {
    const kind = kindOf(operation);
    const row = rowOf(operation, kind === undefined ? '' : owner.ids[kind]);
    const nobody = await call(row, undefined);
    const name = `${row.method} ${row.path}`;
    expect(nobody.status, name).toBe(401);
    expect(nobody.headers['www-authenticate'], name).toBe('Bearer');
    for (const [what, as] of Object.entries(holdNot))
      expect(said(await call(row, as), ''), `${name} with ${what}`).toBe(said(nobody, ''));
  }
  expect(await stateOf(owner)).toEqual(before);
});

it('answers another user as if the owner’s things were not there, at every route', async () => {
  const before = await stateOf(owner);
  for (const operation of protectedOperations()) {
    const kind = kindOf(operation);
    if (kind === undefined) continue;
    const id = owner.ids[kind] ?? '';
    const unknown = unknownOf(id);
    expect(unknown).not.toBe(id);
    const foreign = await call(rowOf(operation, id), other.key);
    const missing = await call(rowOf(operation, unknown), other.key);
    const name = `${operation.method} ${operation.path}`;
    expect(foreign.status, name).not.toBe(401);
    expect(said(foreign, id), name).toBe(said(missing, unknown));
    expect(foreign.text, name).not.toContain(SECRET_TEXT);
  }
  expect(await stateOf(owner)).toEqual(before);
});

it('shows another user nothing of the owner where no id is named', async () => {
  const before = await stateOf(owner);
  for (const operation of protectedOperations()) {
    if (kindOf(operation) !== undefined) continue;
    const row = rowOf(operation, owner.ids['conversation']);
    const name = `${row.method} ${row.path}`;
    const answer = await call(row, other.key);
    for (const id of [owner.user, ...Object.values(owner.ids)])
      expect(answer.text.replaceAll(owner.ids['conversation'] ?? '', ''), name).not.toContain(
        id === owner.ids['conversation'] ? SECRET_TEXT : id,
      );
    expect(answer.text, name).not.toContain(SECRET_TEXT);
  }
  expect(await stateOf(owner)).toEqual(before);
});

it('lets another user name neither the owner nor what is the owner’s', async () => {
  const before = await stateOf(owner);
  const { ids, user } = owner;
  const stranger = (path: string, json?: object) => server.call(path, { as: other.key, json });
  for (const operation of protectedOperations()) {
    const { path, method, json } = rowOf(operation, ids['conversation']);
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
  expect(await stateOf(owner)).toEqual(before);
});

it('keeps the idempotency keys of users apart', async () => {
  const json = { message: SECRET_TEXT, model: 'offline' };
  const headers = { 'idempotency-key': 'the-owners' };
  const answer = await server.call('/conversations', { as: other.key, json, headers });
  expect(answer.status).toBe(200);
  expect(answer.text).not.toContain(owner.ids['conversation']);
});

describe('frames of a socket', () => {
  const frames: [string, (ids: Record<string, string>) => object][] = [
    ['message', (ids) => ({ message: 'Hi', conversation_id: ids['conversation'] })],
    ['regenerate', (ids) => ({ type: 'regenerate', message_id: ids['message'] })],
    ['edit', (ids) => ({ type: 'edit', message_id: ids['question'], message: 'Hi' })],
    ['a user', (ids) => ({ message: 'Hi', user_id: ids['user'] })],
  ];

  it.each(frames)('frames of another user’s socket find nothing: %s', async (_, frame) => {
    const before = await stateOf(owner);
    const headers = { authorization: `Bearer ${other.key}` };
    const socket = await openWebSocket(`${server.server.url}/ws/${other.user}`, { headers });
    await socket.next('connection');
    const unknown = Object.fromEntries(
      Object.entries(owner.ids).map(([kind, id]) => [kind, unknownOf(id)]),
    );
    const refusals = [];
    for (const ids of [owner.ids, unknown]) {
      socket.send(frame(ids));
      const { problem } = await socket.next('error');
      const { instance: _instance, ...rest } = asRecord(problem);
      refusals.push(rest);
    }
    expect(refusals[0]).toMatchObject({ status: 404, code: 'not_found' });
    expect(refusals[0]).toEqual(refusals[1]);
    socket.close();
    expect(await stateOf(owner)).toEqual(before);
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
