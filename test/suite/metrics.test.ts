/**
 * `/metrics`: what Prometheus reads, who may read it, and that nobody may unless it is turned on.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { startServer } from '../support/server.ts';
import { startIdentityServer, type IdentityServer } from './identity.ts';
import { aProblem } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';

const target = suiteTarget();

it('is no route unless it is turned on', async () => {
  const answer = await target.call('/metrics');
  expect(answer.json).toMatchObject(aProblem(404, 'not_found'));
});

describe.runIf(target.runtime === 'node')('the measures', () => {
  let server: IdentityServer;
  beforeAll(async () => {
    server = await startIdentityServer('node', { METRICS: 'on' });
  }, 100_000);
  afterAll(() => server.close());

  it('are for admins alone, and have no user and no conversation in them', async () => {
    const user = unique('owner');
    const key = await server.key({ user });
    const json = { message: 'Hi', model: 'offline' };
    const made = await server.call<{ conversation_id: string }>('/conversations', {
      as: key,
      json,
    });
    const metrics = (as: string | undefined) => server.call('/metrics', { as });
    expect((await metrics(undefined)).status).toBe(401);
    expect((await metrics(key)).json).toMatchObject(aProblem(403, 'forbidden'));
    const { status, text, headers } = await metrics(server.admin);
    expect(status, text).toBe(200);
    expect(headers['content-type']).toMatch(/^text\/plain; version=0.0.4/u);
    expect(text).toMatch(
      /^http_server_request_duration_count\{.*http_route="\/conversations".*\} 1$/mu,
    );
    expect(text).toMatch(
      /^gen_ai_client_inference_usage_output_tokens_total\{.*gen_ai_request_model="offline".*\} \d/mu,
    );
    await server.call('/documents', { as: key, json: { text: 'The valve is blue.' } });
    await server.call('/retrieve', { as: key, json: { query: 'valve' } });
    const { text: later } = await metrics(server.admin);
    expect(later).toMatch(/^parley_ingest_duration_count\{[^}]*\} 1$/mu);
    const operation = (name: string) =>
      new RegExp(
        `^gen_ai_client_operation_duration_count\\{.*operation_name="${name}".*\\} \\d`,
        'mu',
      );
    for (const name of ['chat', 'embeddings', 'retrieval']) expect(later).toMatch(operation(name));
    for (const id of [user, made.json.conversation_id]) expect(text).not.toContain(id);
  });

  it('are for this machine alone where nobody is asked who they are', async () => {
    const open = await startServer({ env: { METRICS: 'on', AUTH: 'none', HOST: '0.0.0.0' } });
    try {
      const { port } = new URL(open.url);
      const answer = await request(`http://127.0.0.1:${port}/metrics`);
      expect(answer.json).toMatchObject(aProblem(403, 'forbidden'));
    } finally {
      await open.close();
    }
    const loopback = await startServer({ env: { METRICS: 'on' } });
    try {
      expect((await request(`${loopback.url}/metrics`)).status).toBe(200);
    } finally {
      await loopback.close();
    }
  }, 60_000);
});

describe('Server-Timing', () => {
  const user_id = unique('user');
  const model = 'offline';
  const timesOf = (headers: Record<string, unknown>) =>
    Object.fromEntries(
      [...String(headers['server-timing']).matchAll(/([\w-]+);dur=([\d.]+)/gu)].map(
        ([, name, ms]) => [name, Number(ms)],
      ),
    );

  it('says how long any answer took, and the parts of a whole turn', async () => {
    const listed = await target.call(`/conversations?user_id=${user_id}`);
    expect(timesOf(listed.headers)).toEqual({ total: expect.any(Number) });
    const turn = await target.call('/conversations', { json: { user_id, message: 'Hi', model } });
    const times = timesOf(turn.headers);
    expect(Object.keys(times)).toEqual(['total', 'first-token', 'turn']);
    expect(times['turn']).toBeGreaterThanOrEqual(times['first-token'] ?? Number.NaN);
  });

  it('says how long the head of a stream took', async () => {
    const json = { user_id, message: 'Hi', model };
    const stream = await target.stream('/conversations', { json });
    expect(timesOf(stream.headers)).toEqual({ total: expect.any(Number) });
    await stream.collect();
  });
});
