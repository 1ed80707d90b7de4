/**
 * Every body and event of the API for OpenAI's clients, judged by OpenAI's own description of its
 * API; see `test/support/openai-document`.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { asArray, asRecord, asText } from '../support/json.ts';
import { wrongInError } from '../support/openai-document/judge.ts';
import { judgedCalls } from './judged-calls.ts';
import { suiteTarget, unique } from './target.ts';
import { conversation, scripted } from './turns.ts';

const target = suiteTarget();
afterAll(() => expect(notJudged()).toEqual([]));

const user_id = unique('user');
const headers = { 'x-user-id': user_id };
const { ask, listen, notJudged } = judgedCalls(target, headers);
const PIXEL =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const names = (events: Record<string, unknown>[]) => new Set(events.map(({ type }) => type));

const script = { tokens: ['Once ', 'upon ', 'a time'], reasoning: ['Hm, ', 'let me see.'] };
const rome = { name: 'get_weather', input: { city: 'Rome' }, id: 'call_rome' };
const calling = [{ reasoning: ['Hm.'], toolCalls: [[rome]] }, { text: 'It rains.' }];
const weather = {
  name: 'get_weather',
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
};
const output = { type: 'function_call_output', call_id: 'call_rome', output: 'rain' };
const responseTool = { type: 'function', ...weather, strict: null };

describe.concurrent('chat completions', () => {
  const CREATE = 'post /chat/completions';
  const messages = [{ role: 'user', content: 'Tell me' }];
  const tools = [{ type: 'function', function: weather }];

  it.each([
    ['a text', script, {}],
    ['a call', calling, { tools }],
    ['a text that was cut', { ...script, finishReason: 'length' as const }, {}],
    ['a filtered text', { ...script, finishReason: 'content_filter' as const }, {}],
  ])('%s is as described, whole and in chunks', async (_, does, more) => {
    const { model } = await scripted(target, does);
    await ask(CREATE, { json: { model, messages, ...more } });
    for (const stream_options of [undefined, { include_usage: true }]) {
      const json = { model, messages, ...more, stream: true, stream_options };
      const chunks = await listen(CREATE, '/v1/chat/completions', json);
      expect(chunks.length).toBeGreaterThan(2);
    }
  });
});

describe.concurrent('responses', () => {
  const CREATE = 'post /responses';
  const READ = 'get /responses/{response_id}';

  it('a response is as described, whole and in events, new and read again', async () => {
    const { model } = await scripted(target, script);
    const asked = { model, input: 'Tell me', metadata: { a: 'b' }, instructions: 'Be brief' };
    const { id } = await ask(CREATE, { json: { ...asked, max_output_tokens: 100 } });
    await ask(READ, { names: [asText(id)] });
    const live = await listen(CREATE, '/v1/responses', { ...asked, stream: true });
    expect(names(live)).toContain('response.reasoning_summary_text.delta');
    expect(names(live)).toContain('response.completed');
    expect(names(await listen(CREATE, `/v1/responses/${asText(id)}?stream=true`))).toEqual(
      names(live),
    );
  });

  it('a call, its output and what is listed of them are as described', async () => {
    // By its name it is known to take images.
    const name = unique('gpt-4o');
    await target.upstream.script(name, calling);
    const asked = { model: `openai/${name}`, tools: [responseTool] };
    const image = { type: 'input_image', image_url: PIXEL, detail: 'auto' };
    const content = [{ type: 'input_text', text: 'Does it rain?' }, image];
    const input = [{ role: 'user', content }];
    const events = await listen(CREATE, '/v1/responses', { ...asked, input, stream: true });
    expect(names(events)).toContain('response.function_call_arguments.done');
    const { id } = asRecord(events[0]?.['response']);
    const second = await ask(CREATE, {
      json: { ...asked, input: [output], previous_response_id: id },
    });
    const listed = await ask('get /responses/{response_id}/input_items', {
      names: [asText(second['id'])],
    });
    const types = asArray(listed['data']).map((item) => asRecord(item)['type']);
    expect(types).toEqual(['function_call_output', 'function_call', 'reasoning', 'message']);
  });

  it.each([
    ['was cut', { ...script, finishReason: 'length' as const }, 'incomplete'],
    ['was filtered', { ...script, finishReason: 'content_filter' as const }, 'incomplete'],
    ['failed', { ...script, fault: { how: 'reset' as const, afterTokens: 2 } }, 'failed'],
  ])('a response that %s is as described', async (_, does, ending) => {
    const { model } = await scripted(target, does);
    const json = { model, input: 'Tell me', stream: true };
    const events = await listen(CREATE, '/v1/responses', json);
    expect(events.at(-1)?.['type']).toBe(`response.${ending}`);
    const { id } = asRecord(events[0]?.['response']);
    await ask(READ, { names: [asText(id)] });
  });

  it('a response in the background is as described, running and stopped', async () => {
    const { model } = await scripted(target, {
      ...script,
      fault: { how: 'stall', afterTokens: 1 },
    });
    const { id } = await ask(CREATE, { json: { model, input: 'Tell me', background: true } });
    const ids = [asText(id)];
    await ask(READ, { names: ids });
    await ask('post /responses/{response_id}/cancel', { names: ids });
    const events = await listen(CREATE, `/v1/responses/${asText(id)}?stream=true`);
    expect(events.at(-1)?.['type']).toBe('response.incomplete');
  });

  it('passages that an answer names are as described', async () => {
    const document = { user_id, title: 'valves', text: 'The blue valve closes clockwise.' };
    expect((await target.call('/documents', { json: document })).status).toBe(200);
    const id = await conversation(target, { user_id, mode: 'rag' });
    const { model } = await scripted(target, { tokens: ['Clockwise ', '[1].'] });
    const asked = { model, input: 'How does the blue valve close?', conversation: id };
    const events = await listen(CREATE, '/v1/responses', { ...asked, stream: true });
    expect(JSON.stringify(events.at(-1))).toContain('"file_citation"');
  });

  it('a summary is as described', async () => {
    const { model } = await scripted(target, script);
    await ask('post /responses/compact', { json: { model, input: 'Tell me' } });
  });
});

describe.concurrent('conversations', () => {
  const ITEMS = '/conversations/{conversation_id}/items';

  it('a conversation and its items are as described', async () => {
    const said = { type: 'message', role: 'user', content: 'Hello' };
    const made = await ask('post /conversations', {
      json: { metadata: { a: 'b' }, items: [said] },
    });
    const id = asText(made['id']);
    await ask('get /conversations/{conversation_id}', { names: [id] });
    const json = { metadata: { c: 'd' } };
    await ask('post /conversations/{conversation_id}', { names: [id], json });
    const items = [{ role: 'user', content: [{ type: 'input_text', text: 'Is it you?' }] }];
    await ask(`post ${ITEMS}`, { names: [id], json: { items } });
    const { model } = await scripted(target, calling);
    const asked = { model, tools: [responseTool], conversation: id };
    await ask('post /responses', { json: { ...asked, input: 'Does it rain?' } });
    await ask('post /responses', { json: { ...asked, input: [output] } });
    const { data } = await ask(`get ${ITEMS}`, { names: [id] });
    expect(asArray(data).length).toBeGreaterThan(5);
    for (const item of asArray(data))
      await ask(`get ${ITEMS}/{item_id}`, { names: [id, asText(asRecord(item)['id'])] });
    const newest = asText(asRecord(asArray(data)[0])['id']);
    await ask(`delete ${ITEMS}/{item_id}`, { names: [id, newest] });
    await ask('delete /conversations/{conversation_id}', { names: [id] });
  });
});

describe.concurrent('everything else', () => {
  it('embeddings are as described', async () => {
    const { data } = await ask('post /embeddings', {
      json: { model: 'offline', input: ['a', 'b'] },
    });
    expect(asArray(data)).toHaveLength(2);
  });

  it('models are as described', async () => {
    const { data } = await ask('get /models', {});
    const id = asText(asRecord(asArray(data)[0])['id']);
    await ask('get /models/{model}', { names: [encodeURIComponent(id)] });
  });

  it('a search in documents is as described', async () => {
    const text = 'The red pump starts by itself.';
    const json = { user_id, title: 'pumps', text, metadata: { year: 2026 } };
    expect((await target.call('/documents', { json })).status).toBe(200);
    const { data } = await ask('post /vector_stores/{vector_store_id}/search', {
      names: ['documents'],
      json: { query: 'the red pump', filters: { type: 'eq', key: 'year', value: 2026 } },
    });
    expect(asArray(data)).toHaveLength(1);
  });

  it.each([
    ['a field that is wrong', '/v1/chat/completions', { messages: 'none' }, 400],
    ['a body that is no JSON', '/v1/responses', undefined, 400],
    ['an unknown model', '/v1/responses', { model: 'nobody/none', input: 'x' }, 400],
    ['an unknown response', '/v1/responses/resp_0/cancel', {}, 404],
    ['an unknown path', '/v1/nothing', {}, 404],
    ['a wrong search', '/v1/vector_stores/vs_1/search', { query: 'x' }, 404],
  ])('the error of %s is as described', async (_, path, json, status) => {
    const body = json === undefined ? { body: '{', method: 'POST' } : { json };
    const answer = await target.call(path, {
      ...body,
      headers: { ...headers, 'content-type': 'application/json' },
    });
    expect([answer.status, wrongInError(answer.json)]).toEqual([status, []]);
  });
});
