/** Summaries of conversations at OpenAI's door. */
import type OpenAI from 'openai';
import { describe, expect, it, vi } from 'vitest';
import { asRecord } from '../support/json.ts';
import { compaction } from './open-responses.ts';
import { openAiClient } from './openai-client.ts';
import { suiteTarget, unique } from './target.ts';
import { scripted, sentMessages } from './turns.ts';

const target = suiteTarget();
const summary = 'Alice launches on Tuesday 😀.';

const clientOf = (user: string) => openAiClient(target, user);

async function sent(name: string) {
  return sentMessages((await target.upstream.requests(name)).at(-1)?.body);
}

async function isEmpty(user: string, count = 0) {
  const path = `/conversations?user_id=${user}`;
  await vi.waitFor(async () => expect((await target.call(path)).json).toHaveLength(count), 10_000);
}

const history = [
  { role: 'user' as const, content: 'I am Alice. We launch on Tuesday.' },
  { role: 'assistant' as const, content: 'Understood.' },
];

describe.concurrent('a compaction', () => {
  it('is what the model says of a history, and stands for it afterwards', async () => {
    const writer = await scripted(target, { text: summary });
    const user = unique('user');
    const { responses } = clientOf(user);
    const made = await responses.compact({ model: writer.model, input: history });
    expect(() => compaction.parse(made)).not.toThrow();
    expect(made.output.map(({ type }) => type)).toEqual(['compaction']);
    expect(JSON.stringify(made)).not.toContain('Tuesday');
    const asked = await sent(writer.name);
    expect(asked.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    expect(asked.at(-1)?.content).toMatch(/^Summarize/u);
    await isEmpty(user);

    const { model, name } = await scripted(target, { text: 'On Tuesday.' });
    const items = made.output as OpenAI.Responses.ResponseInput;
    const input = [...items, { role: 'user' as const, content: 'When?' }];
    const first = await responses.create({ model, input });
    expect(first.output_text).toBe('On Tuesday.');
    const said = await sent(name);
    expect(said.map(({ role }) => role)).toEqual(['system', 'user']);
    expect(said[0]?.content).toContain(summary);
    // It holds for what follows, too.
    await responses.create({ model, input: 'Sure?', previous_response_id: first.id });
    expect((await sent(name))[0]?.content).toContain(summary);
    await isEmpty(user, 1);
  });

  it('is made of a response with all before it, which stays as it is', async () => {
    const { model, name } = await scripted(target, { text: summary });
    const user = unique('user');
    const { responses } = clientOf(user);
    const first = await responses.create({ model, input: 'We launch on Tuesday.' });
    const asked = { model, previous_response_id: first.id };
    await responses.compact({ ...asked, instructions: 'In German' });
    const [system, ...rest] = await sent(name);
    expect(system?.content).toContain('In German');
    expect(rest.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    const { json } = await target.call(`/conversations?user_id=${user}`);
    expect(json).toMatchObject([{ message_count: 2 }]);
    await isEmpty(user, 1);
  });

  it('is billed as any answer', async () => {
    const { model } = await scripted(target, { text: summary });
    const user = unique('user');
    const made = await clientOf(user).responses.compact({
      model,
      input: history,
    });
    expect(made.usage.output_tokens).toBeGreaterThan(0);
    const { json } = await target.call(`/usage?user_id=${user}`);
    expect(asRecord(json)).toMatchObject({
      items: [{ output_tokens: made.usage.output_tokens }],
    });
  });

  it.each([
    ['a failure', { status: { code: 500 } }, 503],
    ['a cut', { text: summary, finishReason: 'length' as const }, 502],
    ['a reset', { text: summary, fault: { how: 'reset' as const, afterTokens: 1 } }, 503],
  ])('is an error and no part of one after %s', async (_, script, status) => {
    const { model } = await scripted(target, script);
    const user = unique('user');
    const json = { model, input: history, user };
    const answer = await target.call('/v1/responses/compact', { json });
    expect([answer.status, asRecord(asRecord(answer.json)['error'])['code']]).toEqual([
      status,
      expect.stringMatching(/^model_/u),
    ]);
    await isEmpty(user);
  });

  it.each([
    ['model', { input: 'Hello' }],
    ['input', { model: 'offline' }],
    ['input', { model: 'offline', input: [] }],
    ['previous_response_id', { model: 'offline', previous_response_id: 'resp_nobody' }],
    ['model', { model: 'nobody/knows', input: 'Hello' }],
    ['service_tier', { model: 'offline', input: 'Hello', service_tier: 'flex' }],
  ])(
    'is refused without what it needs, and for what cannot be honoured: %s',
    async (param, json) => {
      const { status, json: body } = await target.call('/v1/responses/compact', { json });
      expect([status, asRecord(asRecord(body)['error'])['param']]).toEqual([400, param]);
    },
  );

  it('takes nothing of a response that it does not have', async () => {
    const { model, name } = await scripted(target, { text: 'A summary' });
    const more = { temperature: 'hot', max_output_tokens: 'many', stream: true, store: true };
    const json = { model, input: 'Hello', ...more };
    expect((await target.call('/v1/responses/compact', { json })).status).toBe(200);
    const [asked] = await target.upstream.requests(name);
    expect(asked?.body).not.toHaveProperty('temperature');
  });

  it('is only taken back as it was made here', async () => {
    for (const encrypted_content of ['gAAAA', 'parley1.%%%', 'parley1./w==', undefined]) {
      const input = [
        { type: 'compaction', encrypted_content },
        { role: 'user', content: 'When?' },
      ];
      const json = { model: 'offline', input };
      const { status, json: body } = await target.call('/v1/responses', { json });
      const { param } = asRecord(asRecord(body)['error']);
      expect([status, param]).toEqual([400, 'input.0.encrypted_content']);
    }
  });
});
