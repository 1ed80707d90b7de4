/**
 * Limits that an admin has set for a key, and limits of streams that were set for a user or a key.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { idOfKey } from '../support/keys.ts';
import { openWebSocket } from '../support/websocket.ts';
import { openBesideServer } from '../support/whole-database.ts';
import { startIdentityServer, type IdentityServer } from './identity.ts';
import { aProblem } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';
import type { ProblemJson } from './turns.ts';

const { runtime } = suiteTarget();
let place: IdentityServer;

beforeAll(async () => {
  const env = { LIMIT_TOKENS_PER_DAY: '20000', LIMIT_STREAMS: '2', KEEP_ALIVE_MS: '500' };
  place = await startIdentityServer(runtime, env);
}, 150_000);
afterAll(() => place.close());

interface LimitsJson {
  user_id: string;
  limits: { name: string; of: string; limit: number; used: number; remaining: number }[];
}

/** A user with two keys, for the first of which limits are set. */
async function withLimitedKey(limits: object, ofUser?: object) {
  const user = unique('user');
  const [key, other] = [await place.key({ user }), await place.key({ user })];
  if (ofUser) await set(`/users/${user}/limits`, ofUser);
  await set(`/keys/${idOfKey(key)}/limits`, limits);
  return { user, key, other };
}

async function set(path: string, json: object): Promise<void> {
  const answer = await place.call(path, { method: 'PUT', json, as: place.admin });
  expect(answer.status, answer.text).toBe(200);
}

function script(behaviour: object): string {
  const name = unique('model');
  place.upstream.script(name, { tokens: ['One ', 'two'], ...behaviour });
  return `openai/${name}`;
}

function ask<Body = ProblemJson & { 'violated-policies': string[] }>(as: string, model: string) {
  return place.call<Body>('/conversations', { as, json: { message: 'Hi', model } });
}

/** A stream that says one word and then waits. */
async function openStream(as: string) {
  const model = script({ fault: { how: 'stall', afterTokens: 1 } });
  const stream = await place.stream('/conversations', { as, json: { message: 'Hi', model } });
  if (stream.status === 200) await stream.next('message.delta');
  return stream;
}

async function limitsOf(as: string): Promise<Record<string, [limit: number, used: number]>> {
  const { json } = await place.call<LimitsJson>('/limits', { as });
  return Object.fromEntries(
    json.limits.map(({ name, of, limit, used }) => [`${of} ${name}`, [limit, used]]),
  );
}

const modest = { usage: { input: 900, output: 100 } };

describe('what was set for a key', () => {
  it('counts what is done by that key alone', async () => {
    const { user, key, other } = await withLimitedKey({ tokens_per_day: 1_500 });
    const model = script(modest);
    expect((await ask(other, model)).status).toBe(200);
    expect((await ask(key, model)).status).toBe(200);
    const refused = await ask(key, model);
    expect(refused.json).toMatchObject({
      ...aProblem(429, 'quota_exceeded'),
      'violated-policies': ['key_tokens_per_day'],
    });
    expect(refused.headers['ratelimit']).toContain('"key_tokens_per_day";r=500;t=');
    expect(refused.headers['ratelimit-policy']).toContain('"key_tokens_per_day";q=1500;');
    expect((await ask(other, model)).status).toBe(200);
    const mine = await place.call<{ id: string }[]>(`/conversations?user_id=${user}`, {
      as: place.admin,
    });
    expect(mine.json).toHaveLength(3);
  });

  it('holds for what is got for the key: a session and a ticket', async () => {
    const { key } = await withLimitedKey({ requests_per_minute: 1 });
    const ticket = await place.call<{ ticket: string }>('/tickets', { as: key, json: {} });
    expect(ticket.status, ticket.text).toBe(200);
    expect((await ask(key, script(modest))).status).toBe(200);
    const begun = await place.call<{ conversation_id: string }>('/conversations', {
      ...{ as: key, json: { title: 'Empty' } },
    });
    expect(begun.status).toBe(200);
    const query = `message=Hi&model=offline&ticket=${ticket.json.ticket}`;
    const path = `/conversations/${begun.json.conversation_id}/stream?${query}`;
    const refused = await place.call<ProblemJson>(path, {
      headers: { accept: 'text/event-stream' },
    });
    expect(refused.text).toContain('key_requests_per_minute');
  });

  it('stands in for the default, and not for what was set for the user', async () => {
    const more = await withLimitedKey({ tokens_per_day: 50_000 });
    const spend = script({ usage: { input: 20_000, output: 1_000 } });
    expect((await ask(more.key, spend)).status).toBe(200);
    expect((await ask(more.key, script(modest))).status).toBe(200);
    expect((await ask(more.other, script(modest))).json.code).toBe('quota_exceeded');
    const none = await withLimitedKey({ tokens_per_day: null, streams: null });
    expect(await limitsOf(none.key)).toEqual({});
    const less = await withLimitedKey({ tokens_per_day: 50_000 }, { tokens_per_day: 5_000 });
    expect((await ask(less.other, script({ usage: { input: 4_000, output: 900 } }))).status).toBe(
      200,
    );
    const refused = await ask(less.key, script(modest));
    expect(refused.json['violated-policies']).toEqual(['tokens_per_day']);
    expect(await limitsOf(less.key)).toMatchObject({
      'user tokens_per_day': [5_000, 4_900],
      'key tokens_per_day': [50_000, 0],
    });
  });

  it('is reserved for, and limits what a turn may answer', async () => {
    const { key } = await withLimitedKey({ tokens_per_day: 2_000, turns_at_once: 1 });
    const stream = await openStream(key);
    const refused = await ask(key, script(modest));
    expect(refused.status).toBe(429);
    expect(refused.json['violated-policies']).toContain('key_turns_at_once');
    const turnId = String(stream.headers['x-turn-id']);
    await place.call(`/turns/${turnId}/cancel`, { as: key, method: 'POST' });
    const model = script(modest);
    const answered = await ask(key, model);
    expect(answered.status, answered.text).toBe(200);
    const [asked] = place.upstream.requests.filter((each) => `openai/${each.model}` === model);
    const sent = asked?.body as { max_tokens?: number; max_completion_tokens?: number };
    expect(sent.max_completion_tokens ?? sent.max_tokens).toBeLessThan(2_000);
  });

  it('counts what an admin’s key does for others as well', async () => {
    const admin = await place.key({ user: unique('admin'), scope: 'admin' });
    await set(`/keys/${idOfKey(admin)}/limits`, { requests_per_minute: 2 });
    const forUser = () =>
      place.call('/conversations', {
        ...{ as: admin, json: { message: 'Hi', model: 'offline', user_id: unique('user') } },
      });
    for (const status of [200, 200, 429]) expect((await forUser()).status).toBe(status);
  });

  it('counts what the key did before, for its user and for others, and not what others did', async () => {
    const user = unique('admin');
    const [admin, other] = [await place.key({ user, scope: 'admin' }), await place.key({ user })];
    const model = script(modest);
    const askFor = (as: string, named?: string) =>
      place.call<ProblemJson & { 'violated-policies': string[] }>('/conversations', {
        ...{ as, json: { message: 'Hi', model, user_id: named } },
      });
    const named = unique('user');
    for (const each of [undefined, named, named, unique('user')])
      expect((await askFor(admin, each)).status).toBe(200);
    for (const as of [other, place.admin]) expect((await askFor(as)).status).toBe(200);
    await set(`/keys/${idOfKey(admin)}/limits`, { tokens_per_day: 4_500, requests_per_minute: 9 });
    const used = { 'key tokens_per_day': [4_500, 4_000], 'key requests_per_minute': [9, 4] };
    expect(await limitsOf(admin)).toMatchObject(used);
    const refused = await askFor(admin, named);
    expect(refused.json['violated-policies']).toEqual(['key_tokens_per_day']);
    await set(`/keys/${idOfKey(admin)}/limits`, { tokens_per_day: 9_000, requests_per_minute: 9 });
    expect((await askFor(admin, named)).status).toBe(200);
    expect((await askFor(admin)).status).toBe(200);
    expect((await limitsOf(admin))['key tokens_per_day']).toEqual([9_000, 6_000]);
  });

  it('counts searches and documents', async () => {
    const { key, other } = await withLimitedKey({ requests_per_minute: 1 });
    const json = { text: 'The blue valve needs oil.' };
    expect((await place.call('/documents', { as: key, json })).status).toBe(200);
    const search = (as: string) => place.call('/retrieve', { as, json: { query: 'valve' } });
    expect((await search(key)).status).toBe(429);
    expect((await search(other)).status).toBe(200);
  });
});

describe('who sets the limits of a key', () => {
  const put = (id: string, as: string | undefined, json: object = { turns_at_once: 9 }) =>
    place.call<ProblemJson>(`/keys/${id}/limits`, { method: 'PUT', as, json });

  it('is an admin alone, and others learn of no key', async () => {
    const { key, user } = await withLimitedKey({ turns_at_once: 3 });
    const stranger = await place.key({ user: unique('user') });
    const tries = [await put(idOfKey(key), key), await put(idOfKey(key), stranger)];
    tries.push(await put('abcdefghijkl', stranger));
    for (const refused of tries) expect(refused.json).toMatchObject(aProblem(403, 'forbidden'));
    expect((await put(idOfKey(key), undefined)).status).toBe(401);
    expect((await put('abcdefghijkl', place.admin)).status).toBe(404);
    const named = await put(idOfKey(key), place.admin, { turns_at_once: 3 });
    expect(named.json).toMatchObject({ user_id: user });
    const other = `${idOfKey(key)}/limits?user_id=another`;
    const init = { method: 'PUT', as: place.admin, json: {} };
    expect((await place.call(`/keys/${other}`, init)).status).toBe(404);
    expect((await limitsOf(key))['key turns_at_once']).toEqual([3, 0]);
  });

  it('finds no key that was revoked', async () => {
    const { key } = await withLimitedKey({ turns_at_once: 3 });
    await place.call(`/keys/${idOfKey(key)}`, { as: place.admin, method: 'DELETE' });
    expect((await put(idOfKey(key), place.admin)).status).toBe(404);
  });

  it.each([{ streams: -1 }, { streams: 1.5 }, { tokens: 5 }])(
    'says what %j is not',
    async (json) => {
      const answer = await put('abcdefghijkl', place.admin, json);
      expect(answer.json).toMatchObject(aProblem(400, 'invalid_request'));
      expect(answer.json.errors?.[0]?.path).toBe(Object.keys(json)[0]);
    },
  );
});

describe('a ticket that a limit stood in the way of', () => {
  const ticketOf = async (as: string) =>
    (await place.call<{ ticket: string }>('/tickets', { as, json: {} })).json.ticket;
  const chat = async (as: string) =>
    (await place.call<{ id: string }>('/chats', { as, json: {} })).json.id;
  const cancel = (as: string, { headers }: Awaited<ReturnType<typeof openStream>>) =>
    place.call(`/turns/${String(headers['x-turn-id'])}/cancel`, { as, method: 'POST' });

  it.each([
    ['of the key', { turns_at_once: 1 }, { streams: 9 }],
    ['of the user', { streams: 9 }, { turns_at_once: 1 }],
  ])('starts one turn when there is room: a limit %s', async (_, ofKey, ofUser) => {
    const { key } = await withLimitedKey(ofKey, ofUser);
    const running = await openStream(key);
    const id = await chat(key);
    const query = `message=Hi&model=offline&ticket=${await ticketOf(key)}`;
    const path = `/conversations/${id}/stream?${query}`;
    for (const _ of [1, 2]) {
      const refused = await place.call(path);
      expect(refused.json).toMatchObject(aProblem(429, 'rate_limited'));
      expect(refused.headers['retry-after']).toMatch(/^\d+$/u);
    }
    await cancel(key, running);
    const begun = await place.call(path);
    expect(begun.text).toContain('turn.completed');
    const again = await place.call(path);
    expect(again.headers['x-turn-id']).toBe(begun.headers['x-turn-id']);
    const messages = await place.call(`/conversations/${id}/messages`, { as: key });
    expect(messages.json).toHaveLength(2);
  });

  it('follows its turn when there is room for a stream', async () => {
    const { key } = await withLimitedKey({ streams: 1 });
    const answered = await ask(key, script({}));
    const open = await openStream(key);
    const turnId = String(answered.headers['x-turn-id']);
    const database = openBesideServer(place.server.databaseUrl);
    await database.execute(`UPDATE turns SET ended_at = 0 WHERE id = '${turnId}'`);
    database.close();
    const path = `/turns/${turnId}/events?ticket=${await ticketOf(key)}`;
    expect((await place.call(path)).status).toBe(429);
    open.close();
    const status = async () => (await place.call(path)).status;
    await expect.poll(status, { timeout: 20_000 }).toBe(200);
  });

  it('has opened a socket, on which the turn starts when there is room', async () => {
    const { user, key } = await withLimitedKey({ turns_at_once: 1 });
    const running = await openStream(key);
    const url = `${place.server.url}/ws/${user}?ticket=${await ticketOf(key)}`;
    const socket = await openWebSocket(url);
    socket.send({ message: 'Hi', model: 'offline' });
    expect(await socket.next('error')).toMatchObject({ problem: { status: 429 } });
    await cancel(key, running);
    socket.send({ message: 'Hi', model: 'offline' });
    await socket.next('message_complete');
    socket.close();
  });
});

describe('streams at once', () => {
  it('are limited for a user by exception, and nothing is stored of one too many', async () => {
    const user = unique('user');
    const key = await place.key({ user });
    await set(`/users/${user}/limits`, { streams: 3 });
    const streams = [await openStream(key), await openStream(key), await openStream(key)];
    expect(streams.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await limitsOf(key))['user streams']).toEqual([3, 3]);
    expect((await openStream(key)).status).toBe(429);
    const list = await place.call<object[]>('/conversations', { as: key });
    expect(list.json).toHaveLength(3);
    for (const stream of streams) stream.close();
    const used = async () => (await limitsOf(key))['user streams']?.[1];
    await expect.poll(used, { timeout: 20_000 }).toBe(0);
  }, 60_000);

  it('are limited for a key, also where a turn is followed or joined', async () => {
    const { key, other } = await withLimitedKey({ streams: 1 });
    const first = await openStream(key);
    const turnId = String(first.headers['x-turn-id']);
    const follow = (as: string) => place.stream(`/turns/${turnId}/events`, { as });
    expect((await follow(key)).status).toBe(429);
    const another = await follow(other);
    expect(another.status).toBe(200);
    another.close();
    const json = { message: 'Hi', model: script({}) };
    const headers = { 'idempotency-key': unique('key') };
    const whole = await place.call('/conversations', { as: key, json, headers });
    expect(whole.status, whole.text).toBe(200);
    const joined = await place.stream('/conversations', { as: key, json, headers });
    expect(joined.status).toBe(429);
    first.close();
    const used = async () => (await limitsOf(key))['key streams']?.[1];
    await expect.poll(used, { timeout: 20_000 }).toBe(0);
    expect((await follow(key)).status).toBe(200);
  }, 60_000);
});
