/**
 * How requests may look, and how they may not: bodies, charsets, unknown names, methods,
 * prefetching.
 */
import { describe, expect, it } from 'vitest';
import { asArray, asRecord, asText } from '../support/json.ts';
import { aProblem } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';
import { conversation, scripted, storedMessages } from './turns.ts';

const target = suiteTarget();
const JSON_TYPE = { 'content-type': 'application/json' };

interface Fixture {
  user_id: string;
  id: string;
  messageId: string;
}

async function fixture(): Promise<Fixture> {
  const user_id = unique('user');
  const id = await conversation(target, { user_id, message: 'first', model: 'offline' });
  const [question] = await storedMessages(target, id);
  return { user_id, id, messageId: question?.id ?? '' };
}

describe('a GET that starts a turn', () => {
  const paths = ['/conversations', '/chat/conversations'];
  const prefetches = ['prefetch', 'prefetch;prerender', 'PREFETCH', 'prefetch;anonymous-client-ip'];

  it.each(paths)('is refused to a browser that prefetches: %s', async (path) => {
    const { id } = await fixture();
    const { model, name } = await scripted(target, {});
    for (const purpose of prefetches) {
      const answer = await target.call(`${path}/${id}/stream?message=Hi&model=${model}`, {
        headers: { 'sec-purpose': purpose },
      });
      expect(answer.json, purpose).toMatchObject(aProblem(403, 'forbidden_prefetch'));
    }
    expect(await storedMessages(target, id)).toHaveLength(2);
    expect(await target.upstream.requests(name)).toEqual([]);
  });

  it.each(paths)('is answered where Sec-Purpose says nothing of it: %s', async (path) => {
    const { id } = await fixture();
    for (const purpose of ['', 'search', 'prefetching-not']) {
      const query = `message=${unique('text')}&model=offline`;
      const answer = await target.call(`${path}/${id}/stream?${query}`, {
        headers: { 'sec-purpose': purpose },
      });
      expect(answer.status, purpose).toBe(200);
    }
    expect(await storedMessages(target, id)).toHaveLength(8);
  });

  it('a socket and a GET that starts a turn are refused; one that only reads is not', async () => {
    const { id } = await fixture();
    const headers = { 'sec-purpose': 'prefetch' };
    const socket = target.socket(`/ws/${unique('user')}`, { headers });
    await expect(socket).rejects.toThrow('unexpected status 403');
    for (const path of [`/conversations/${id}`, '/health', `/conversations/${id}/messages`])
      expect((await target.call(path, { headers })).status, path).toBe(200);
  });
});

describe('a body that is not UTF-8', () => {
  const bodies: [string, Buffer][] = [
    ['Latin-1', Buffer.from('{"message":"caf\xe9"}', 'latin1')],
    ['a lone continuation byte', Buffer.from('{"message":"a\x80b"}', 'latin1')],
    ['a character cut short', Buffer.from('{"message":"a\xe2\x82"}', 'latin1')],
    ['an overlong slash', Buffer.from('{"message":"\xc0\xaf"}', 'latin1')],
    ['half of a surrogate pair', Buffer.from('{"message":"\xed\xa0\x80"}', 'latin1')],
    ['UTF-16', Buffer.from('\uFEFF{"message":"Hi"}', 'utf16le')],
  ];

  it.each(bodies)('is refused, and stores nothing: %s', async (_, rawBody) => {
    const { id, messageId } = await fixture();
    const paths = [
      `/conversations/${id}/messages`,
      `/chat/conversations/${id}/messages`,
      `/messages/${messageId}/edit`,
    ];
    for (const path of paths) {
      const answer = await target.call(path, { method: 'POST', rawBody, headers: JSON_TYPE });
      expect(answer.json, path).toMatchObject(aProblem(400, 'invalid_request'));
    }
    expect(await storedMessages(target, id)).toHaveLength(2);
  });

  it('is no body of many scripts that is', async () => {
    const { id } = await fixture();
    const message = 'é 漢字 👩‍👩‍👧‍👦 \u2028 \uFFFD';
    const rawBody = Buffer.from(JSON.stringify({ message, model: 'offline' }));
    const path = `/conversations/${id}/messages`;
    expect((await target.call(path, { rawBody, headers: JSON_TYPE })).status).toBe(200);
    expect((await storedMessages(target, id))[2]?.content).toBe(message);
  });
});

describe('the charset of a body', () => {
  const post = async (type: string) => {
    const { id } = await fixture();
    return target.call(`/conversations/${id}/messages`, {
      rawBody: JSON.stringify({ message: 'Hi', model: 'offline' }),
      headers: { 'content-type': type },
    });
  };

  it.each([
    'application/json; charset=iso-8859-1',
    'application/json;charset=utf-16',
    'application/json; charset="windows-1252"',
    'application/json; charset=us-ascii',
    'application/problem+json; charset=latin1',
    'application/json; CHARSET=UTF-7',
  ])('a body in another charset is refused: %s', async (type) => {
    expect((await post(type)).json).toMatchObject(aProblem(415, 'unsupported_media_type'));
  });

  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'application/json; charset="utf-8"',
    'application/json ; charset=utf8',
    'application/vnd.api+json; charset=utf-8',
  ])('a body in UTF-8 is taken: %s', async (type) => {
    expect((await post(type)).status).toBe(200);
  });
});

describe('the longest message', () => {
  const LONGEST = 200_000;
  /** JSON in which every unit is escaped: six bytes each. */
  const escaped = (text: string) => {
    const units = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));
    return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
  };
  const bodyOf = (text: string) => `{"message":"${escaped(text)}","model":"offline"}`;

  it.each([
    ['letters', 'x'.repeat(LONGEST)],
    ['pairs of surrogates', '😀'.repeat(LONGEST / 2)],
    ['ideographs', '漢'.repeat(LONGEST)],
  ])('fits in a body however its JSON is escaped: %s', async (_, message) => {
    const { id, messageId } = await fixture();
    for (const path of [`/conversations/${id}/messages`, `/messages/${messageId}/edit`]) {
      const rawBody = bodyOf(message);
      const answer = await target.call(path, { rawBody, headers: JSON_TYPE });
      expect(answer.status, answer.text.slice(0, 300)).toBe(200);
      const stored = await storedMessages(target, id);
      expect(stored.at(-2)?.content === message).toBe(true);
    }
  });

  it('is refused by its length when it is one longer, by its size when it is far longer', async () => {
    const { id } = await fixture();
    const path = `/conversations/${id}/messages`;
    const post = (length: number) =>
      target.call(path, { rawBody: bodyOf('x'.repeat(length)), headers: JSON_TYPE });
    expect((await post(LONGEST + 1)).json).toMatchObject(aProblem(400, 'invalid_request'));
    expect((await post(2 * LONGEST)).json).toMatchObject(aProblem(413, 'payload_too_large'));
    expect(await storedMessages(target, id)).toHaveLength(2);
  });
});

interface Operation {
  method: string;
  path: string;
  /** The names that its body may have; empty where it takes none. */
  fields: string[];
  query: string[];
}

/** Every operation that the API describes. */
async function operations(): Promise<Operation[]> {
  const { json } = await target.call('/openapi.json');
  return Object.entries(asRecord(asRecord(json)['paths'])).flatMap(([path, methods]) =>
    Object.entries(asRecord(methods)).map(([method, operation]) => {
      const { requestBody, parameters } = asRecord(operation);
      const content = asRecord(asRecord(requestBody)['content']);
      const schema = asRecord(asRecord(content['application/json'])['schema']);
      const names = asArray(parameters).map(asRecord);
      return {
        method: method.toUpperCase(),
        path,
        fields: Object.keys(asRecord(schema['properties'])),
        query: names.filter((one) => one['in'] === 'query').map((one) => asText(one['name'])),
      };
    }),
  );
}

/** An address of an operation, with ids that are there. */
function addressOf({ path }: Operation, { id, messageId }: Fixture): string {
  const known = path.startsWith('/messages/') ? messageId : id;
  return path.replaceAll(/\{user_id\}/gu, unique('user')).replaceAll(/\{\w+\}/gu, known);
}

/** A name with one letter left out: near to the one it was made of. */
const misspelled = (name: string) => name.slice(0, 2) + name.slice(3);

/** True for the APIs of other people's clients, whose errors have a form of their own. */
const hasOwnErrors = ({ path }: Operation) => /^\/(api\/|v1\/|mcp$)/u.test(path);

/** Addresses that are not of ours to validate: pages and the description itself. */
const isPage = ({ path }: Operation) => ['/', '/docs', '/redoc', '/openapi.json'].includes(path);

describe('an unknown name', () => {
  it('an unknown name in a body is refused at every route, with the nearest known one', async () => {
    const taking = (await operations()).filter(({ fields }) => fields.length > 0);
    expect(taking.length).toBeGreaterThan(12);
    const found = await fixture();
    for (const operation of taking) {
      const { method, fields } = operation;
      const [known = ''] = fields.filter((name) => name.length > 4).slice(-1);
      const path = addressOf(operation, found);
      const wrong = misspelled(known);
      const answer = await target.call(path, { method, json: { [wrong]: 'x' } });
      const name = `${method} ${operation.path} ${wrong}`;
      expect(answer.json, name).toMatchObject(aProblem(400, 'invalid_request'));
      const message: unknown = expect.stringContaining(`did you mean ${known}?`);
      const told: unknown = expect.arrayContaining([{ path: wrong, message }]);
      expect(answer.json, name).toMatchObject({ errors: told });
    }
  });

  it('an unknown name in a query is refused at every route, with the nearest known one', async () => {
    const all = (await operations()).filter((operation) => !isPage(operation));
    expect(all.length).toBeGreaterThan(25);
    const found = await fixture();
    for (const operation of all) {
      const { method, query } = operation;
      const known = query.at(-1) ?? 'user_id';
      const wrong = misspelled(known);
      const path = `${addressOf(operation, found)}?${wrong}=x`;
      const json = operation.fields.length > 0 ? { json: {} } : {};
      const answer = await target.call(path, { method, ...json });
      const name = `${method} ${operation.path} ${wrong}`;
      if (hasOwnErrors(operation)) expect(answer.status, name).toBe(400);
      else expect(answer.json, name).toMatchObject(aProblem(400, 'invalid_request'));
      expect(answer.text, name).toContain(`did you mean ${known}?`);
    }
  });

  it.each([
    [{ modle: 'offline' }, 'modle: unknown; did you mean model?'],
    [{ stop: true }, 'stop: Invalid input: expected string or expected array'],
    [{ stop: ['a', 1] }, 'stop.1: Invalid input: expected string, received number'],
    [{ tools: [{}] }, 'tools.0.name: is required; tools.0.input_schema: is required'],
    [{ tool_choice: { nmae: 'x' } }, 'tool_choice.nmae: unknown; did you mean name?'],
    [{ message: undefined }, 'message: message (or content) is required'],
  ])('or a wrong value is told as a person would: %j', async (fields, detail) => {
    const { id } = await fixture();
    const json = { message: 'Hi', ...fields };
    const answer = await target.call(`/conversations/${id}/messages`, { json });
    expect(answer).toMatchObject({ status: 400, json: { detail } });
  });

  it('like no other is named alone', async () => {
    const { id } = await fixture();
    const path = `/conversations/${id}/messages`;
    const inBody = await target.call(path, { json: { message: 'Hi', xyzzyxyzzy: 1 } });
    expect(inBody.json).toMatchObject({ errors: [{ path: 'xyzzyxyzzy', message: 'unknown' }] });
    const inQuery = await target.call(`${path}?xyzzyxyzzy=1`);
    expect(inQuery.json).toMatchObject({ errors: [{ path: 'xyzzyxyzzy', message: 'unknown' }] });
    expect(await storedMessages(target, id)).toHaveLength(2);
  });
});

describe('the wrong method', () => {
  it('is refused at every address, with those that are allowed', async () => {
    const known = await fixture();
    const byPath = Map.groupBy(await operations(), ({ path }) => path);
    for (const [path, found] of byPath) {
      const allowed = found.map(({ method }) => method);
      const wrong = ['PUT', 'PATCH', 'DELETE', 'POST', 'GET'].find((one) => !allowed.includes(one));
      const [first] = found;
      if (!first || wrong === undefined) continue;
      const answer = await target.call(addressOf(first, known), { method: wrong });
      const name = `${wrong} ${path}`;
      if (hasOwnErrors(first)) expect(answer.status, name).toBe(405);
      else expect(answer.json, name).toMatchObject(aProblem(405, 'method_not_allowed'));
      const told = String(answer.headers.allow).split(', ');
      expect(told, path).toEqual(expect.arrayContaining(allowed));
      expect(told, path).not.toContain(wrong);
    }
  });

  it('any method at no address is a 404', async () => {
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'])
      expect((await target.call('/nowhere', { method })).status).toBe(404);
  });
});

describe('what is answered as JSON', () => {
  it('is kept by no cache: answers, lists, problems', async () => {
    const { user_id, id, messageId } = await fixture();
    const calls: [string, Parameters<typeof target.call>[1]?][] = [
      [`/conversations?user_id=${user_id}`],
      [`/conversations/${id}`],
      [`/chats/${id}/messages`],
      ['/models'],
      ['/conversations/none'],
      ['/conversations', { json: { user_id, message: 'Hi', model: 'offline' } }],
      [`/conversations/${id}/fork`, { json: { message_id: messageId } }],
      ['/conversations', { json: {} }],
      ['/nowhere'],
      ['/conversations', { method: 'PUT' }],
    ];
    for (const [path, init] of calls) {
      const { headers, status } = await target.call(path, init);
      expect(headers['content-type'], path).toMatch(/json/u);
      expect(headers['cache-control'], `${path} ${status}`).toBe('no-store');
    }
  });
});
