/**
 * Tickets: an EventSource and a browser's WebSocket can send no header, and EventSource repeats its
 * address when it reconnects.
 */
import { get } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser } from 'playwright-core';
import { chromiumPath, startChromium } from '../support/chromium.ts';
import { startCuttingProxy } from '../support/cutting-proxy.ts';
import { eventSourceLike } from '../support/event-source.ts';
import { idOfKey, runKeys } from '../support/keys.ts';
import { HANDSHAKE, openWebSocket } from '../support/websocket.ts';
import { openBesideServer } from '../support/whole-database.ts';
import { signToken, startIdentityServer, type IdentityServer } from './identity.ts';
import { aProblem } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';

const { runtime } = suiteTarget();
let server: IdentityServer;
beforeAll(async () => {
  server = await startIdentityServer(runtime);
}, 150_000);
afterAll(() => server.close());

const unauthenticated = aProblem(401, 'unauthenticated');

interface Place {
  user: string;
  key: string;
  id: string;
}

async function newPlace(): Promise<Place> {
  const user = unique('user');
  const key = await server.key({ user });
  return newChat({ user, key });
}

/** Another conversation of the same user. */
async function newChat({ user, key }: Omit<Place, 'id'>): Promise<Place> {
  const made = await server.call<{ id: string }>('/chats', { as: key, json: {} });
  return { user, key, id: made.json.id };
}

async function ticketOf(as: string): Promise<string> {
  const made = await server.call<{ ticket: string; expires_at: string }>('/tickets', {
    as,
    json: {},
  });
  expect(made.status, made.text).toBe(200);
  const left = Date.parse(made.json.expires_at) - Date.now();
  expect(left).toBeLessThanOrEqual(61_000);
  return made.json.ticket;
}

/** Changes a row of the database by its id. */
async function change(sql: string, id: string): Promise<void> {
  const database = openBesideServer(server.server.databaseUrl);
  await database.execute({ sql, args: [id] }).finally(() => database.close());
}

/** Lets the minute of a ticket pass. */
function expire(ticket: string): Promise<void> {
  const sql = 'UPDATE credentials SET expires_at = unixepoch() * 1000 - 1 WHERE id = ?';
  return change(sql, idOfKey(ticket));
}

/** Scripts a model whose answer takes a while. */
function slowModel(): string {
  const name = unique('model');
  const tokens = Array.from({ length: 30 }, (_, number) => `word${number} `);
  server.upstream.script(name, { tokens, delayMs: { between: 60 } });
  return `openai/${name}`;
}

const streamPath = ({ id }: Place, ticket: string, more = '') =>
  `/conversations/${id}/stream?message=Hello&ticket=${ticket}${more}`;

async function messagesOf({ id, key }: Place): Promise<{ content: string }[]> {
  return (await server.call<{ content: string }[]>(`/conversations/${id}/messages`, { as: key }))
    .json;
}

/** A place where a turn runs, and the address of one that waits for it, or steers it. */
async function waiting(onBusy = 'queue') {
  const place = await newPlace();
  const json = { message: 'Before', model: slowModel() };
  const says = `/conversations/${place.id}/messages`;
  const running = await server.stream(says, { as: place.key, json });
  await running.next('message.delta');
  const ticket = await ticketOf(place.key);
  const path = streamPath(place, ticket, `&on_busy=${onBusy}&model=offline`);
  return { place, ticket, path };
}

describe('a ticket', () => {
  it('starts one turn, and reads it again as often as the stream is cut', async () => {
    const place = await newPlace();
    const ticket = await ticketOf(place.key);
    const url = server.server.url + streamPath(place, ticket, `&model=${slowModel()}`);
    const source = eventSourceLike(url);
    // Before any id, and twice in the middle of the text.
    await expect.poll(() => source.connections.at(-1)?.status).toBe(200);
    source.cut();
    for (const _ of [1, 2]) {
      await source.next('message.delta');
      source.cut();
    }
    expect(await source.done).toBe('http-status');
    expect(source.connections.at(-1)?.status).toBe(204);
    const messages = await messagesOf(place);
    expect(messages).toHaveLength(2);
    expect(messages[1]?.content).toContain('word29');
  });

  it('starts no second turn', async () => {
    const place = await newPlace();
    const ticket = await ticketOf(place.key);
    const first = await server.stream(streamPath(place, ticket, '&model=offline'));
    await first.collect();
    // The same again is what a browser sends that was cut off before it knew an id.
    const again = await server.stream(streamPath(place, ticket, '&model=offline'));
    expect((await again.collect()).events.map(({ type }) => type)).toContain('turn.completed');
    const another = `/conversations/${place.id}/stream?message=Another&ticket=${ticket}`;
    expect((await server.call(another)).json).toMatchObject(unauthenticated);
    expect(await messagesOf(place)).toHaveLength(2);
    const other = await newChat(place);
    expect((await server.call(streamPath(other, ticket))).json).toMatchObject(unauthenticated);
    expect(await messagesOf(other)).toEqual([]);
  });

  it('follows the turn that it was first used for, and no other', async () => {
    const place = await newPlace();
    const says = { as: place.key, json: { message: 'Hi', model: 'offline' } };
    const path = `/conversations/${place.id}/messages`;
    const turns = [await server.call(path, says), await server.call(path, says)].map((answer) =>
      String(answer.headers['x-turn-id']),
    );
    const ticket = await ticketOf(place.key);
    for (const _ of [1, 2]) {
      const stream = await server.stream(`/turns/${turns[0]}/events?ticket=${ticket}`);
      expect(stream.status).toBe(200);
      await stream.collect();
    }
    const other = await server.call(`/turns/${turns[1]}/events?ticket=${ticket}`);
    expect(other.json).toMatchObject(unauthenticated);
    expect((await server.call(streamPath(place, ticket))).json).toMatchObject(unauthenticated);
  });

  it('is used within a minute, and reads its turn until a minute after the end', async () => {
    const place = await newPlace();
    const late = await ticketOf(place.key);
    await expire(late);
    expect((await server.call(streamPath(place, late))).json).toMatchObject(unauthenticated);
    const ticket = await ticketOf(place.key);
    const stream = await server.stream(streamPath(place, ticket, '&model=offline'));
    await stream.collect();
    await expire(ticket);
    const turnId = String(stream.headers['x-turn-id']);
    const read = `/turns/${turnId}/events?ticket=${ticket}`;
    expect((await server.call(read)).status).toBe(200);
    await change('UPDATE turns SET ended_at = ended_at - 61000 WHERE id = ?', turnId);
    expect((await server.call(read)).json).toMatchObject(unauthenticated);
    expect(await messagesOf(place)).toHaveLength(2);
  });

  it('reads a turn again within that minute though it has ended long before', async () => {
    const place = await newPlace();
    const says = { as: place.key, json: { message: 'Hi', model: 'offline' } };
    const made = await server.call(`/conversations/${place.id}/messages`, says);
    const turnId = String(made.headers['x-turn-id']);
    await change('UPDATE turns SET ended_at = ended_at - 3600000 WHERE id = ?', turnId);
    const read = `/turns/${turnId}/events?ticket=${await ticketOf(place.key)}`;
    for (const _ of [1, 2]) expect((await server.call(read)).status).toBe(200);
  });

  it('starts nothing in place of a turn that was deleted', async () => {
    const place = await newPlace();
    const ticket = await ticketOf(place.key);
    expect((await server.call(streamPath(place, ticket, '&model=offline'))).status).toBe(200);
    await server.call(`/conversations/${place.id}`, { as: place.key, method: 'DELETE' });
    const other = await newChat(place);
    expect((await server.call(streamPath(other, ticket))).json).toMatchObject(unauthenticated);
    expect(await messagesOf(other)).toEqual([]);
  });

  it('opens nothing but streams and sockets', async () => {
    const place = await newPlace();
    const ticket = await ticketOf(place.key);
    const calls: [string, string][] = [
      ['GET', `/conversations?ticket=${ticket}`],
      ['GET', `/conversations/${place.id}?ticket=${ticket}`],
      ['POST', `/conversations/${place.id}/messages?ticket=${ticket}`],
      ['DELETE', `/conversations/${place.id}?ticket=${ticket}`],
      ['POST', `/tickets?ticket=${ticket}`],
      ['HEAD', `/conversations/${place.id}/stream?ticket=${ticket}`],
    ];
    for (const [method, path] of calls)
      expect((await server.call(path, { method })).status, `${method} ${path}`).toBe(401);
    expect((await server.call('/models', { as: ticket })).json).toMatchObject(unauthenticated);
    const asTicket = `/conversations/${place.id}/stream?message=Hi&ticket=${place.key}`;
    expect((await server.call(asTicket)).json).toMatchObject(unauthenticated);
  });

  it('reads nothing of another user', async () => {
    const place = await newPlace();
    const other = await newPlace();
    const ticket = await ticketOf(other.key);
    const answer = await server.call(streamPath(place, ticket));
    expect(answer.json).toMatchObject(aProblem(404, 'not_found'));
    expect(await messagesOf(place)).toEqual([]);
  });

  it('ends with the key that it was got for', async () => {
    const place = await newPlace();
    const ticket = await ticketOf(place.key);
    await runKeys(server.server.databaseUrl, ['revoke', idOfKey(place.key)]);
    expect((await server.call(streamPath(place, ticket))).json).toMatchObject(unauthenticated);
  });

  it('is given for a token, too', async () => {
    const user = unique('user');
    const as = signToken({ sub: user });
    const made = await server.call<{ id: string }>('/chats', { as, json: {} });
    const place = { user, key: as, id: made.json.id };
    const stream = await server.stream(streamPath(place, await ticketOf(as), '&model=offline'));
    expect((await stream.collect()).events.map(({ type }) => type)).toContain('turn.completed');
  });

  it('joins the running turn of the same text, and reads that again', async () => {
    const place = await newPlace();
    const model = `&model=${slowModel()}`;
    const first = await server.stream(streamPath(place, await ticketOf(place.key), model));
    const ticket = await ticketOf(place.key);
    const joined = await server.stream(streamPath(place, ticket, model));
    expect(joined.headers['x-turn-id']).toBe(first.headers['x-turn-id']);
    const path = `/turns/${String(first.headers['x-turn-id'])}/events?ticket=${ticket}`;
    expect((await server.stream(path)).status).toBe(200);
    await first.collect();
    expect(await messagesOf(place)).toHaveLength(2);
  });
});

describe('a ticket whose use was refused', () => {
  const says = (place: Place, json: object) =>
    server.stream(`/conversations/${place.id}/messages`, { as: place.key, json });
  const begins = async (place: Place, ticket: string) => {
    for (const _ of ['begins', 'is read again'])
      expect((await server.call(streamPath(place, ticket, '&model=offline'))).text).toContain(
        'turn.completed',
      );
    return messagesOf(place);
  };

  it('starts its turn when the conversation is free', async () => {
    const place = await newPlace();
    const ticket = await ticketOf(place.key);
    const running = await says(place, { message: 'Before', model: slowModel() });
    await running.next('message.delta');
    const refused = await server.call(streamPath(place, ticket));
    expect(refused.json).toMatchObject(aProblem(409, 'turn_in_progress'));
    await running.collect();
    expect(await begins(place, ticket)).toHaveLength(4);
  });

  it('starts its turn when it is asked for as it must be', async () => {
    const place = await newPlace();
    const ticket = await ticketOf(place.key);
    const other = await newPlace();
    const key = unique('key');
    const used = { as: place.key, json: { message: 'Hi', model: 'offline' } };
    const headers = { 'idempotency-key': key };
    await server.call(`/conversations/${place.id}/messages`, { ...used, headers });
    const refusals: [path: string, status: number, code: string][] = [
      [streamPath(other, ticket), 404, 'not_found'],
      [streamPath(place, ticket, '&model=nowhere/none'), 400, 'unknown_model'],
      [streamPath(place, ticket, `&idempotency_key=${key}`), 409, 'idempotency_key_reused'],
      [`/turns/${place.id}/events?ticket=${ticket}`, 404, 'not_found'],
      [`/ws/${place.user}?ticket=${ticket}`, 400, 'invalid_request'],
    ];
    for (const [path, status, code] of refusals)
      expect((await server.call(path)).json).toMatchObject(aProblem(status, code));
    expect(await begins(place, ticket)).toHaveLength(4);
    expect(await messagesOf(other)).toEqual([]);
  });

  it('starts nothing once a minute has passed', async () => {
    const place = await newPlace();
    const ticket = await ticketOf(place.key);
    const other = await newPlace();
    expect((await server.call(streamPath(other, ticket))).status).toBe(404);
    await expire(ticket);
    expect((await server.call(streamPath(place, ticket))).json).toMatchObject(unauthenticated);
    expect(await messagesOf(place)).toEqual([]);
  });
});

describe('a ticket that is used more than once at a time', () => {
  it('starts one turn, which all uses read', async () => {
    const place = await newPlace();
    for (const round of [1, 2, 3, 4, 5]) {
      const path = streamPath(place, await ticketOf(place.key), '&model=offline');
      const told = await Promise.all([path, path, path].map((each) => server.call(each)));
      const turns = new Set(told.map(({ headers }) => headers['x-turn-id']));
      expect([told.map(({ status }) => status), turns.size]).toEqual([[200, 200, 200], 1]);
      expect(await messagesOf(place)).toHaveLength(2 * round);
    }
  });

  it('opens one turn in all, whether it starts or joins it', async () => {
    const place = await newPlace();
    for (const isJoined of [false, false, false, true, true, true]) {
      const [one, two] = [await newChat(place), await newChat(place)];
      const running = isJoined
        ? await server.stream(streamPath(one, await ticketOf(place.key), `&model=${slowModel()}`))
        : undefined;
      await running?.next('message.delta');
      const ticket = await ticketOf(place.key);
      const told = await Promise.all(
        [one, two].map((each) => server.call(streamPath(each, ticket, '&model=offline'))),
      );
      const statuses = told.map(({ status }) => status);
      expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 401]);
      const said = [...(await messagesOf(one)), ...(await messagesOf(two))];
      expect(said).toHaveLength(isJoined && statuses[1] === 200 ? 4 : 2);
    }
  });
});

describe('a ticket for a turn that has to wait', () => {
  const typesOf = async (stream: Awaited<ReturnType<typeof server.stream>>) =>
    (await stream.collect()).events.map(({ type }) => type);

  it('starts it, however long that takes', async () => {
    const { place, ticket, path } = await waiting();
    const stream = await server.stream(path);
    expect(stream.status).toBe(200);
    await expire(ticket);
    expect(await typesOf(stream)).toContain('turn.completed');
    expect(await messagesOf(place)).toHaveLength(4);
  });

  it('starts it once, though the stream is cut and comes again before', async () => {
    const { place, path } = await waiting();
    const first = await server.stream(path);
    const [second, third] = [await server.stream(path), await server.stream(path)];
    first.close();
    for (const stream of [second, third])
      expect([stream.status, await typesOf(stream)]).toMatchObject([
        200,
        expect.arrayContaining(['turn.completed']),
      ]);
    expect(await messagesOf(place)).toHaveLength(4);
  });
});

describe('a ticket for a message that steers', () => {
  it('is bound with it, and then reads the turn that answers it', async () => {
    const { place, ticket, path } = await waiting('steer');
    const stream = await server.stream(path);
    const other = await newChat(place);
    expect((await server.call(streamPath(other, ticket))).json).toMatchObject(unauthenticated);
    const { events } = await stream.collect();
    const { turn_id } = JSON.parse(
      events.find(({ type }) => type === 'turn.started')?.data ?? '{}',
    );
    expect((await server.call(`/turns/${turn_id}/events?ticket=${ticket}`)).status).toBe(200);
    expect(await messagesOf(place)).toHaveLength(4);
    expect(await messagesOf(other)).toEqual([]);
  });

  it('comes back to it, though the stream is cut before it has an id', async () => {
    const { place, path } = await waiting('steer');
    (await server.stream(path)).close();
    const { events } = await (await server.stream(path)).collect();
    expect(events.map(({ type }) => type)).toContain('turn.completed');
    const later = await server.call(path);
    expect(later.text).toContain('turn.completed');
    expect(await messagesOf(place)).toHaveLength(4);
  });
});

it('a ticket reads its turn again after the process has died', async () => {
  const other = await startIdentityServer(runtime, { TURN_LEASE_MS: '1000' });
  try {
    const user = unique('user');
    const as = await other.key({ user });
    const made = await other.call<{ id: string }>('/chats', { as, json: {} });
    const { json } = await other.call<{ ticket: string }>('/tickets', { as, json: {} });
    const name = unique('model');
    other.upstream.script(name, {
      tokens: ['one ', 'two'],
      fault: { how: 'stall', afterTokens: 1 },
    });
    const path = streamPath({ user, key: as, id: made.json.id }, json.ticket);
    const stream = await other.stream(`${path}&model=openai/${name}`);
    await stream.next('message.delta');
    await other.server.kill();
    await other.server.restart();
    for (const _ of [1, 2]) {
      const again = await other.call(`${path}&model=openai/${name}`);
      expect(again.text).toContain('turn_lost');
      expect(again.headers['x-turn-id']).toBe(stream.headers['x-turn-id']);
    }
  } finally {
    await other.close();
  }
}, 150_000);

describe('a ticket for a socket', () => {
  it('opens one socket, on which the key counts', async () => {
    const place = await newPlace();
    const ticket = await ticketOf(place.key);
    const url = `${server.server.url}/ws/${place.user}?ticket=${ticket}`;
    const socket = await openWebSocket(url);
    expect(await socket.next('connection')).toMatchObject({ user_id: place.user });
    socket.send({ message: 'Hello', model: 'offline' });
    await socket.next('message_complete');
    await expect(openWebSocket(url)).rejects.toThrow(/401/u);
    await runKeys(server.server.databaseUrl, ['revoke', idOfKey(place.key)]);
    socket.send({ message: 'Again', model: 'offline' });
    expect(await socket.next('error')).toMatchObject({ problem: { code: 'unauthenticated' } });
    socket.close();
    const key = await server.key({ user: place.user });
    expect((await server.call('/conversations', { as: key })).json).toHaveLength(2);
  });

  it('opens a socket of responses just so', async () => {
    const place = await newPlace();
    const url = `${server.server.url}/v1/responses?ticket=${await ticketOf(place.key)}`;
    const socket = await openWebSocket(url);
    const frame = { type: 'response.create', model: 'offline', input: 'Hello' };
    socket.send(frame);
    await socket.next('response.completed');
    await expect(openWebSocket(url)).rejects.toThrow(/401/u);
    await expect(openWebSocket(`${server.server.url}/v1/responses`)).rejects.toThrow(/401/u);
    await runKeys(server.server.databaseUrl, ['revoke', idOfKey(place.key)]);
    socket.send(frame);
    const error = await socket.next('error');
    expect(error).toMatchObject({ status: 401, error: { code: 'unauthenticated' } });
    socket.close();
  });

  it('opens none of another user, and none for a page of another origin', async () => {
    const place = await newPlace();
    const ticket = await ticketOf(place.key);
    const other = `${server.server.url}/ws/another?ticket=${ticket}`;
    await expect(openWebSocket(other)).rejects.toThrow(/404/u);
    const url = `${server.server.url}/ws/${place.user}?ticket=${ticket}`;
    const headers = { origin: 'https://evil.example' };
    await expect(openWebSocket(url, { headers })).rejects.toThrow(/403/u);
    await expect(openWebSocket(`${server.server.url}/ws/${place.user}`)).rejects.toThrow(/401/u);
    const socket = await openWebSocket(url, { headers: { origin: server.server.url } });
    await socket.next('connection');
    socket.close();
  });
});

describe('a ticket whose socket could not be opened', () => {
  const sound = HANDSHAKE;
  const without = (name: keyof typeof sound) =>
    Object.fromEntries(Object.entries(sound).filter(([other]) => other !== name));
  const offering = (protocol: string) => ({ ...sound, 'sec-websocket-protocol': protocol });

  /** Returns the status of the answer to a handshake. */
  const statusOf = (path: string, headers: Record<string, string>) =>
    new Promise<number | undefined>((resolve, reject) => {
      const asked = get(server.server.url + path, { headers }).on('error', reject);
      asked.on('response', (answer) => resolve(answer.resume().statusCode));
      asked.on('upgrade', (answer, socket) => {
        socket.destroy();
        resolve(answer.statusCode);
      });
    });

  const noConnection: [string, Record<string, string>] = ['no Connection', without('connection')];
  const refused: [string, Record<string, string>][] = [
    ['no key', without('sec-websocket-key')],
    ['a key of another length', { ...sound, 'sec-websocket-key': 'c2hvcnQ=' }],
    ['no version', without('sec-websocket-version')],
    ['another version', { ...sound, 'sec-websocket-version': '12' }],
    ['an empty subprotocol', offering('one,,two')],
    ['a subprotocol twice', offering('one, one')],
    ['a subprotocol that is no token', offering('one two')],
    ['a very long subprotocol', offering('a'.repeat(300))],
    // Workerd takes that for a handshake.
    ...(runtime === 'node' ? [noConnection] : []),
  ];

  it.each(refused)('because of %s opens one still', async (_, headers) => {
    const place = await newPlace();
    const ticket = await ticketOf(place.key);
    for (const path of [`/ws/${place.user}`, '/v1/responses'])
      expect(await statusOf(`${path}?ticket=${ticket}`, headers)).toBe(400);
    expect(await statusOf(`/ws/${place.user}?ticket=${ticket}`, sound)).toBe(101);
    expect(await statusOf(`/ws/${place.user}?ticket=${ticket}`, sound)).toBe(401);
  });

  it('is told of the version that is spoken', async () => {
    const place = await newPlace();
    const headers = { ...sound, 'sec-websocket-version': '12' };
    const answer = await server.call(`/ws/${place.user}?ticket=${await ticketOf(place.key)}`, {
      headers,
    });
    expect(answer.headers['sec-websocket-version']).toBe('13');
  });
});

interface Seen {
  text: string;
  types: string[];
  readyState: number;
}

describe.skipIf(chromiumPath === undefined)('in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startChromium();
  });
  afterAll(() => browser.close());

  it('EventSource goes on with its ticket after each cut, and starts one turn', async () => {
    const place = await newPlace();
    const proxy = await startCuttingProxy(new URL(server.server.url));
    const page = await browser.newPage();
    await page.goto(`${proxy.url}/health`);
    const path = streamPath(place, await ticketOf(place.key), `&model=${slowModel()}`);
    await page.evaluate(listen, path);
    const seen = () => page.evaluate<Seen>('window.seen()');
    for (const word of ['word1 ', 'word9 ']) {
      await expect.poll(async () => (await seen()).text, { timeout: 30_000 }).toContain(word);
      proxy.cut();
    }
    await expect.poll(async () => (await seen()).readyState, { timeout: 60_000 }).toBe(2);
    const { text, types } = await seen();
    const messages = await messagesOf(place);
    expect(messages).toHaveLength(2);
    expect(text).toBe(messages[1]?.content);
    expect(types.filter((type) => type === 'turn.completed')).toHaveLength(1);
    await page.close();
    proxy.close();
  });
});

/** Runs in the page: keeps what an EventSource gives. */
function listen(path: string): void {
  const types: string[] = [];
  let text = '';
  const source = new EventSource(path);
  for (const type of ['turn.started', 'message.delta', 'turn.completed', 'turn.failed', 'done'])
    source.addEventListener(type, (event: MessageEvent<string>) => {
      types.push(type);
      if (type === 'message.delta') text += (JSON.parse(event.data) as { text: string }).text;
    });
  Object.assign(window, { seen: () => ({ text, types, readyState: source.readyState }) });
}
