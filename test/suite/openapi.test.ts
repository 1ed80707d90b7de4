/** The description of the API is valid OpenAPI 3.1, and every route keeps to it. */
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { RequestInit } from '../support/http.ts';
import { asRecord } from '../support/json.ts';
import { readDescription, type Description } from '../support/openapi.ts';
import { suiteTarget, unique } from './target.ts';

const target = suiteTarget();

let text: string;
let description: Description;
beforeAll(async () => {
  const answer = await target.call('/openapi.json');
  expect(answer.status).toBe(200);
  expect(answer.headers['content-type']).toMatch(/^application\/json/u);
  ({ text } = answer);
  description = readDescription(answer.json);
});

it('is valid OpenAPI 3.1, and the linter recommends nothing', async () => {
  expect(JSON.parse(text)).toMatchObject({ openapi: '3.1.0', info: { title: 'parley' } });
  const rules = { 'no-invalid-schema-examples': 'warn' } as const;
  const config = await createConfig({ extends: ['recommended'], rules });
  const problems = await lintFromString({ source: text, config, absoluteRef: 'openapi.json' });
  expect(
    problems.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer]),
  ).toEqual([]);
});

it('says what every array holds', () => {
  const lacking: string[] = [];
  const look = (value: unknown, path: string) => {
    if (typeof value !== 'object' || value === null) return;
    const { type, items } = asRecord(value);
    if ([type].flat().includes('array') && items === undefined) lacking.push(path);
    for (const [name, inner] of Object.entries(value))
      if (name !== 'example') look(inner, `${path}/${name}`);
  };
  look(JSON.parse(text), '#');
  expect(lacking).toEqual([]);
});

describe('every operation', () => {
  it('has an id of its own, a summary and a description', () => {
    const lacking = description.operations.filter((operation) => {
      const { operationId, summary, description: text } = description.detailsOf(operation);
      return !/^[a-z][A-Za-z]+$/u.test(String(operationId)) || !summary || !text;
    });
    expect(lacking).toEqual([]);
  });

  it('has a tag that is described', () => {
    const { tags } = JSON.parse(text) as { tags: { name: string; description: string }[] };
    const described = tags.filter((tag) => tag.description).map(({ name }) => name);
    const used = description.operations.flatMap(({ method, path }) =>
      String(description.detailsOf({ method, path })['tags']),
    );
    expect([...new Set(used)].toSorted()).toEqual(described.toSorted());
  });

  it('has an example of every body and answer', () => {
    const lacking = description.operations.flatMap((operation) =>
      description
        .contentsOf(operation)
        .filter(({ media }) => description.exampleOf(media) === undefined)
        .map(({ name }) => `${operation.method} ${operation.path} ${name}`),
    );
    expect(lacking).toEqual([]);
  });

  it('every operation that sends a message shows tools, approvals and steering', () => {
    const operation = { method: 'post', path: '/conversations/{id}/messages' };
    const shown = description.contentsOf(operation).flatMap(({ media }) => {
      const { examples = {} } = asRecord(media);
      return Object.keys(asRecord(examples));
    });
    const kinds = [
      'tools',
      'tool_results',
      'approvals',
      'steering',
      'calls',
      'approval',
      'steered',
    ];
    expect(shown).toEqual(expect.arrayContaining(kinds));
  });

  it('every operation that only reads lists no refusal of a body', () => {
    const reading = description.operations.filter(({ method }) => method === 'get');
    const refusing = reading.filter((operation) =>
      description.contentsOf(operation).some(({ name }) => /^41[35] /u.test(name)),
    );
    expect(refusing).toEqual([]);
  });
});

it('declares credentials, and that none are needed yet', () => {
  const { security, components } = JSON.parse(text) as {
    security: object[];
    components: { securitySchemes: object };
  };
  expect(security[0]).toEqual({});
  expect(Object.keys(components.securitySchemes)).toEqual([
    'bearerAuth',
    'apiKey',
    'session',
    'ticket',
  ]);
});

interface Place {
  user_id: string;
  id: string;
  turnId: string;
  /** Of the answer, and of the user's message before it. */
  answerId: string;
  questionId: string;
}

async function newPlace(): Promise<Place> {
  const user_id = unique('user');
  const { json, headers } = await target.call<{ conversation_id: string }>('/conversations', {
    json: { user_id, message: 'the first' },
  });
  const id = json.conversation_id;
  const read = await target.call<{ id: string }[]>(`/conversations/${id}/messages`);
  const [questionId = '', answerId = ''] = read.json.map((message) => message.id);
  return { user_id, id, turnId: String(headers['x-turn-id']), answerId, questionId };
}

const UNKNOWN = { id: 'unknown', turnId: 'unknown', answerId: 'unknown', questionId: 'unknown' };

type Call = (place: Place) => RequestInit & { query?: string };

const plain: Call = () => ({});
const list: Call = ({ user_id }) => ({ query: `?user_id=${user_id}` });
const says: Call = () => ({ json: { message: 'hello' } });
const hears: Call = () => ({ query: '?message=hello' });
const makes: Call = () => ({ json: { user_id: 4711, title: 'Mine' } });
const renames: Call = () => ({ json: { title: 'Another' } });

/** A sound call of every operation; its `{id}` is filled in. */
const calls: Record<string, Call> = {
  'post /conversations': () => ({ json: { user_id: 4711, message: 'hello', mode: 'open' } }),
  'get /conversations': list,
  'get /conversations/{id}': plain,
  'patch /conversations/{id}': () => ({
    json: { title: 'Another', mode: 'rag', model: null, instructions: null },
  }),
  'delete /conversations/{id}': plain,
  'post /conversations/{id}/messages': says,
  'get /conversations/{id}/messages': plain,
  'get /conversations/{id}/stream': hears,
  'post /conversations/start': () => ({ json: { user_id: 4711, content: 'hello' } }),
  'post /conversations/{id}/message': says,
  'post /chats': makes,
  'get /chats': list,
  'get /chats/{id}': plain,
  'patch /chats/{id}': renames,
  'delete /chats/{id}': plain,
  'get /chats/{id}/messages': plain,
  'post /chat': ({ id, user_id }) => ({ json: { chat_id: id, user_id, message: 'hello' } }),
  'post /chat/conversations': makes,
  'get /chat/conversations': list,
  'get /chat/conversations/{id}': plain,
  'delete /chat/conversations/{id}': plain,
  'post /chat/conversations/{id}/messages': () => ({ json: { content: 'hello' } }),
  'get /chat/conversations/{id}/messages': plain,
  'get /chat/conversations/{id}/stream': hears,
  'patch /chat/conversations/{id}': renames,
  'post /conversations/{id}/fork': plain,
  'post /chats/{id}/fork': plain,
  'post /chat/conversations/{id}/fork': plain,
  'post /messages/{id}/regenerate': plain,
  'post /messages/{id}/edit': says,
  'delete /messages/{id}': plain,
  'get /turns/{id}': plain,
  'get /turns/{id}/events': plain,
  'post /turns/{id}/cancel': plain,
  'get /streams/turns/{id}': plain,
  'get /usage': list,
  'get /limits': list,
  'get /users/{user_id}/export': plain,
  'delete /users/{user_id}/data': plain,
  'get /tools': plain,
  'get /tool-permissions': list,
  'delete /tool-permissions/{tool}': list,
  'get /ws/users/{user_id}/status': plain,
  'get /': plain,
  'get /health': plain,
  'get /ready': plain,
  'get /models': plain,
  'get /docs': plain,
  'get /redoc': plain,
  'get /openapi.json': plain,
};

/** What the tests below cannot call in their way; the suite of each has its own checks. */
const elsewhere = new Set([
  'put /users/{user_id}/limits',
  'put /keys/{id}/limits',
  'get /ws/{user_id}',
  'get /metrics',
]);

/** Doors that check their own answers against the description. */
const ownSuites =
  /^\w+ \/(chunks|documents|files|retrieve|v1|api|memory|keys|tickets|session|ag-ui|mcp)\b/u;

it('has a sound call here for every operation', () => {
  const described = description.operations
    .map(({ method, path }) => `${method} ${path}`)
    .filter((name) => !elsewhere.has(name) && !ownSuites.test(name));
  expect(described.toSorted()).toEqual(Object.keys(calls).toSorted());
});

function idFor(path: string, { id, turnId, answerId, questionId }: Place): string {
  if (/^\/(streams\/)?turns/u.test(path)) return turnId;
  if (path.startsWith('/messages')) return path.endsWith('/edit') ? questionId : answerId;
  return id;
}

describe.each(Object.entries(calls))('%s', (name, make) => {
  const [method = '', path = ''] = name.split(' ');
  const operation = { method, path };

  async function call(place: Place, change: RequestInit = {}) {
    const { query = '', ...init } = make(place);
    const id = idFor(path, place);
    const filled = path.replace('{id}', id).replace('{user_id}', place.user_id);
    const answer = await target.call(filled + query, {
      method: method.toUpperCase(),
      ...init,
      ...change,
    });
    const contentType = String(answer.headers['content-type']);
    const { status, text, json, headers } = answer;
    return { status, text, json, headers, contentType };
  }

  it('is called as described and answers as described', async () => {
    const place = await newPlace();
    const { json } = make(place);
    if (json !== undefined) expect(description.wrongRequest(operation, json)).toBeUndefined();
    const answer = await call(place);
    expect(answer.status, answer.text).toBe(200);
    expect(description.wrongAnswer(operation, answer)).toBeUndefined();
    // Where an address, or a turn, is promised it is there.
    const promised = description.headersOf(operation, 200).filter((header) => header !== 'link');
    if (promised.includes('x-turn-id') && method === 'post' && !answer.headers['x-turn-id'])
      expect(make(place).json).not.toHaveProperty('message');
    else expect(Object.keys(answer.headers)).toEqual(expect.arrayContaining(promised));
  });

  it('accepts the body that the documentation shows', async () => {
    const example = description.exampleOf(description.bodyOf(operation));
    if (example === undefined) return expect(make(await newPlace()).json).toBeUndefined();
    const place = await newPlace();
    const json = path === '/chat' ? { ...asRecord(example), chat_id: place.id } : example;
    // Everything else as it stands there: what is named in an address is the owner's without a
    // name.
    const { user_id: _, ...withoutOwner } = asRecord(json);
    const answer = await call(place, { json: path === '/chat' ? withoutOwner : json });
    expect(answer.status, answer.text).toBe(200);
  });

  it('refuses as described', async () => {
    const place = await newPlace();
    const refusals = [
      ...(path.includes('{id}') || path === '/chat'
        ? [await call({ user_id: place.user_id, ...UNKNOWN })]
        : []),
      ...(make(place).json === undefined
        ? []
        : [
            await call(place, { json: [] }),
            await call(place, { headers: { 'content-type': 'text/plain' } }),
            await call(place, { headers: { origin: 'https://elsewhere.example' } }),
            await call(place, { json: { padding: 'x'.repeat(2 ** 21) } }),
          ]),
      await call(place, { headers: { host: 'rebound.example' } }),
    ];
    expect(refusals.map(({ status }) => Math.trunc(status / 100))).not.toContain(2);
    for (const refusal of refusals) {
      expect(description.wrongAnswer(operation, refusal), refusal.text).toBeUndefined();
    }
  });
});

it('is described with the headers that a request may carry', () => {
  const taking = (header: string) =>
    description.operations
      .filter((operation) => description.requestHeadersOf(operation).includes(header))
      .map(({ method, path }) => `${method} ${path}`)
      .toSorted();
  expect(taking('last-event-id')).toEqual([
    'get /chat/conversations/{id}/stream',
    'get /conversations/{id}/stream',
    'get /turns/{id}/events',
    'post /ag-ui',
    'post /chat',
    'post /chat/conversations/{id}/messages',
    'post /conversations',
    'post /conversations/start',
    'post /conversations/{id}/message',
    'post /conversations/{id}/messages',
    'post /messages/{id}/edit',
    'post /messages/{id}/regenerate',
  ]);
  const posts = description.operations.filter(({ method }) => method === 'post');
  const others = [
    'post /api/chat/{id}/stop',
    'post /v1/embeddings',
    'post /v1/messages/count_tokens',
    'post /v1/conversations/{id}',
    'post /v1/responses/{id}/cancel',
    'post /v1/vector_stores/{id}/search',
    'post /keys',
    'post /retrieve',
    'post /session',
    'post /tickets',
    'post /turns/{id}/cancel',
  ];
  expect([...taking('idempotency-key'), ...others].toSorted()).toEqual(
    posts.map(({ method, path }) => `${method} ${path}`).toSorted(),
  );
});

it('describes the page that browsers get at /', async () => {
  const answer = await target.call('/', { headers: { accept: 'text/html' } });
  const contentType = String(answer.headers['content-type']);
  expect(contentType).toMatch(/^text\/html/u);
  const operation = { method: 'get', path: '/' };
  expect(description.wrongAnswer(operation, { ...answer, contentType })).toBeUndefined();
});

it.each([
  ['/conversations/{id}/stream', true],
  ['/turns/{id}/events', true],
  ['/chat/conversations/{id}/stream', false],
])('says of %s what it streams (native events: %s)', (path, isNative) => {
  const content = description.contentOf({ method: 'get', path }, 200);
  expect(JSON.stringify(content['text/event-stream']).includes('message.delta')).toBe(isNative);
});

describe('a call that makes the assistant answer', () => {
  const asking = Object.keys(calls).filter((name) =>
    /post .*(message|start|\/chat$|\/conversations$)/u.test(name),
  );

  it.each(asking)('%s is described with what may go wrong', (name) => {
    const [method = '', path = ''] = name.split(' ');
    const { paths } = JSON.parse(text) as {
      paths: Record<string, Record<string, { responses: Record<string, unknown> }>>;
    };
    const statuses = Object.keys(paths[path]?.[method]?.responses ?? {});
    if (name === 'post /chat/conversations') return;
    expect(statuses).toEqual(
      expect.arrayContaining([
        '200',
        '400',
        '403',
        '404',
        '409',
        '413',
        '415',
        '429',
        '502',
        '503',
        '504',
      ]),
    );
  });
});
