/** Anthropic's Messages: its own package against the server. */
import Anthropic, { APIError } from '@anthropic-ai/sdk';
import { describe, expect, it } from 'vitest';
import { suiteTarget, unique } from './target.ts';
import { scripted, type MessageJson } from './turns.ts';

const target = suiteTarget();

function clientOf(user: string) {
  return new Anthropic({
    apiKey: 'not looked at',
    baseURL: target.url,
    defaultHeaders: { 'x-user-id': user },
  });
}

const tokens = ['Once ', 'upon ', 'a ', 'time 😀'];
const answer = tokens.join('');
const reasoning = ['Hm, ', 'let me see.'];
const user = (content: string): Anthropic.MessageParam => ({ role: 'user', content });
const weather: Anthropic.Tool = {
  name: 'get_weather',
  description: 'The weather of a city',
  input_schema: { type: 'object', properties: { city: { type: 'string' } } },
};
const rome = { name: 'get_weather', input: { city: 'Rome' }, id: 'call_rome' };

async function stored(owner: string) {
  const path = `/conversations?user_id=${owner}`;
  const all = (await target.call<{ conversation_id: string }[]>(path)).json;
  return Promise.all(
    all.map(async ({ conversation_id: id }) => {
      const read = await target.call<MessageJson[]>(`/conversations/${id}/messages?tree=true`);
      return read.json.map(({ content }) => content);
    }),
  );
}

describe.concurrent('a message', () => {
  it('is answered whole and streamed, with thoughts and counts', async () => {
    const { model, name } = await scripted(target, { tokens, reasoning });
    const { messages } = clientOf(unique('user'));
    const asked = { model, max_tokens: 100, system: 'Be brief', messages: [user('Tell me')] };
    const whole = await messages.create(asked);
    expect(whole).toMatchObject({
      id: expect.stringMatching(/^msg_/u),
      type: 'message',
      role: 'assistant',
      model,
      content: [
        { type: 'thinking', thinking: reasoning.join('') },
        { type: 'text', text: answer },
      ],
      stop_reason: 'end_turn',
      usage: { input_tokens: expect.any(Number), output_tokens: expect.any(Number) },
    });
    const sent = (await target.upstream.requests(name)).at(-1)?.body;
    expect(JSON.stringify(sent)).toContain('Be brief');

    const final = await messages.stream({ ...asked, messages: [user('And again')] }).finalMessage();
    expect(final.content).toEqual(whole.content);
    expect([final.stop_reason, final.usage.output_tokens > 0]).toEqual(['end_turn', true]);
  });

  it('finds its conversation by what was said, with tools that the client runs', async () => {
    const script = [{ toolCalls: [[rome]] }, { text: 'It rains.' }];
    const { model } = await scripted(target, script);
    const owner = unique('user');
    const { messages } = clientOf(owner);
    const asked = { model, max_tokens: 100, tools: [weather] };
    const history = [user('Does it rain in Rome?')];
    const first = await messages.stream({ ...asked, messages: history }).finalMessage();
    expect(first.stop_reason).toBe('tool_use');
    const call = { type: 'tool_use', id: 'call_rome', name: 'get_weather', input: rome.input };
    expect(first.content).toMatchObject([call]);
    history.push({ role: 'assistant', content: first.content });
    const result = { type: 'tool_result' as const, tool_use_id: 'call_rome', content: 'rain' };
    history.push({ role: 'user', content: [result] });
    const second = await messages.create({ ...asked, messages: history });
    expect(second.content).toMatchObject([{ type: 'text', text: 'It rains.' }]);
    history.push({ role: 'assistant', content: second.content }, user('Thanks'));
    await messages.create({ ...asked, messages: history });
    expect(await stored(owner)).toEqual([
      ['Does it rain in Rome?', '', '', 'It rains.', 'Thanks', expect.any(String)],
    ]);
  });

  it('is an error where the answer was cut, and is not asked again', async ({ expect }) => {
    const { model, name } = await scripted(target, {
      tokens,
      fault: { how: 'reset', afterTokens: 2 },
    });
    const { messages } = clientOf(unique('user'));
    const asked = { model, max_tokens: 100 };
    const failed = messages.create({ ...asked, messages: [user('Hi')] });
    await expect(failed).rejects.toBeInstanceOf(APIError);
    expect(await target.upstream.requests(name)).toHaveLength(1);
    const stream = messages.stream({ ...asked, messages: [user('Hi again')] });
    await expect(stream.finalMessage()).rejects.toThrow();
  });

  it('says when it was too long', async () => {
    const { model } = await scripted(target, { tokens, finishReason: 'length' });
    const { messages } = clientOf(unique('user'));
    const short = await messages.create({ model, max_tokens: 5, messages: [user('Hi')] });
    expect(short.stop_reason).toBe('max_tokens');
  });

  it('joins the first try when the package repeats a request', async () => {
    const { model, name } = await scripted(target, { tokens, delayMs: { between: 150 } });
    const json = { model, max_tokens: 100, messages: [user('Only once')] };
    const headers = { 'x-user-id': unique('user') };
    const post = (count: number) =>
      target.call<{ id: string }>('/v1/messages', {
        json,
        headers: { ...headers, 'x-stainless-retry-count': String(count) },
      });
    const first = post(0);
    await target.upstream.waitForRequest(name);
    const answers = [await post(1), await first];
    expect(new Set(answers.map(({ json: said }) => said.id)).size).toBe(1);
    expect(await target.upstream.requests(name)).toHaveLength(1);
  });

  it('has the form and the effort that were asked for', async () => {
    const { model, name } = await scripted(target, { text: '{"city":"Rome"}' });
    const schema = { type: 'object', properties: { city: { type: 'string' } } };
    await clientOf(unique('user')).messages.create({
      ...{ model, max_tokens: 100, messages: [user('Where?')] },
      output_config: { effort: 'max', format: { type: 'json_schema', schema } },
    });
    const [asked] = await target.upstream.requests(name);
    expect(asked?.body).toMatchObject({
      reasoning_effort: 'xhigh',
      response_format: { type: 'json_schema', json_schema: { schema } },
    });
  });

  it('thinks as much as was asked for, and shows it unless that is not wanted', async () => {
    const { model, name } = await scripted(target, { tokens, reasoning }, 'groq');
    const thinks = `groq/openai/gpt-oss-${name}`;
    await target.upstream.script(thinks.replace('groq/', ''), { tokens, reasoning });
    const { messages } = clientOf(unique('user'));
    const ask = (asked: string, thinking: Anthropic.ThinkingConfigParam) =>
      messages.create({
        ...{ model: asked, max_tokens: 10_000, messages: [user('Think')], thinking },
      });
    const budget = { type: 'enabled', budget_tokens: 8_000 } as const;
    const [shown] = (await ask(thinks, budget)).content;
    expect(shown).toMatchObject({ type: 'thinking', thinking: reasoning.join('') });
    const [asked] = await target.upstream.requests(thinks.replace('groq/', ''));
    expect(asked?.body).toMatchObject({ reasoning_effort: 'medium' });
    // A model of which nothing is known keeps to any budget, and may refuse an effort.
    await ask(model, budget);
    await ask(model, { type: 'disabled' });
    for (const { body } of await target.upstream.requests(name))
      expect(body).not.toHaveProperty('reasoning_effort');

    const hidden = { type: 'adaptive', display: 'omitted' } as const;
    const said = [{ type: 'text', text: answer }];
    expect((await ask(model, hidden)).content).toMatchObject(said);
    const streamed = messages.stream({
      ...{ model, max_tokens: 10_000, messages: [user('Again')], thinking: hidden },
    });
    expect((await streamed.finalMessage()).content).toMatchObject(said);
  });

  it('is answered with what editors of code ask for by default', async () => {
    const { model, name } = await scripted(target, { tokens });
    const { beta } = clientOf(unique('user'));
    const stream = beta.messages.stream({
      ...{ model, max_tokens: 32_000, messages: [user('Go')], service_tier: 'auto' },
      betas: ['context-management-2025-06-27', 'interleaved-thinking-2025-05-14'],
      thinking: { type: 'enabled', budget_tokens: 31_999 },
      context_management: { edits: [{ type: 'clear_thinking_20251015', keep: 'all' }] },
      system: [{ type: 'text', text: 'Be brief', cache_control: { type: 'ephemeral' } }],
      tools: [{ ...weather, cache_control: { type: 'ephemeral' }, eager_input_streaming: true }],
      tool_choice: { type: 'auto', disable_parallel_tool_use: true },
      metadata: { user_id: unique('user') },
    });
    const { content } = await stream.finalMessage();
    expect(content).toMatchObject([{ type: 'text', text: answer }]);
    const [asked] = await target.upstream.requests(name);
    expect(asked?.body).toMatchObject({ parallel_tool_calls: false });
  });

  it('is counted before it is sent', async () => {
    const { messages } = clientOf(unique('user'));
    const asked = { model: 'offline', messages: [user('one two three '.repeat(100))] };
    const { input_tokens: plain } = await messages.countTokens(asked);
    const more = await messages.countTokens({ ...asked, system: 'Be brief', tools: [weather] });
    expect(plain).toBeGreaterThan(200);
    expect(more.input_tokens).toBeGreaterThan(plain + 10);
  });
});

describe.concurrent('what cannot be honoured', () => {
  const image = { role: 'user', content: [{ type: 'image', source: {} }] };
  it.each([
    ['top_k', { top_k: 5 }],
    ['top_p', { top_p: 0.5 }],
    ['tools.0.type', { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }],
    ['messages.0.content.0', { messages: [image] }],
    ['messages', { messages: [] }],
    ['temperature', { temperature: 2 }],
    ['thinking.budget_tokens', { thinking: { type: 'enabled', budget_tokens: 2_000 } }],
  ])('is refused by its name: %s', async (field, fields) => {
    const json = { model: 'offline', max_tokens: 10, messages: [user('Hi')], ...fields };
    const answered = await target.call('/v1/messages?beta=true', { json });
    expect(answered.status).toBe(400);
    expect(answered.headers['x-should-retry']).toBe('false');
    expect(answered.json).toEqual({
      type: 'error',
      error: { type: 'invalid_request_error', message: expect.stringContaining(field) },
    });
  });
});
