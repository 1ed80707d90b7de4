/**
 * Secrets and words that are planted everywhere, while the database, the models' service, a server
 * of tools and the collector fail in every way: none of it is in what leaves.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { startDatabaseProxy, type DatabaseFailure } from '../support/database-proxy.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { OwnServers } from '../support/own-servers.ts';
import { startSqld } from '../support/sqld.ts';
import { openWebSocket } from '../support/websocket.ts';
import {
  bearer,
  JWT_SECRET,
  signToken,
  startIdentityServer,
  type CredentialInit,
} from '../suite/identity.ts';
import { unique } from '../suite/target.ts';
import type { Runtime } from '../support/server.ts';

const WORDS = {
  question: 'xyzzy-question of the seventh wombat',
  answer: 'plugh-answer',
  instructions: 'fee-instructions',
  document: 'fie-document of nine leaves',
  title: 'fum-title',
  search: 'foe-search for two',
  note: 'foo-embedded-text',
  stop: 'bar-stop',
  input: 'baz-input',
};
const OPERATORS = {
  database: 'eyJhbGciOiJFZERTQSJ9.planted-token-of-the-database',
  collector: 'planted-key-of-the-collector',
  tools: 'planted-key-of-the-tools',
  webhook: 'planted-secret-of-the-webhook-that-is-long',
  jwt: JWT_SECRET,
};
const DATABASE_FAILURES: DatabaseFailure[] = [
  ...(['cut-middle', '500', '401', 'io-error', 'readonly', 'full', 'blocked'] as const),
];

const own = new OwnServers();
afterAll(() => own.close());

async function startPlace(runtime: Runtime) {
  const [collector, sqld] = [own.add(await startOtlpReceiver()), own.add(await startSqld())];
  const database = own.add(await startDatabaseProxy(sqld.url));
  const server = own.add(
    await startIdentityServer(runtime, {
      ...{ DATABASE_URL: database.url, DATABASE_AUTH_TOKEN: OPERATORS.database },
      ...{ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
      ...{ OTEL_EXPORTER_OTLP_HEADERS: `x-key=${OPERATORS.collector}` },
      ...{ OTEL_METRIC_EXPORT_INTERVAL: '300', OTEL_BSP_SCHEDULE_DELAY: '200' },
      ...{ LOG_LEVEL: 'debug', LOG_FORMAT: 'json', LIMIT_TOKENS_PER_DAY: '5000000' },
      MCP_SERVERS: JSON.stringify([
        {
          ...{ name: 'lost', url: 'http://127.0.0.1:9/mcp' },
          headers: { authorization: `Bearer ${OPERATORS.tools}` },
        },
      ]),
      ...(runtime === 'node' && { METRICS: 'on' }),
    }),
  );
  return { collector, database, server };
}

describe.each<Runtime>(['node', 'workerd'])('on %s', (runtime) => {
  it('nothing planted is in what leaves, whatever fails', async () => {
    const { collector, database, server } = await startPlace(runtime);
    const user = unique('planted');
    const key = await server.key({ user });
    const other = await server.key({ user: unique('other') });
    const token = signToken({ sub: user });
    const session = await server.call('/session', { as: key, method: 'POST' });
    const cookie = String(session.headers['set-cookie']).split(';')[0] ?? '';
    const { json } = await server.call<{ ticket: string }>('/tickets', { as: key, json: {} });
    const { ticket } = json;
    const answers: string[] = [];
    const strangers: string[] = [];
    const call = async (path: string, init: CredentialInit = {}, heard = answers) => {
      const answer = await server.call<Record<string, unknown>>(path, { as: key, ...init });
      heard.push(`${answer.status} ${answer.text}${JSON.stringify(answer.rawHeaders)}`);
      return answer;
    };
    const models = scriptModels(server.upstream);
    const says = {
      ...{ message: WORDS.question, instructions: WORDS.instructions, stop: [WORDS.stop] },
    };
    const made = await call('/conversations', { json: { ...says, model: models.good } });
    expect(made.status, made.text).toBe(200);
    const id = String(made.json['conversation_id']);
    const document = { text: WORDS.document, title: WORDS.title };
    const stored = await call('/documents', { json: document });
    const documentId = String(stored.json['document_id'] ?? stored.json['id']);
    const everything = () =>
      Promise.all([
        ...Object.values(models).map((model) =>
          call('/conversations', { json: { ...says, model } }),
        ),
        call(`/conversations/${id}`, { headers: { accept: 'text/html' } }),
        call(`/conversations/${id}/messages`, {
          json: { ...says, model: models.good },
          headers: { accept: 'text/event-stream', 'idempotency-key': unique('key') },
        }),
        call('/v1/chat/completions', {
          json: { model: models.good, messages: [{ role: 'user', content: WORDS.question }] },
        }),
        call('/v1/messages', {
          headers: { 'x-api-key': key },
          json: {
            ...{ model: models.good, max_tokens: 9 },
            messages: [{ role: 'user', content: WORDS.question }],
          },
        }),
        call('/v1/responses', { json: { model: models.good, input: WORDS.question } }),
        call('/documents', { json: document }),
        call('/documents', { json: { url: `http://u:${WORDS.input}@127.0.0.1:9/${WORDS.note}` } }),
        call(`/documents/${documentId}`, { method: 'PATCH', json: { title: WORDS.title } }),
        call('/retrieve', { json: { query: WORDS.search } }),
        call('/v1/embeddings', {
          json: { model: 'openai/text-embedding-3-small', input: WORDS.note },
        }),
        call('/files', {
          rawBody: WORDS.document,
          headers: { 'content-type': 'text/plain', 'x-filename': WORDS.title },
        }),
        ...['/keys', '/limits', '/usage', '/models', '/ready', '/health'].map((path) => call(path)),
        call('/keys', { json: { name: WORDS.title } }),
        call('/tickets', { json: {} }),
        call(`/users/${user}/export`),
        call('/session', { method: 'POST' }),
        call(`/conversations/${id}`, { as: other }, strangers),
        call(`/documents/${documentId}`, { as: other }, strangers),
        call(`/conversations?user_id=${user}`, { as: undefined }, strangers),
        ...misplaced(id).map(([path, init]) => call(path, init, strangers)),
      ]);
    /** Credentials where they do not belong, broken or of another kind. */
    function misplaced(conversation: string): [string, CredentialInit][] {
      const path = `/conversations/${conversation}`;
      const presented = [
        ...[bearer(`${key}x`), bearer(`${token}x`), bearer(ticket), bearer(cookie)],
        ...[{ cookie: `${cookie}x` }, { authorization: `Basic ${key}` }],
        ...[{ ...bearer(key), 'x-api-key': server.admin }, bearer(`${token}.${key}`)],
      ];
      return [
        ...presented.map((headers): [string, CredentialInit] => [path, { as: undefined, headers }]),
        [`${path}/stream?ticket=${ticket}x&message=${WORDS.search}`, { as: undefined }],
        ...['api_key', 'key', 'token', 'access_token', 'ticket'].map(
          (name): [string, CredentialInit] => [`${path}?${name}=${key}`, { as: undefined }],
        ),
        [`/keys/${key}`, { method: 'DELETE' }],
        [`/conversations/${key}`, {}],
        [`/${token}`, {}],
        [
          '/conversations',
          { rawBody: `{"${WORDS.input}`, headers: { 'content-type': 'application/json' } },
        ],
        [`/conversations?cursor=${key}`, {}],
      ];
    }
    await everything();
    const EMBEDDER = 'text-embedding-3-small';
    server.upstream.script(EMBEDDER, (body) => ({
      status: { code: 401, body: `${server.upstream.key} for ${JSON.stringify(body)}` },
    }));
    await everything();
    server.upstream.script(EMBEDDER, {});
    for (const how of DATABASE_FAILURES) {
      const undo = database.fail(() => true, how);
      await everything();
      undo();
      // The words of the client are in the statements of the end alone.
      const stopFailing = database.fail(
        ({ statements }) => statements.some(({ sql }) => /UPDATE (?:turns|messages)/u.test(sql)),
        how,
      );
      await Promise.all([
        call('/conversations', { json: { ...says, model: models.good } }),
        call('/documents', { json: document }),
      ]);
      stopFailing();
    }
    const socket = await openWebSocket(`${server.server.url}/ws/${user}`, { headers: bearer(key) });
    socket.send({ message: WORDS.question, model: models.echo });
    socket.send(`{"${WORDS.input}`);
    answers.push(JSON.stringify(await socket.next('error')));
    socket.close();
    const metrics = await server.call('/metrics', { as: server.admin });
    await expect
      .poll(async () => (await server.call('/models', { as: key }), collector.points().length))
      .toBeGreaterThan(0);
    const turnId = String(made.headers['x-turn-id']);
    await expect.poll(() => collector.text().includes(turnId)).toBe(true);
    const credentials = {
      ...{ key, token, ticket, cookie: cookie.split('=')[1] ?? '', admin: server.admin },
      ...{ other, provider: server.upstream.key, ...OPERATORS },
    };
    const logs = server.server.logs();
    const told = collector.text() + metrics.text;
    const sinks = { logs, told, answers: answers.join('\n'), strangers: strangers.join('\n') };
    const found = [
      ...leaks(credentials, sinks),
      ...leaks(WORDS, { logs, told, strangers: strangers.join('\n') }),
      ...leaks({ user }, { told }),
      ...leaks(
        { database: new URL(database.url).host },
        { answers: sinks.answers, strangers: sinks.strangers },
      ),
    ];
    expect(found).toEqual([]);
  }, 400_000);
});

type Upstream = Awaited<ReturnType<typeof startIdentityServer>>['upstream'];

/** Models that answer, refuse, and break; those that refuse repeat what they were given. */
function scriptModels(upstream: Upstream) {
  const repeats = `Invalid request with key ${upstream.key}: "${WORDS.question}"`;
  const error = JSON.stringify({ error: { message: repeats, type: 'invalid_request_error' } });
  const behaviours = {
    good: { tokens: [WORDS.answer], reasoning: [WORDS.question] },
    echo: { status: { code: 400, body: error } },
    page: { status: { code: 502, body: `<html>${repeats}</html>`, contentType: 'text/html' } },
    text: { status: { code: 500, body: repeats, contentType: 'text/plain' } },
    frame: { raw: { body: `data: {"error":{"message":${JSON.stringify(repeats)}}}\n\n` } },
    broken: { raw: { body: `data: {"choices":[{"delta":{"content":"${WORDS.answer}\n\n` } },
    key: { status: { code: 401, body: `Incorrect API key provided: ${upstream.key}` } },
    odd: { raw: { body: repeats } },
    reset: { tokens: [WORDS.answer, 'x'], fault: { how: 'reset', afterTokens: 1 } },
    calls: { toolCalls: [[{ name: 'search_documents', input: { query: WORDS.input } }]] },
    cut: {
      toolCalls: [[{ name: 'lost__tool', input: { text: WORDS.input }, cutArgumentsAt: 12 }]],
    },
  } as const;
  const names = Object.entries(behaviours).map(([kind, behaviour]) => {
    const name = unique(kind);
    upstream.script(name, behaviour as unknown as Parameters<Upstream['script']>[1]);
    return [kind, `openai/${name}`];
  });
  return Object.fromEntries(names) as Record<keyof typeof behaviours, string>;
}

/** Returns where something planted was found, with what is around it. */
function leaks(planted: Record<string, string>, sinks: Record<string, string>): string[] {
  const found: string[] = [];
  for (const [what, secret] of Object.entries(planted))
    for (const [where, text] of Object.entries(sinks)) {
      const at = text.indexOf(secret);
      if (at >= 0)
        found.push(`${what} in ${where}: …${text.slice(Math.max(0, at - 300), at + 80)}`);
    }
  return found;
}
