/** Limits and budgets: what a user may use, reserved before a model is asked and settled after. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenStream } from '../support/sse.ts';
import type { Behaviour } from '../support/upstream.ts';
import { startIdentityServer, type IdentityServer } from './identity.ts';
import { suiteTarget, unique } from './target.ts';
import type { EndJson, ProblemJson } from './turns.ts';

const { runtime } = suiteTarget();
const MODEL_PRICES = JSON.stringify([
  { model: 'openai/*', from: '2025-01-01', input: 2, output: 10 },
  { model: 'openai/dear', from: '2025-01-01', input: 2_000, output: 10_000 },
]);
let place: IdentityServer;
let admin: string;

beforeAll(async () => {
  const env = { MODEL_PRICES, LIMIT_TOKENS_PER_MONTH: '1000000', LIMIT_TURNS_AT_ONCE: '40' };
  place = await startIdentityServer(runtime, env);
  admin = await place.key({ user: 'admin', scope: 'admin' });
}, 150_000);
afterAll(() => place.close());

type State = Record<'limit' | 'used' | 'reserved' | 'remaining', number> & {
  name: string;
  resets_in?: number;
};
interface LimitsJson {
  user_id: string;
  limits: State[];
}
type Refusal = ProblemJson & { 'violated-policies': string[] };

/** A user with limits of its own, who has a key. */
async function limited(limits: object) {
  const user = unique('user');
  const as = await place.key({ user });
  const path = `/users/${user}/limits`;
  const set = await place.call(path, { method: 'PUT', json: limits, as: admin });
  expect(set.status, set.text).toBe(200);
  return { user, as };
}

function script(behaviour: Behaviour): string {
  const name = unique('model');
  place.upstream.script(name, { tokens: ['One ', 'two'], ...behaviour });
  return `openai/${name}`;
}

const many = (text: string) => Array.from({ length: 5_000 }, () => text);
const LONG_NOTE = { name: 'note', input: { text: 'a word '.repeat(9_000) } };
const CALLING: Behaviour = {
  toolCalls: [[LONG_NOTE]],
  fault: { how: 'stall', afterTokens: 7_000 },
};
const NOTE = { name: 'note', input_schema: { type: 'object' } };

const modest = { usage: { input: 100, output: 50 } };
const SLOW = { tokens: Array.from({ length: 300 }, () => 'word '), delayMs: { between: 50 } };

function ask<Body = unknown>(as: string, model: string, fields: object = {}, headers = {}) {
  const json = { message: 'Hi', model, ...fields };
  return place.call<Body>('/conversations', { as, json, headers });
}

function open(as: string, model: string): Promise<OpenStream> {
  return place.stream('/conversations', { as, json: { message: 'Hi', model } });
}

async function stateOf(as: string, name: string): Promise<State> {
  const { json } = await place.call<LimitsJson>('/limits', { as });
  const found = json.limits.find((state) => state.name === name);
  if (!found) throw new Error(`${name} is not limited`);
  return found;
}

function askedOf(model: string) {
  return place.upstream.requests.filter((request) => `openai/${request.model}` === model);
}

describe('a budget of tokens', () => {
  it('is reserved when a turn is accepted, and settled when it ends', async () => {
    const { as } = await limited({ tokens_per_day: 50_000 });
    const model = script({ ...SLOW, tokens: SLOW.tokens.slice(0, 20), ...modest });
    const stream = await open(as, model);
    expect(stream.headers['ratelimit-policy']).toContain(
      '"tokens_per_day";q=50000;qu="parley-tokens";w=86400',
    );
    const [, left = ''] =
      /"tokens_per_day";r=(\d+);t=\d+/u.exec(String(stream.headers['ratelimit'])) ?? [];
    expect(Number(left)).toBeLessThan(50_000 - 4_096);
    const running = await stateOf(as, 'tokens_per_day');
    expect(running.reserved).toBeGreaterThan(4_096);
    expect(running.remaining).toBe(Number(left));
    // Only clients of OpenAI's API look for these.
    expect(stream.headers).not.toHaveProperty('x-ratelimit-remaining-tokens');
    const { data } = await stream.next('turn.completed');
    const { limits } = JSON.parse(data) as EndJson & { limits: State[] };
    const told = limits.find(({ name }) => name === 'tokens_per_day');
    expect(told).toMatchObject({ used: 150, reserved: 0, remaining: 49_850 });
    expect(await stateOf(as, 'tokens_per_day')).toMatchObject({ used: 150, reserved: 0 });
  });

  it('a budget of tokens that is used up refuses with what, until when, and stores nothing', async () => {
    const { as } = await limited({ tokens_per_day: 1_500 });
    const model = script({ usage: { input: 900, output: 580 } });
    expect((await ask(as, model)).status).toBe(200);
    const refused = await ask<Refusal>(as, model);
    expect(refused.status).toBe(429);
    expect(refused.headers['content-type']).toBe('application/problem+json');
    expect(refused.json).toMatchObject({
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      code: 'quota_exceeded',
      'violated-policies': ['tokens_per_day'],
    });
    const midnight = Math.ceil((Date.parse(tomorrow()) - Date.now()) / 1000);
    expect(Math.abs(Number(refused.headers['retry-after']) - midnight)).toBeLessThan(60);
    expect(refused.headers['ratelimit']).toContain('"tokens_per_day";r=20;t=');
    const { json } = await place.call<unknown[]>('/conversations', { as });
    expect(json).toHaveLength(1);
    expect(askedOf(model)).toHaveLength(1);
  });

  it('limits what the model may answer to what is left', async () => {
    const { as } = await limited({ tokens_per_day: 2_000 });
    const model = script(modest);
    expect((await ask(as, model)).status).toBe(200);
    const [asked] = askedOf(model);
    const body = asked?.body as { max_tokens?: number; max_completion_tokens?: number };
    const most = body.max_completion_tokens ?? body.max_tokens ?? Infinity;
    expect(most).toBeGreaterThan(1_000);
    expect(most).toBeLessThan(2_000);
  });

  it('reserves the prompt of the next turn with the tools that the last one had', async () => {
    const { as } = await limited({ tokens_per_day: 500_000 });
    const model = script(modest);
    const description = 'Writes a note. '.repeat(600);
    const tools = ['a', 'b', 'c'].map((name) => ({ ...NOTE, name, description }));
    // The sums of a user are kept from the end of its first turn on.
    await ask(as, model);
    const first = await ask<{ conversation_id: string }>(as, model, { tools });
    expect(first.status, first.text).toBe(200);
    const path = `/conversations/${first.json.conversation_id}/messages`;
    const most = { max_output_tokens: 1_000 };
    const asked = { message: 'And then?', model: script(SLOW), ...most };
    const stream = await place.stream(path, { as, json: asked });
    await stream.next('message.delta');
    const { reserved } = await stateOf(as, 'tokens_per_day');
    expect(reserved).toBeGreaterThan(6_000);
    expect(reserved).toBeLessThan(15_000);
    stream.close();
  });

  it('goes on without the tools of the last turn where there is no room for them', async () => {
    const { as } = await limited({ tokens_per_day: 12_000 });
    const model = script(modest);
    const description = 'Writes a note. '.repeat(600);
    const offer = (names: string) =>
      names.split(' ').map((name) => ({ ...NOTE, name, description }));
    const tools = offer('a b');
    const first = await ask<{ conversation_id: string }>(as, model, { tools });
    expect(first.status, first.text).toBe(200);
    const path = `/conversations/${first.json.conversation_id}/messages`;
    const say = (json: object) => place.call(path, { as, json: { message: 'Hi', model, ...json } });
    expect((await say({ tools: offer('a b c d e f') })).status).toBe(429);
    expect((await say({ tools })).status).toBe(200);
    const spent = await ask(as, script({ usage: { input: 5_000, output: 3_500 } }));
    expect(spent.status, spent.text).toBe(200);
    const { remaining } = await stateOf(as, 'tokens_per_day');
    expect(remaining).toBeGreaterThan(1_000);
    expect(remaining).toBeLessThan(4_000);
    expect((await say({ tools })).status).toBe(429);
    for (const _ of [1, 2]) expect((await say({})).status).toBe(200);
  });

  it('lets a model answer as much as the request did whose parameters are taken over', async () => {
    const { as } = await limited({ tokens_per_day: 50_000 });
    const call = { name: 'note', input: {}, id: 'call_note' };
    const name = unique('model');
    place.upstream.script(name, [{ toolCalls: [[call]] }, modest]);
    const most = { max_output_tokens: 9_000 };
    const { json } = await ask<{ conversation_id: string }>(as, `openai/${name}`, {
      ...{ ...most, tools: [NOTE] },
    });
    const path = `/conversations/${json.conversation_id}/messages`;
    const tool_results = [{ tool_call_id: 'call_note', output: 'noted' }];
    const answered = await place.call<EndJson>(path, { as, json: { tool_results } });
    expect(answered.status, answered.text).toBe(200);
    const again = await place.call(`/messages/${answered.json.message.id}/regenerate`, {
      ...{ as, json: { model: `openai/${name}` } },
    });
    expect(again.status, again.text).toBe(200);
    const allowed = askedOf(`openai/${name}`).map(({ body }) => {
      const asked = body as { max_tokens?: number; max_completion_tokens?: number };
      return asked.max_completion_tokens ?? asked.max_tokens;
    });
    expect(allowed).toEqual([9_000, 9_000, 9_000]);
  });

  it.each([
    { provider: 'openai', says: 'words', behaviour: {} },
    { provider: 'openai', says: 'thoughts', behaviour: { reasoning: many('a thought ') } },
    { provider: 'openai', says: 'a call of a tool', behaviour: CALLING },
    { provider: 'google', says: 'words', behaviour: {} },
  ])('ends $says of $provider beyond what was granted', async ({ provider, behaviour }) => {
    const { as } = await limited({ tokens_per_day: 2_000 });
    const model = script({ tokens: ['word after word '], infinite: true, ...behaviour });
    const tools = 'toolCalls' in behaviour ? [NOTE] : undefined;
    const json = { message: 'Hi', model: model.replace('openai', provider), tools };
    const stream = await place.stream('/conversations', { as, json });
    const { data } = await stream.next('turn.completed');
    const { message, finish_reason, usage } = JSON.parse(data) as EndJson;
    expect([message.status, finish_reason]).toEqual(['truncated', 'length']);
    const [asked] = askedOf(model);
    await asked?.closed;
    expect(asked).toMatchObject({ aborted: true, finished: false });
    const { used, reserved } = await stateOf(as, 'tokens_per_day');
    // Half of it is tolerated, since estimates err.
    expect(used).toBeGreaterThan(2_400);
    expect(used).toBeLessThan(3_300);
    expect([reserved, usage.total_tokens]).toEqual([0, used]);
  });

  it('lets a model write all that was granted', async () => {
    const { as } = await limited({ tokens_per_day: 2_000 });
    const model = script({ tokens: Array.from({ length: 1_500 }, () => 'word '), burst: 50 });
    const { json } = await ask<{ message: { status: string } }>(as, model);
    expect(json.message.status).toBe('complete');
    expect((await stateOf(as, 'tokens_per_day')).used).toBeGreaterThan(1_500);
  });

  it('neither passes nor reserves a month for a hostile limit of the answer', async () => {
    const { as } = await limited({ tokens_per_day: 100_000 });
    const stream = await place.stream('/conversations', {
      as,
      json: { message: 'Hi', model: script(SLOW), max_output_tokens: 1_000_000 },
    });
    await stream.next('message.delta');
    expect((await stateOf(as, 'tokens_per_day')).reserved).toBeLessThan(20_000);
    stream.close();
    for (const wrong of [-1, 0, 1.5, 1e12, 'many'])
      expect((await ask(as, script({}), { max_output_tokens: wrong })).status).toBe(400);
  });

  it('is not spent by a replay, and a key is answered when it is used up', async () => {
    const { as } = await limited({ tokens_per_day: 1_500 });
    const model = script({ usage: { input: 900, output: 580 } });
    const headers = { 'idempotency-key': unique('key') };
    const first = await ask(as, model, {}, headers);
    const again = await ask(as, model, {}, headers);
    expect(again.status, again.text).toBe(200);
    expect(again.headers['x-turn-id']).toBe(first.headers['x-turn-id']);
    expect((await stateOf(as, 'tokens_per_day')).used).toBe(1_480);
  });

  it('is reserved for each step: one that does not fit is not taken', async () => {
    const { user, as } = await limited({ tokens_per_day: 6_000 });
    const text = 'The blue valve needs oil. '.repeat(100);
    await place.call('/documents', { as, json: { title: 'Manual', text } });
    const toolCalls = [[{ name: 'search_documents', input: { query: 'valve' } }]];
    const model = script({ toolCalls, usage: { input: 5_000, output: 500 } });
    const json = { message: 'Hi', model, user_id: user };
    const stream = await place.stream('/conversations', { as, json });
    const { data } = await stream.next('turn.failed');
    expect(JSON.parse(data)).toMatchObject({ error: { code: 'quota_exceeded' } });
    expect(askedOf(model)).toHaveLength(1);
    const { used, reserved } = await stateOf(as, 'tokens_per_day');
    expect(used).toBeGreaterThanOrEqual(5_500);
    expect(reserved).toBe(0);
  });

  it('is reserved for a step beside what a long prompt has taken from the answer before', async () => {
    const limit = 8_500;
    const { user, as } = await limited({ tokens_per_day: limit });
    await place.call('/documents', { as, json: { title: 'Manual', text: 'The valve needs oil.' } });
    const toolCalls = [[{ name: 'search_documents', input: { query: 'valve' } }]];
    const first = { input: 2_500, output: 1_000 };
    const model = script({ toolCalls, usage: first });
    const tools = [{ ...NOTE, description: 'Writes a note. '.repeat(600) }];
    const asked = await ask(as, model, { user_id: user, tools });
    expect(asked.status, asked.text).toBe(200);
    const [, step] = askedOf(model);
    const body = step?.body as { max_completion_tokens?: number; max_tokens?: number };
    const most = body.max_completion_tokens ?? body.max_tokens ?? Infinity;
    // The prompt of the step is at least as long.
    expect(2 * first.input + first.output + most).toBeLessThan(limit);
  });

  it('counts documents and searches, and refuses them when it is used up', async () => {
    const { as } = await limited({ tokens_per_day: 1_500 });
    const json = { title: 'Manual', text: 'The blue valve needs oil.' };
    expect((await place.call('/documents', { as, json })).status).toBe(200);
    expect((await stateOf(as, 'tokens_per_day')).used).toBeGreaterThan(0);
    const spent = await ask(as, script({ usage: { input: 1_400, output: 200 } }));
    expect(spent.status, spent.text).toBe(200);
    expect((await stateOf(as, 'tokens_per_day')).remaining).toBe(0);
    const other = { title: 'Another', text: 'The red valve needs none.' };
    const refused = await place.call<Refusal>('/documents', { as, json: other });
    expect([refused.status, refused.json.code]).toEqual([429, 'quota_exceeded']);
    const search = await place.call('/retrieve', { as, json: { query: 'valve' } });
    expect(search.status).toBe(429);
  });
});

describe('a budget of costs', () => {
  it('is in dollars by the table of prices', async () => {
    const { as } = await limited({ cost_per_month: 0.5 });
    const model = script({ usage: { input: 100_000, output: 10_000 } });
    expect((await ask(as, model)).status).toBe(200);
    // 100,000 tokens at 2 dollars a million, and 10,000 at 10.
    expect(await stateOf(as, 'cost_per_month')).toMatchObject({ limit: 0.5, used: 0.3 });
    await ask(as, script({ usage: { input: 100_000, output: 0 } }));
    const refused = await ask<Refusal>(as, model);
    expect(refused.json).toMatchObject({
      code: 'quota_exceeded',
      'violated-policies': ['cost_per_month'],
    });
  });

  it('results of calls are priced by the model that called, which goes on', async () => {
    const { as } = await limited({ cost_per_month: 1_000 });
    const call = { name: 'note', input: {}, id: 'call_note' };
    place.upstream.script('dear', [{ toolCalls: [[call]] }, SLOW]);
    const { json } = await place.call<{ conversation_id: string }>('/conversations', {
      as,
      json: { model: script(modest) },
    });
    const path = `/conversations/${json.conversation_id}/messages`;
    const first = { message: 'Hi', model: 'openai/dear', tools: [NOTE] };
    expect((await place.call(path, { as, json: first })).status).toBe(200);
    const tool_results = [{ tool_call_id: 'call_note', output: 'noted' }];
    const stream = await place.stream(path, { as, json: { tool_results } });
    await stream.next('message.delta');
    const { reserved } = await stateOf(as, 'cost_per_month');
    // Some 300 tokens of the prompt and 4,096 of the answer.
    expect(reserved).toBeGreaterThan(40);
    stream.close();
  });

  it('reserves by the whole name of a model, whatever is in it', async () => {
    const { as } = await limited({ cost_per_month: 2 });
    const odd = await ask(as, 'openai/dear"est');
    expect(odd.status, odd.text).toBe(200);
    const dear = await ask(as, 'openai/dear');
    expect(dear.status, dear.text).toBe(429);
  });

  it('refuses a model without a price', async () => {
    const { as } = await limited({ cost_per_month: 5 });
    const refused = await ask<ProblemJson>(as, 'groq/unpriced');
    expect(refused.status).toBe(400);
    expect(refused.json.errors?.[0]?.path).toBe('model');
  });
});

describe('limits of requests', () => {
  it('on turns at once refuse one too many, until one of them ends', async () => {
    const { as } = await limited({ turns_at_once: 1 });
    const model = script(SLOW);
    const stream = await open(as, model);
    await stream.next('message.delta');
    const refused = await ask<Refusal>(as, model);
    expect(refused.status).toBe(429);
    expect(refused.json).toMatchObject({
      code: 'rate_limited',
      'violated-policies': ['turns_at_once'],
    });
    expect(Number(refused.headers['retry-after'])).toBeLessThan(10);
    const turnId = String(stream.headers['x-turn-id']);
    await place.call(`/turns/${turnId}/cancel`, { as, method: 'POST' });
    expect((await ask(as, script(modest))).status).toBe(200);
  });

  it.each([{ requests_per_minute: 1 }, { requests_per_minute: 1, tokens_per_day: 500_000 }])(
    'refuse a turn that answers what steered another: %o',
    async (limits) => {
      const { as } = await limited(limits);
      const begun = { as, json: { title: 'Valves' } };
      const { json } = await place.call<{ conversation_id: string }>('/conversations', begun);
      const path = `/conversations/${json.conversation_id}/messages`;
      const model = script({ ...modest, holdAt: 1 });
      const says = (message: string) => ({
        as,
        json: { message, model, stream: true, on_busy: 'steer' },
      });
      const running = await place.stream(path, says('Hi'));
      const steering = await place.stream(path, says('And now?'));
      const name = model.slice('openai/'.length);
      place.upstream.release(name);
      const [first, second] = await Promise.all([running.collect(), steering.collect()]);
      expect(first.events.some(({ type }) => type === 'turn.completed')).toBe(true);
      const failed = second.events.find(({ type }) => type === 'turn.failed');
      expect(JSON.parse(failed?.data ?? '{}')).toMatchObject({ error: { code: 'rate_limited' } });
      expect(place.upstream.requests.filter((request) => request.model === name)).toHaveLength(1);
    },
  );

  it('a minute count turns of whatever conversation', async () => {
    const { as } = await limited({ requests_per_minute: 2 });
    const model = script(modest);
    for (const status of [200, 200, 429]) expect((await ask(as, model)).status).toBe(status);
    const refused = await ask<Refusal>(as, model);
    expect(refused.json.code).toBe('rate_limited');
    const seconds = Number(refused.headers['retry-after']);
    // Not before the minute is over, and not all in the same second.
    expect(seconds).toBeGreaterThanOrEqual(60);
    expect(seconds).toBeLessThanOrEqual(63);
  });
});

describe('to clients of the API of OpenAI', () => {
  const limits = { tokens_per_day: 50_000, requests_per_minute: 3 };
  const refusing: Behaviour = { status: { code: 400 } };
  const messages = [{ role: 'user', content: 'Hi' }];
  const fields = {
    'x-ratelimit-limit-requests': '3',
    'x-ratelimit-reset-requests': '60s',
    'x-ratelimit-limit-tokens': '50000',
    'x-ratelimit-reset-tokens': expect.stringMatching(/^\d+s$/) as string,
  };

  it.each([
    { path: '/v1/chat/completions', said: { messages } },
    { path: '/v1/responses', said: { input: 'Hi' } },
  ])('$path tells in their fields what is left', async ({ path, said }) => {
    const { as } = await limited(limits);
    const json = { ...said, model: script(modest) };
    const stream = await place.stream(path, { as, json: { ...json, stream: true } });
    // What the turn has reserved is not left.
    expect(stream.headers).toMatchObject({ ...fields, 'x-ratelimit-remaining-requests': '2' });
    const [left] = /\d+/u.exec(String(stream.headers['x-ratelimit-remaining-tokens'])) ?? [];
    expect(Number(left)).toBeLessThan(50_000 - 1_000);
    await stream.collect();
    const whole = await place.call(path, { as, json });
    expect(whole.status, whole.text).toBe(200);
    expect(whole.headers).toMatchObject({ ...fields, 'x-ratelimit-remaining-tokens': '49700' });
    const failed = await place.call(path, { as, json: { ...said, model: script(refusing) } });
    expect(failed.status, failed.text).toBe(400);
    expect(failed.headers).toMatchObject({ ...fields, 'x-ratelimit-remaining-requests': '0' });
    const refused = await place.call(path, { as, json });
    expect(refused.status).toBe(429);
    expect(refused.headers).toMatchObject({ ...fields, 'x-ratelimit-remaining-requests': '0' });
  });

  it.each([
    { path: '/v1/chat/completions', said: { messages } },
    { path: '/v1/responses', said: { input: 'Hi' } },
  ])('$path lets pages read each of these fields', async ({ path, said }) => {
    const { as } = await limited({ ...limits, requests_per_minute: 2 });
    const asked = { as, headers: { origin: place.server.url } };
    const json = { ...said, model: script(modest) };
    const stream = await place.stream(path, { ...asked, json: { ...json, stream: true } });
    await stream.collect();
    const whole = await place.call(path, { ...asked, json });
    const refused = await place.call(path, { ...asked, json });
    expect([stream.status, whole.status, refused.status]).toEqual([200, 200, 429]);
    for (const { headers } of [stream, whole, refused]) {
      const exposed = String(headers['access-control-expose-headers']).toLowerCase().split(',');
      const told = Object.keys(headers).filter((name) => /^(?:x-)?ratelimit/u.test(name));
      expect(told).toHaveLength(8);
      expect(exposed).toEqual(expect.arrayContaining(told));
    }
  });
});

describe('the limits of a single user', () => {
  it('count the requests of the last minute, also those from before they were set', async () => {
    const none = { tokens_per_month: null, turns_at_once: null };
    const { user, as } = await limited(none);
    const model = script(modest);
    const set = (json: object) =>
      place.call(`/users/${user}/limits`, { method: 'PUT', json, as: admin });
    for (const limits of [none, { ...none, requests_per_minute: 5 }, none]) {
      expect((await set(limits)).status).toBe(200);
      for (let turn = 0; turn < 2; turn++) expect((await ask(as, model)).status).toBe(200);
    }
    expect((await set({ ...none, requests_per_minute: 6 })).status).toBe(200);
    expect((await ask(as, model)).status).toBe(429);
  });

  it('take the place of the default ones, null being none', async () => {
    const { as } = await limited({ tokens_per_month: null, turns_at_once: 3 });
    const { json } = await place.call<LimitsJson>('/limits', { as });
    expect(json.limits.map(({ name, limit }) => [name, limit])).toEqual([['turns_at_once', 3]]);
    const other = await place.key({ user: unique('user') });
    expect((await stateOf(other, 'tokens_per_month')).limit).toBe(1_000_000);
  });

  it('are set by an admin alone', async () => {
    const { user, as } = await limited({ turns_at_once: 3 });
    const init = { method: 'PUT', json: { turns_at_once: 30 } };
    const own = await place.call<ProblemJson>(`/users/${user}/limits`, { ...init, as });
    expect([own.status, own.json.code]).toEqual([403, 'forbidden']);
    expect((await place.call(`/users/another/limits`, { ...init, as })).status).toBe(404);
    expect((await place.call(`/users/${user}/limits`, init)).status).toBe(401);
    expect((await stateOf(as, 'turns_at_once')).limit).toBe(3);
  });

  it.each([
    [{ tokens_per_day: -1 }, 'tokens_per_day'],
    [{ tokens_per_day: 1.5 }, 'tokens_per_day'],
    [{ cost_per_month: 'much' }, 'cost_per_month'],
    [{ tokens: 5 }, 'tokens'],
  ])('are not set by %j', async (json, path) => {
    const answer = await place.call<ProblemJson>('/users/somebody/limits', {
      ...{ method: 'PUT', json, as: admin },
    });
    expect(answer.status).toBe(400);
    expect(answer.json.errors?.[0]?.path).toBe(path);
  });
});

function tomorrow(): string {
  return new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
}
