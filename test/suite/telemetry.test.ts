/**
 * Traces and measures, as a collector receives them: the spans of a turn, what they are part of,
 * and nothing of what was said.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  startOtlpReceiver,
  type OtlpReceiver,
  type ReceivedPoint,
  type ReceivedSpan,
} from '../support/otlp-receiver.ts';
import { bearer, startIdentityServer, type IdentityServer } from './identity.ts';
import { suiteTarget, unique } from './target.ts';

const { runtime } = suiteTarget();
let collector: OtlpReceiver;
let server: IdentityServer;
beforeAll(async () => {
  collector = await startOtlpReceiver();
  server = await startIdentityServer(runtime, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_EXPORTER_OTLP_HEADERS: 'x-collector-key=open%20sesame',
    OTEL_SERVICE_NAME: 'the-chat',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=tests',
    OTEL_METRIC_EXPORT_INTERVAL: '500',
    OTEL_BSP_SCHEDULE_DELAY: '200',
  });
}, 200_000);
afterAll(async () => {
  await server.close();
  await collector.close();
});

/** A place of a request in somebody's trace, of its own for each test. */
function newTrace() {
  const traceId = unique()
    .replaceAll(/[^\da-f]/gu, '')
    .padStart(32, 'a')
    .slice(-32);
  const spanId = traceId.slice(-16);
  return { traceId, spanId, headers: { traceparent: `00-${traceId}-${spanId}-01` } };
}

/** The spans of a trace, once these are among them. */
async function spansOf(traceId: string, ...names: string[]): Promise<ReceivedSpan[]> {
  const found = () => collector.spans().filter((span) => span.traceId === traceId);
  const present = () => found().map(({ name }) => name);
  await expect
    .poll(present, { timeout: 30_000, interval: 100 })
    .toEqual(expect.arrayContaining(names));
  return found();
}

function named(spans: ReceivedSpan[], name: string): ReceivedSpan {
  const [span] = spans.filter((each) => each.name === name);
  if (!span) throw new Error(`no span ${name} among ${spans.map((each) => each.name).join(', ')}`);
  return span;
}

async function newTurn(fields: object = {}, script: object = {}) {
  const user = unique('owner');
  const key = await server.key({ user });
  const name = unique('model');
  const usage = { input: 120, output: 7, cached: 20, written: 30 };
  const answer = { tokens: ['Seven ', 'words'], answersAs: 'seven-0613' };
  server.upstream.script(name, { ...answer, usage, ...script });
  const trace = newTrace();
  const json = { message: 'What is it?', model: `openai/${name}`, ...fields };
  const asked = await server.call<{ conversation_id: string }>('/conversations', {
    ...{ as: key, json, headers: trace.headers },
  });
  expect(asked.status, asked.text).toBe(200);
  const turnId = String(asked.headers['x-turn-id']);
  return { user, key, name, trace, turnId, json, conversationId: asked.json.conversation_id };
}

/** The place of the models' service. */
function atService() {
  const { hostname, port } = new URL(server.upstream.url);
  return { 'server.address': hostname, 'server.port': Number(port) };
}

describe('the spans of a turn', () => {
  it('are parts of the request, which is part of its caller’s trace', async () => {
    const { name, trace, turnId, conversationId } = await newTurn(
      { temperature: 0.5, response_format: { type: 'json_object' } },
      { tokens: ['{}'] },
    );
    const spans = await spansOf(
      trace.traceId,
      'POST /conversations',
      'invoke_agent parley',
      'store',
    );
    const request = named(spans, 'POST /conversations');
    expect(request).toMatchObject({
      ...{ parentSpanId: trace.spanId, kind: 2 },
      attributes: {
        ...{ 'http.request.method': 'POST', 'http.route': '/conversations' },
        ...{ 'http.response.status_code': 200, 'url.scheme': 'http' },
      },
    });
    const turn = named(spans, 'invoke_agent parley');
    expect(turn).toMatchObject({
      parentSpanId: request.spanId,
      attributes: {
        ...{ 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.conversation.id': conversationId },
        ...{ 'parley.turn.id': turnId, 'parley.turn.status': 'complete' },
        ...{ 'gen_ai.usage.input_tokens': 120, 'gen_ai.usage.output_tokens': 7 },
      },
    });
    const call = named(spans, `chat ${name}`);
    expect(call).toMatchObject({
      ...{ parentSpanId: turn.spanId, kind: 3, status: 0 },
      attributes: {
        ...atService(),
        ...{ 'gen_ai.response.model': 'seven-0613', 'gen_ai.response.id': expect.any(String) },
        ...{ 'gen_ai.output.type': 'json', 'gen_ai.usage.cache_creation.input_tokens': 30 },
        ...{ 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai' },
        ...{ 'gen_ai.request.model': name, 'gen_ai.request.stream': true },
        ...{ 'gen_ai.request.temperature': 0.5, 'gen_ai.response.finish_reasons': ['stop'] },
        ...{ 'gen_ai.usage.input_tokens': 120, 'gen_ai.usage.cache_read.input_tokens': 20 },
        'gen_ai.response.time_to_first_chunk': expect.any(Number),
      },
    });
    for (const step of ['accept', 'store'])
      expect(named(spans, step).parentSpanId).toBe(turn.spanId);
    // The model's service is told what its call is part of.
    const [asked] = server.upstream.requests.filter((each) => each.model === name);
    expect(asked?.headers['traceparent']).toBe(`00-${trace.traceId}-${call.spanId}-01`);
    expect(collector.resource()).toMatchObject({
      ...{ 'service.name': 'the-chat', 'deployment.environment.name': 'tests' },
      'service.version': expect.any(String),
    });
    expect(collector.headers().at(-1)).toMatchObject({ 'x-collector-key': 'open sesame' });
  });

  it('have searches and tools among them', async () => {
    const { key, user } = await newTurn();
    const call = (json: object, headers: Record<string, string>) =>
      server.call('/conversations', { as: key, json, headers });
    await server.call('/documents', { as: key, json: { text: 'The valve is blue.' } });
    const rag = newTrace();
    await call({ message: 'Which valve?', mode: 'rag', model: 'offline' }, rag.headers);
    const searched = await spansOf(rag.traceId, 'retrieval', 'invoke_agent parley');
    const turn = named(searched, 'invoke_agent parley');
    expect(named(searched, 'retrieval')).toMatchObject({
      parentSpanId: turn.spanId,
      attributes: { 'gen_ai.operation.name': 'retrieval' },
    });
    const tool = newTrace();
    const name = unique('model');
    const toolCalls = [[{ name: 'search_documents', input: { query: 'valve' } }]];
    server.upstream.script(name, { text: 'Done.', toolCalls });
    const asks = { message: 'Search', model: `openai/${name}` };
    expect((await call(asks, tool.headers)).status, user).toBe(200);
    const spans = await spansOf(tool.traceId, 'execute_tool search_documents');
    expect(named(spans, 'execute_tool search_documents').attributes).toEqual({
      ...{ 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'search_documents' },
      ...{ 'gen_ai.tool.type': 'function', 'gen_ai.tool.call.id': expect.any(String) },
    });
  });

  it('say that a call failed, and by what kind of error', async () => {
    const { key } = await newTurn();
    const name = unique('model');
    server.upstream.script(name, { status: { code: 500 } });
    const trace = newTrace();
    const json = { message: 'Hi', model: `openai/${name}` };
    await server.call('/conversations', { as: key, json, headers: trace.headers });
    const spans = await spansOf(trace.traceId, `chat ${name}`, 'invoke_agent parley');
    expect(named(spans, `chat ${name}`)).toMatchObject({
      ...{ status: 2, attributes: { 'error.type': '500' } },
    });
    expect(named(spans, 'invoke_agent parley').status).toBe(2);
  });

  it('the spans of a turn that is only read again tell no tokens, and no call', async () => {
    const { key, name, turnId } = await newTurn();
    const before = await tokensOf(name);
    const trace = newTrace();
    const headers = { ...trace.headers, ...bearer(key) };
    await (await server.stream(`/turns/${turnId}/events`, { headers })).collect();
    const spans = await spansOf(trace.traceId, 'fetch_response', 'GET /turns/{id}/events');
    const names = spans.map((span) => span.name);
    expect(names.toSorted()).toEqual(['GET /turns/{id}/events', 'fetch_response']);
    const replay = named(spans, 'fetch_response').attributes;
    expect(replay['gen_ai.operation.name']).toBe('fetch_response');
    expect(Object.keys(replay).filter((key) => key.includes('usage'))).toEqual([]);
    await newTurn();
    expect(await tokensOf(name)).toEqual(before);
  });

  it('begin a trace of their own for a request without a place in one', async () => {
    const traces = ['', 'nonsense', `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`, `00-abc-def-01`];
    for (const traceparent of traces) {
      const id = unique('request');
      await server.call('/models', {
        ...{
          as: server.admin,
          headers: { 'x-request-id': id, ...(traceparent && { traceparent }) },
        },
      });
      const mine = () =>
        collector.spans().filter((span) => span.attributes['parley.request.id'] === id);
      await expect.poll(() => mine().length, { timeout: 30_000 }).toBe(1);
      expect(mine()[0]?.parentSpanId).toBeUndefined();
    }
  });
});

const EMBEDDER = 'text-embedding-3-small';

describe('the spans of what is no turn', () => {
  const told = async (path: string, json: object, names: string[]) => {
    const { key } = await newTurn();
    const trace = newTrace();
    const init = { as: key, json, headers: trace.headers };
    const answer = await server.call(path, init);
    const spans = await spansOf(trace.traceId, `POST ${path}`, ...names);
    const request = named(spans, `POST ${path}`);
    return { answer, spans, request, key };
  };
  const call = () => ({
    kind: 3,
    attributes: {
      ...atService(),
      ...{ 'gen_ai.operation.name': 'embeddings', 'gen_ai.provider.name': 'openai' },
      'gen_ai.request.model': EMBEDDER,
      'gen_ai.embeddings.dimension.count': expect.any(Number),
      'gen_ai.usage.input_tokens': expect.any(Number),
    },
  });

  it('show the calls of an ingest, of a search, and of texts that a client embeds', async () => {
    const text = 'The blue valve needs oil.';
    const ingest = await told('/documents', { text }, ['ingest', `embeddings ${EMBEDDER}`]);
    expect(ingest.answer.status, ingest.answer.text).toBe(200);
    const step = named(ingest.spans, 'ingest');
    expect(step).toMatchObject({ parentSpanId: ingest.request.spanId, kind: 1, status: 0 });
    const embedded = named(ingest.spans, `embeddings ${EMBEDDER}`);
    expect(embedded).toMatchObject({ parentSpanId: step.spanId, ...call() });
    const search = await told('/retrieve', { query: 'valve', k: 3 }, ['retrieval']);
    const retrieval = named(search.spans, 'retrieval');
    expect(retrieval).toMatchObject({
      parentSpanId: search.request.spanId,
      attributes: { 'gen_ai.operation.name': 'retrieval', 'gen_ai.request.top_k': 3 },
    });
    const query = named(search.spans, `embeddings ${EMBEDDER}`);
    expect(query).toMatchObject({ parentSpanId: retrieval.spanId, ...call() });
    const body = { model: `openai/${EMBEDDER}`, input: 'Hello' };
    const texts = await told('/v1/embeddings', body, [`embeddings ${EMBEDDER}`]);
    expect(named(texts.spans, `embeddings ${EMBEDDER}`)).toMatchObject({
      ...{ parentSpanId: texts.request.spanId, ...call() },
    });
  });

  it('say that an ingest failed, and each call of the service that did', async () => {
    server.upstream.script(EMBEDDER, { status: { code: 401 } });
    const json = { text: 'The green valve needs none.' };
    const failed = await told('/documents', json, ['ingest']);
    server.upstream.script(EMBEDDER, {});
    expect(failed.answer.status).toBeGreaterThanOrEqual(500);
    expect(named(failed.spans, 'ingest')).toMatchObject({
      ...{ status: 2, attributes: { 'error.type': expect.stringMatching(/^model_/u) } },
    });
    expect(named(failed.spans, `embeddings ${EMBEDDER}`)).toMatchObject({
      ...{ status: 2, attributes: { 'error.type': '401' } },
    });
  });
});

it('tells of the call that rewrites a question, as a part of its turn', async () => {
  const { key, name, conversationId } = await newTurn({ mode: 'rag' });
  await server.call('/documents', { as: key, json: { text: 'The valve is blue.' } });
  const trace = newTrace();
  const json = { message: 'And the other?', model: `openai/${name}` };
  const path = `/conversations/${conversationId}/messages`;
  await server.call(path, { as: key, json, headers: trace.headers });
  const spans = await spansOf(trace.traceId, 'invoke_agent parley', 'retrieval');
  const turn = named(spans, 'invoke_agent parley');
  const calls = spans.filter((span) => span.name === `chat ${name}`);
  expect(calls.map(({ parentSpanId }) => parentSpanId)).toEqual([turn.spanId, turn.spanId]);
  const traced = server.upstream.requests.filter((each) => each.model === name).slice(-2);
  const parents = traced.map(({ headers }) => String(headers['traceparent']).split('-')[2]);
  expect(new Set(parents)).toEqual(new Set(calls.map(({ spanId }) => spanId)));
  const retrieval = named(spans, 'retrieval');
  expect(named(spans, `embeddings ${EMBEDDER}`).parentSpanId).toBe(retrieval.spanId);
});

/** The points of the tokens of a model's calls. */
function tokenPoints(model: string): ReceivedPoint[] {
  return collector
    .points()
    .filter(({ attributes }) => attributes['gen_ai.request.model'] === model)
    .filter(({ metric }) => metric.startsWith('gen_ai.client.inference.'));
}

/** The tokens of a model that were counted, once there are any. */
async function tokensOf(model: string): Promise<Record<string, number>> {
  const read = () => {
    const sums: Record<string, number> = {};
    for (const { metric, sum } of tokenPoints(model))
      if (metric.includes('.usage.')) sums[metric] = (sums[metric] ?? 0) + sum;
    return sums;
  };
  // On Workers they are sent by what is done next.
  const nudge = () => server.call('/models', { as: server.admin });
  await expect
    .poll(async () => (await nudge(), Object.keys(read()).length), { timeout: 30_000 })
    .toBeGreaterThan(0);
  return read();
}

describe('the measures', () => {
  it('count what the ledger counts, by the names of the conventions', async () => {
    const { name } = await newTurn();
    expect(await tokensOf(name)).toEqual({
      'gen_ai.client.inference.usage.input_tokens': 120,
      'gen_ai.client.inference.usage.output_tokens': 7,
      'gen_ai.client.inference.usage.cache_read.input_tokens': 20,
      'gen_ai.client.inference.usage.cache_write.input_tokens': 30,
    });
    for (const { metric, attributes } of tokenPoints(name))
      expect(attributes, metric).toMatchObject({
        ...{ ...atService(), 'gen_ai.response.model': 'seven-0613' },
        ...(metric.includes('.usage.') && { 'gen_ai.token.modality': 'text' }),
      });
    const of = (metric: string) => collector.points().filter((point) => point.metric === metric);
    for (const metric of [
      ...['gen_ai.client.operation.duration', 'gen_ai.client.operation.time_to_first_chunk'],
      ...['gen_ai.server.request.duration', 'gen_ai.server.time_to_first_token'],
    ]) {
      const [point] = of(metric).filter(
        ({ attributes }) => attributes['gen_ai.request.model'] === name,
      );
      expect(point, metric).toMatchObject({
        ...{ unit: 's', count: 1 },
        attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai' },
      });
    }
    expect(of('gen_ai.invoke_agent.duration')).not.toEqual([]);
    await server.call('/documents', { as: server.admin, json: { text: 'A valve.' } });
    const embedded = await tokensOf(EMBEDDER);
    expect(Object.keys(embedded)).toEqual(['gen_ai.client.inference.usage.input_tokens']);
    expect(of('parley.ingest.duration')).not.toEqual([]);
    const [request] = of('http.server.request.duration').filter(
      ({ attributes }) => attributes['http.route'] === '/conversations',
    );
    expect(request?.attributes).toEqual({
      ...{ 'http.request.method': 'POST', 'http.route': '/conversations' },
      ...{ 'http.response.status_code': 200, 'url.scheme': 'http' },
    });
  });
});

it('tells of a turn that failed why, in what it measures', async () => {
  const name = unique('model');
  server.upstream.script(name, { status: { code: 400 } });
  const json = { message: 'What is it?', model: `openai/${name}` };
  const asked = await server.call('/conversations', { as: server.admin, json });
  expect(asked.status, asked.text).toBeGreaterThanOrEqual(400);
  const measures = ['gen_ai.invoke_agent.duration', 'gen_ai.server.request.duration'];
  const told = () =>
    collector.points().filter(({ attributes }) => attributes['error.type'] === 'model_refused');
  // On Workers they are sent by what is done next.
  const nudge = () => server.call('/models', { as: server.admin });
  await expect
    .poll(async () => (await nudge(), told().map(({ metric }) => metric)))
    .toEqual(expect.arrayContaining(measures));
});

it('tells no tokens, of an unknown kind, of a call that its service has not counted', async () => {
  const { name } = await newTurn({}, { usage: 'missing' });
  expect(await tokensOf(name)).toEqual({
    'gen_ai.client.inference.usage.input_tokens': 0,
    'gen_ai.client.inference.usage.output_tokens': 0,
  });
  for (const { metric, attributes } of tokenPoints(name))
    expect(attributes['gen_ai.token.modality'], metric).toBe('unknown');
  expect(collector.schemas()).toEqual(['https://opentelemetry.io/schemas/gen-ai-dev/1.42.0-dev']);
});

it('tells nothing of what was said, by whom, or by which credential', async () => {
  const secrets = ['xyzzy-question', 'plugh-answer', 'plover-instructions', 'fee-document'];
  const [question, said, instructions, document] = secrets;
  const { user, key, trace, conversationId, turnId } = await newTurn(
    { message: `Tell me ${question}`, instructions },
    { tokens: ['So: ', said], reasoning: [said] },
  );
  await server.call('/documents', {
    as: key,
    json: { text: `It is ${document}`, title: document },
  });
  await server.call('/retrieve', { as: key, json: { query: document } });
  const path = `/conversations/${conversationId}`;
  await server.stream(`${path}/stream?message=${question}`, { headers: bearer(key) });
  await server.call(`/no/such/${question}`, { as: key });
  await server.call(path, { headers: { authorization: 'Bearer parley_wrong_key' } });
  await spansOf(trace.traceId, 'invoke_agent parley', 'store');
  await tokensOf('offline').catch(() => undefined);
  const text = collector.text();
  expect(text).toContain(turnId);
  for (const secret of [...secrets, user, key, server.admin, server.upstream.key, 'parley_wrong'])
    expect(text, secret).not.toContain(secret);
  const ids = [conversationId, turnId, user];
  const measured = JSON.stringify(collector.points());
  for (const id of ids) expect(measured).not.toContain(id);
}, 60_000);
