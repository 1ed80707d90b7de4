/**
 * Secrets and words that are planted everywhere, and looked for in everything that leaves: answers,
 * the log at its most talkative, traces and metrics.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { idOfKey } from '../support/keys.ts';
import { startOtlpReceiver, type OtlpReceiver } from '../support/otlp-receiver.ts';
import {
  bearer,
  JWT_SECRET,
  signToken,
  startIdentityServer,
  type IdentityServer,
} from './identity.ts';
import { suiteTarget, unique } from './target.ts';

const { runtime } = suiteTarget();
const COLLECTOR_KEY = 'the-key-of-the-collector';
const WORDS = {
  question: 'xyzzy-question',
  answer: 'plugh-answer',
  thought: 'plover-thought',
  instructions: 'fee-instructions',
  document: 'fie-document',
  search: 'foe-search',
  note: 'foo-embedded',
};
let collector: OtlpReceiver;
let server: IdentityServer;

beforeAll(async () => {
  collector = await startOtlpReceiver();
  server = await startIdentityServer(runtime, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_EXPORTER_OTLP_HEADERS: `x-key=${COLLECTOR_KEY}`,
    OTEL_METRIC_EXPORT_INTERVAL: '300',
    OTEL_BSP_SCHEDULE_DELAY: '200',
    LOG_LEVEL: 'debug',
    LOG_FORMAT: 'json',
    LIMIT_TOKENS_PER_DAY: '500000',
  });
}, 200_000);
afterAll(async () => {
  await server.close();
  await collector.close();
});

it('are in no answer, no line of the log, no trace and no metric', async () => {
  const user = unique('planted');
  const key = await server.key({ user });
  const token = signToken({ sub: user });
  const session = await server.call('/session', { as: key, method: 'POST' });
  const cookie = String(session.headers['set-cookie']).split(';')[0] ?? '';
  const { json: ticket } = await server.call<{ ticket: string }>('/tickets', { as: key, json: {} });
  const answers: string[] = [];
  const call = async (path: string, init: Parameters<IdentityServer['call']>[1] = {}) => {
    const answer = await server.call<Record<string, unknown>>(path, { as: key, ...init });
    answers.push(answer.text + JSON.stringify(answer.rawHeaders));
    return answer;
  };
  const name = unique('model');
  const usage = { input: 90, output: 9 };
  server.upstream.script(name, { tokens: [WORDS.answer], reasoning: [WORDS.thought], usage });
  const broken = unique('model');
  const wrongKey = `Incorrect API key provided: ${server.upstream.key}`;
  const repeated = `Invalid "${WORDS.question}", for ${WORDS.instructions}`;
  server.upstream.script(broken, [
    { status: { code: 401, body: wrongKey } },
    { status: { code: 400, body: JSON.stringify({ error: { message: repeated } }) } },
    { raw: { body: `data: {"error":{"message":${JSON.stringify(repeated)}}}\n\n` } },
  ]);
  const says = { message: WORDS.question, instructions: WORDS.instructions };
  const made = await call('/conversations', { json: { ...says, model: `openai/${name}` } });
  const id = String(made.json['conversation_id']);
  for (let time = 0; time < 3; time++)
    await call('/conversations', { json: { ...says, model: `openai/${broken}` } });
  await call('/documents', { json: { text: WORDS.document, title: WORDS.document } });
  await call('/retrieve', { json: { query: WORDS.search } });
  await call('/v1/embeddings', {
    json: { model: 'openai/text-embedding-3-small', input: WORDS.note },
  });
  for (const headers of [bearer(token), { cookie }, bearer(`${key}x`), bearer(`${token}x`)])
    await call('/conversations', { as: undefined, headers });
  const query = `message=${WORDS.question}&model=openai/${name}&ticket=${ticket.ticket}`;
  const stream = await server.stream(`/conversations/${id}/stream?${query}`);
  answers.push((await stream.collect()).text);
  await call(`/conversations?api_key=${key}`);
  const embedder = 'text-embedding-3-small';
  server.upstream.script(embedder, (body) => ({
    status: { code: 401, body: `${wrongKey} for ${JSON.stringify(body)}` },
  }));
  await call('/documents', { json: { text: WORDS.document, title: WORDS.document } });
  await call('/v1/embeddings', { json: { model: `openai/${embedder}`, input: WORDS.note } });
  server.upstream.script(embedder, {});
  await call('/no/such/route');
  // Credentials where they do not belong: in paths, which are logged.
  for (const credential of [key, token, ticket.ticket]) {
    await call(`/keys/${credential}`, { method: 'DELETE' });
    await call(`/conversations/${credential}`);
  }
  await call('/conversations', {
    rawBody: `{"${WORDS.question}`,
    headers: { 'content-type': 'application/json' },
  });
  await call('/keys');
  await call(`/keys/${idOfKey(key)}/limits`, { method: 'PUT', json: { turns_at_once: 1 } });
  await call('/limits');
  // What was told so far has left when a later trace has come.
  const traceId = unique()
    .replaceAll(/[^\da-f]/gu, '')
    .padStart(32, 'b')
    .slice(-32);
  const traceparent = `00-${traceId}-${traceId.slice(-16)}-01`;
  await expect
    .poll(
      async () => {
        await server.call('/models', { as: key, headers: { traceparent } });
        const { length } = collector.points();
        return length > 0 && collector.spans().some((span) => span.traceId === traceId);
      },
      { timeout: 30_000, interval: 300 },
    )
    .toBe(true);
  const credentials = [
    ...[key, token, cookie.split('=')[1] ?? '', ticket.ticket, server.admin],
    ...[server.upstream.key, JWT_SECRET, COLLECTOR_KEY],
  ];
  const logs = server.server.logs();
  expect(logs).toContain(String(made.headers['x-turn-id']));
  // The ids of credentials say by which of them something was done.
  for (const credential of [key, ticket.ticket])
    expect(logs).toContain(`"credential_id":"${idOfKey(credential)}"`);
  const told = collector.text();
  expect(told).toContain(String(made.headers['x-turn-id']));
  for (const secret of credentials) {
    expect(secret.length).toBeGreaterThan(8);
    for (const [where, text] of Object.entries({ logs, told, answers: answers.join('\n') }))
      expect(text.includes(secret), `${secret.slice(0, 12)}… in ${where}`).toBe(false);
  }
  for (const word of Object.values(WORDS))
    for (const [where, text] of Object.entries({ logs, told }))
      expect(text.includes(word), `${word} in ${where}`).toBe(false);
  expect(told.includes(user), 'the user in what is told').toBe(false);
}, 120_000);
