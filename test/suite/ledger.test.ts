/** The ledger: every call of a model is in it once, whatever became of the call, and is priced. */
import { describe, expect, it, vi } from 'vitest';
import { post, search } from './documents-client.ts';
import { suiteTarget, unique } from './target.ts';
import { conversation, hear, scripted } from './turns.ts';

const target = suiteTarget();

interface Counts {
  turns: number;
  calls: number;
  input_tokens: number;
  output_tokens: number;
  cached_tokens: number;
  reasoning_tokens: number;
  cost_usd: number;
  estimated: boolean;
  unpriced_calls: number;
}

interface Report {
  items: (Counts & { day?: string; model?: string; conversation_id?: string | null })[];
  total: Counts;
}

async function usage(userId: string, query = ''): Promise<Report> {
  const answer = await target.call<Report>(`/usage?user_id=${userId}${query}`);
  expect(answer.status, answer.text).toBe(200);
  return answer.json;
}

async function ask(id: string, model: string) {
  const path = `/conversations/${id}/messages`;
  return hear(await target.stream(path, { json: { message: 'Count', model } }));
}

/** A user of its own with a conversation. */
async function newUser(fields = {}) {
  const userId = unique('owner');
  return { userId, id: await conversation(target, { user_id: userId, ...fields }) };
}

const counted = { usage: { input: 1_000, output: 100, cached: 400 } };
const tokens = ['One ', 'two ', 'three'];

describe.concurrent('the ledger', () => {
  it('has a turn as its service counted it, with what it cost', async () => {
    const { userId, id } = await newUser();
    const { model } = await scripted(target, { ...counted, reasoning: ['hm', 'hm'] });
    await ask(id, model);
    const { items, total } = await usage(userId);
    expect(total).toEqual({
      ...{ turns: 1, calls: 1, input_tokens: 1_000, output_tokens: 100, cached_tokens: 400 },
      ...{ reasoning_tokens: 2, estimated: false, unpriced_calls: 0 },
      // 600 fresh tokens at 2 dollars a million, 400 cached at 1, 100 of the answer at 10.
      cost_usd: 0.0026,
    });
    expect(items).toEqual([{ ...total, day: new Date().toISOString().slice(0, 10) }]);
  });

  it('shows sums by model and by conversation', async () => {
    const { userId, id } = await newUser();
    const other = await conversation(target, { user_id: userId });
    const first = await scripted(target, counted);
    const second = await scripted(target, { usage: { input: 10, output: 1 } });
    await ask(id, first.model);
    await ask(other, first.model);
    await ask(other, second.model);
    const byModel = await usage(userId, '&group_by=model');
    const sums = byModel.items.map((item) => [item.model, [item.turns, item.input_tokens]]);
    expect(Object.fromEntries(sums)).toEqual({
      [first.model]: [2, 2_000],
      [second.model]: [1, 10],
    });
    const { items, total } = await usage(userId, '&group_by=conversation');
    const found = new Map(items.map((item) => [item.conversation_id, item.input_tokens]));
    expect([found.get(id), found.get(other)]).toEqual([1_000, 1_010]);
    expect(total).toEqual(byModel.total);
  });

  it('is not changed by a replay, nor by a request that is repeated', async () => {
    const { userId, id } = await newUser();
    const { model } = await scripted(target, counted);
    const path = `/conversations/${id}/messages`;
    const init = { json: { message: 'Hi', model }, headers: { 'idempotency-key': unique('key') } };
    const { headers } = await target.call(path, init);
    const before = await usage(userId);
    await target.call(path, init);
    await (await target.stream(`/turns/${String(headers['x-turn-id'])}/events`)).collect();
    expect(await usage(userId)).toEqual(before);
    expect(before.total.calls).toBe(1);
  });

  it('keeps what a deleted conversation has used', async () => {
    const { userId, id } = await newUser();
    const { model } = await scripted(target, counted);
    await ask(id, model);
    await target.call(`/conversations/${id}`, { method: 'DELETE' });
    expect((await usage(userId)).total.input_tokens).toBe(1_000);
  });

  it('has each step of a turn, the embeddings of its searches, and the rewriting', async () => {
    const userId = unique('owner');
    await post({ user_id: userId, title: 'Manual', text: 'The blue valve needs oil.' });
    const embedded = await usage(userId, '&group_by=model');
    expect(embedded.total).toMatchObject({ calls: 1, turns: 0, output_tokens: 0 });
    expect(embedded.items[0]?.model).toMatch(/embedding/u);
    const toolCalls = [[{ name: 'search_documents', input: { query: 'valve' } }]];
    const steps = await scripted(target, { toolCalls, ...counted });
    await ask(await conversation(target, { user_id: userId }), steps.model);
    const byModel = await usage(userId, '&group_by=model');
    const answered = byModel.items.find(({ model }) => model === steps.model);
    expect(answered).toMatchObject({ turns: 1, calls: 2, input_tokens: 2_000 });
    expect(byModel.total.calls).toBe(4);
    const grounded = await conversation(target, { user_id: userId, mode: 'rag' });
    const { model } = await scripted(target, counted);
    await ask(grounded, model);
    await ask(grounded, model);
    const after = await usage(userId, '&group_by=model');
    // Two answers and, for the second, a query that was rewritten.
    expect(after.items.find((item) => item.model === model)).toMatchObject({ turns: 2, calls: 3 });
  });

  it('has the embedding of a search', async () => {
    const userId = unique('owner');
    await post({ user_id: userId, title: 'Manual', text: 'The blue valve needs oil.' });
    const before = (await usage(userId)).total;
    await search({ user_id: userId, query: 'valve' });
    const after = (await usage(userId)).total;
    expect(after.calls).toBe(before.calls + 1);
    expect(after.input_tokens).toBeGreaterThan(before.input_tokens);
    expect(after.estimated).toBe(false);
  });

  it('has a call that the service refused, which used nothing', async () => {
    const { userId, id } = await newUser();
    const { model } = await scripted(target, { status: { code: 500 } });
    await target.call(`/conversations/${id}/messages`, { json: { message: 'Hi', model } });
    const { total } = await usage(userId);
    expect(total).toMatchObject({ calls: 1, input_tokens: 0, output_tokens: 0, estimated: false });
  });

  it.each([
    ['breaks off', { fault: { how: 'reset', afterTokens: 2 } }],
    ['reports nothing', { usage: 'missing' }],
  ] as const)('has an estimate of an answer that %s', async (_, behaviour) => {
    const { userId, id } = await newUser();
    const { model } = await scripted(target, { tokens, ...behaviour });
    const { end } = await ask(id, model);
    const { total } = await usage(userId);
    expect(total).toMatchObject({ calls: 1, estimated: true });
    expect(total.output_tokens).toBe(end.usage.output_tokens);
    expect(total.input_tokens).toBe(end.usage.input_tokens);
    expect(total.output_tokens).toBeGreaterThan(0);
  });

  it('has what was said of a turn that was cancelled, and of one whose conversation goes', async () => {
    const slow = { tokens: Array.from({ length: 200 }, () => 'word '), delayMs: { between: 50 } };
    const { userId, id } = await newUser();
    const { model } = await scripted(target, slow);
    const path = `/conversations/${id}/messages`;
    const stream = await target.stream(path, { json: { message: 'Hi', model } });
    await stream.next('message.delta');
    await target.call(`/conversations/${id}`, { method: 'DELETE' });
    await vi.waitFor(async () => expect((await usage(userId)).total.calls).toBe(1), 10_000);
    const { total } = await usage(userId);
    expect(total.estimated).toBe(true);
    expect(total.output_tokens).toBeGreaterThan(0);
  });

  it('says how many calls have no price', async () => {
    const { userId, id } = await newUser();
    const { model } = await scripted(target, { usage: { input: 7, output: 3 } }, 'groq');
    await ask(id, model);
    const { total } = await usage(userId);
    expect(total).toMatchObject({ input_tokens: 7, cost_usd: 0, unpriced_calls: 1 });
  });

  it('is of one user alone', async () => {
    const { userId, id } = await newUser();
    const { model } = await scripted(target, counted);
    await ask(id, model);
    expect((await usage(`${userId}-other`)).items).toEqual([]);
  });
});

describe('GET /usage', () => {
  it('takes a range of days or times', async () => {
    const { userId, id } = await newUser();
    const { model } = await scripted(target, counted);
    await ask(id, model);
    const day = new Date().toISOString().slice(0, 10);
    const next = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
    expect((await usage(userId, `&from=${day}&to=${next}`)).total.calls).toBe(1);
    expect((await usage(userId, `&from=2020-01-01&to=2020-02-01T10:00:00Z`)).total.calls).toBe(0);
  });

  it('answers in CSV, without formulas', async () => {
    const { userId, id } = await newUser();
    const { model } = await scripted(target, counted);
    await ask(id, model);
    const path = `/usage?user_id=${userId}&group_by=model`;
    const { headers, text } = await target.call(path, { headers: { accept: 'text/csv' } });
    expect(headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(headers['content-disposition']).toContain('usage.csv');
    const [names, line, rest] = text.split('\r\n');
    expect(names).toBe(
      'model,turns,calls,input_tokens,output_tokens,cached_tokens,reasoning_tokens,cost_usd,estimated,unpriced_calls',
    );
    expect(line).toBe(`${model},1,1,1000,100,400,0,0.0026,false,0`);
    expect(rest).toBe('');
  });

  it.each([
    ['from=yesterday', 'from'],
    ['from=2026-02-30', 'from'],
    ['to=2026-13-01T00:00:00Z', 'to'],
    ['from=2026-02-02&to=2026-02-01', 'from'],
    ['group_by=hour', 'group_by'],
    ['limit=3', 'limit'],
  ])('refuses %s and names the parameter', async (query, path) => {
    const answer = await target.call(`/usage?user_id=${unique('user')}&${query}`);
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ code: 'invalid_request', errors: [{ path }] });
  });

  it('needs a user', async () => {
    expect((await target.call('/usage')).status).toBe(400);
  });
});
