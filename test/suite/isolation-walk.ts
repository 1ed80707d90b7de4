/**
 * What tests of isolation share: an owner with one of everything that has an id, a sound call of
 * every route on such a thing, and all that the owner has, to see that nothing has changed.
 */
import { expect } from 'vitest';
import type { Answer } from '../support/http.ts';
import { asRecord } from '../support/json.ts';
import { idOfKey } from '../support/keys.ts';
import { readDescription, type Description, type Operation } from '../support/openapi.ts';
import type { TestSocket } from '../support/websocket.ts';
import { FORM_TYPE, formOf } from './files-client.ts';
import type { CredentialInit } from './identity.ts';

/** A text of the owner, which nobody else may be shown. */
export const SECRET_TEXT = 'the combination of the safe';

/** A request with a credential, or without one. */
export type CallAs = <Body = unknown>(path: string, init?: CredentialInit) => Promise<Answer<Body>>;

/** A user with one of everything that has an id, by the kinds of ids. */
export interface Owner {
  user: string;
  key: string;
  ids: Record<string, string>;
}

/** Gives a user one of everything that has an id. */
export async function newOwner(
  call: CallAs,
  { user, key }: Pick<Owner, 'user' | 'key'>,
): Promise<Owner> {
  const begun = await call<{ conversation_id: string }>('/conversations', {
    as: key,
    json: { message: SECRET_TEXT, model: 'offline' },
    headers: { 'idempotency-key': 'the-owners' },
  });
  const conversation = begun.json.conversation_id;
  const read = await call<{ id: string }[]>(`/conversations/${conversation}/messages`, { as: key });
  const text = `${SECRET_TEXT} is kept here`;
  const kept = await call<{ document_id: string }>('/documents', { as: key, json: { text } });
  const found = await call<{ results: { chunk_id: string }[] }>('/retrieve', {
    as: key,
    json: { query: 'combination' },
  });
  const file = await call<{ file_id: string }>('/files', {
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

/** Reads all that the owner has, as the owner is shown it. */
export async function stateOf(call: CallAs, { key, ids }: Owner): Promise<string[]> {
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
  const answers = await Promise.all(paths.map((path) => call(path, { as: key })));
  return answers.map(({ status, text }) => `${status} ${text}`);
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

/**
 * Returns the kind of the id in the path of an operation; undefined for a path without one.
 * @throws Error for a path whose ids are of no known kind
 */
export function kindOf({ path }: Operation): string | undefined {
  const kind = KINDS.find(([pattern]) => pattern.test(path))?.[1];
  // Models are nobody's.
  if (kind === undefined && path.includes('{') && !path.startsWith('/v1/models/'))
    throw new Error(`whose ids are in ${path}? Add the kind of its ids to KINDS`);
  return kind;
}

/** Returns an id of the same form that is nobody's. */
export function unknownOf(id: string): string {
  return id.slice(0, -4) + (id.endsWith('abcd') ? 'dcba' : 'abcd');
}

/** Returns what an answer says, without its id and without what differs each time. */
export function said(answer: { status: number; text: string }, id: string): string {
  const text = id === '' ? answer.text : answer.text.replaceAll(id, 'ID');
  return `${answer.status} ${text.replaceAll(/"(instance|at|cursor|resets_in)":("[^"]*"|\d+)/gu, '')}`;
}

export interface Row {
  method: string;
  path: string;
  json: unknown;
}

/** The routes of a server's description that ask for a credential. */
export class ProtectedRoutes {
  readonly operations: Operation[];
  readonly #description: Description;

  private constructor(description: Description, open: Set<string>) {
    this.#description = description;
    this.operations = description.operations.filter(
      ({ method, path }) => !open.has(`${method} ${path}`),
    );
  }

  static async of(call: CallAs): Promise<ProtectedRoutes> {
    const { json } = await call<{ paths: Record<string, Record<string, unknown>> }>(
      '/openapi.json',
    );
    return new ProtectedRoutes(readDescription(json), openOperations(json.paths));
  }

  /** Returns a sound call of an operation, by its example, on the thing with this id. */
  rowOf(operation: Operation, { ids }: Owner, id = ''): Row {
    const { method, path } = operation;
    const example = this.#description.exampleOf(this.#description.bodyOf(operation));
    const { user_id: _, ...fields } = asRecord(example ?? {});
    const body = 'chat_id' in fields ? { ...fields, chat_id: id } : fields;
    const query = path.endsWith('/stream') && !path.startsWith('/api') ? '?message=Hello' : '';
    return {
      method: method.toUpperCase(),
      path:
        path
          .replace('{item_id}', `msg_${ids['message']}`)
          .replace(/\{\w+\}/u, encodeURIComponent(id)) + query,
      json: example === undefined ? undefined : body,
    };
  }
}

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

interface Walk {
  call: CallAs;
  routes: ProtectedRoutes;
  owner: Owner;
  /** The stranger's credential. */
  as: string;
}

/**
 * Expects that a stranger who names the owner's things at every route is answered as if they were
 * not there, and that the owner has all of them afterwards, unchanged.
 */
export async function expectNothingThere({ call, routes, owner, as }: Walk): Promise<void> {
  const before = await stateOf(call, owner);
  for (const operation of routes.operations) {
    const kind = kindOf(operation);
    if (kind === undefined) continue;
    const id = owner.ids[kind] ?? '';
    const unknown = unknownOf(id);
    expect(unknown).not.toBe(id);
    const ask = ({ path, method, json }: Row) => call(path, { method, json, as });
    const foreign = await ask(routes.rowOf(operation, owner, id));
    const missing = await ask(routes.rowOf(operation, owner, unknown));
    const name = `${operation.method} ${operation.path}`;
    expect(foreign.status, name).not.toBe(401);
    expect(said(foreign, id), name).toBe(said(missing, unknown));
    expect(foreign.text, name).not.toContain(SECRET_TEXT);
  }
  expect(await stateOf(call, owner)).toEqual(before);
}

/** A frame of a socket that names things, with the ids that it names. */
export const NAMING_FRAMES: [string, (ids: Record<string, string>) => object][] = [
  ['message', (ids) => ({ message: 'Hi', conversation_id: ids['conversation'] })],
  ['regenerate', (ids) => ({ type: 'regenerate', message_id: ids['message'] })],
  ['edit', (ids) => ({ type: 'edit', message_id: ids['question'], message: 'Hi' })],
];

/** Expects that frames of a stranger's socket that name the owner's things find nothing. */
export async function expectFrameFindsNothing(
  socket: TestSocket,
  frame: (ids: Record<string, string>) => object,
  { ids }: Owner,
): Promise<void> {
  const unknown = Object.fromEntries(
    Object.entries(ids).map(([kind, id]) => [kind, unknownOf(id)]),
  );
  const refusals = [];
  for (const named of [ids, unknown]) {
    socket.send(frame(named));
    const { problem } = await socket.next('error');
    const { instance: _instance, ...rest } = asRecord(problem);
    refusals.push(rest);
  }
  expect(refusals[0]).toMatchObject({ status: 404, code: 'not_found' });
  expect(refusals[0]).toEqual(refusals[1]);
}
