/** OpenAI's Responses: its own package against the server. */
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, Output, stepCountIs, streamText, tool } from 'ai';
import type OpenAI from 'openai';
import { APIError } from 'openai';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { openStream } from '../support/sse.ts';
import { asRecord, parseJson } from '../support/json.ts';
import { responseEvent, responseResource } from './open-responses.ts';
import { openAiClient } from './openai-client.ts';
import { suiteTarget, unique } from './target.ts';
import { hear, scripted, type MessageJson } from './turns.ts';

const target = suiteTarget();

const clientOf = (user: string) => openAiClient(target, user);

const tokens = ['Once ', 'upon ', 'a ', 'time 😀'];
const answer = tokens.join('');
const reasoning = ['Hm, ', 'let me see.'];
const textIn = ({ output }: OpenAI.Responses.Response) =>
  output
    .flatMap((item) => (item.type === 'message' ? item.content : []))
    .map((part) => ('text' in part ? part.text : ''))
    .join('');
const turnIdOf = ({ id }: { id: string }) => id.replace(/^resp_/u, '');

async function conversations(user: string) {
  const path = `/conversations?user_id=${user}`;
  return (await target.call<{ conversation_id: string; message_count: number }[]>(path)).json;
}

async function treeOf(response: { id: string }) {
  const { json } = await target.call<{ conversation_id: string }>(`/turns/${turnIdOf(response)}`);
  const path = `/conversations/${json.conversation_id}/messages?tree=true`;
  return (await target.call<MessageJson[]>(path)).json;
}

/** The events of a stream, read strictly; each has the name of its type. */
async function eventsOf(path: string, json?: object) {
  const stream = await openStream(`${target.url}${path}`, json ? { json } : {});
  expect(stream.status, path).toBe(200);
  const { events, ended } = await stream.collect();
  const parsed = events.slice(0, -1).map(({ type, data, hasOwnId }) => {
    const event: Record<string, unknown> = responseEvent.parse(JSON.parse(data));
    expect([event['type'], hasOwnId]).toEqual([type, false]);
    return event;
  });
  return { events: parsed, last: events.at(-1)?.data, ended };
}

const weather = {
  type: 'function' as const,
  name: 'get_weather',
  description: 'The weather of a city',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  strict: null,
};
const rome = { name: 'get_weather', input: { city: 'Rome' }, id: 'call_rome' };

describe.concurrent('a response', () => {
  it('answers whole, with every key that clients look for', async () => {
    const { model } = await scripted(target, { tokens, reasoning });
    const response = await clientOf(unique('user')).responses.create({
      model,
      input: 'Tell me',
      instructions: 'Be brief',
      metadata: { topic: 'tales' },
      temperature: 0.5,
      max_output_tokens: 100,
      text: { format: { type: 'json_schema', name: 'anything', schema: {} } },
    });
    expect(response.output_text).toBe(answer);
    expect(response.output.map(({ type }) => type)).toEqual(['reasoning', 'message']);
    expect(response).toMatchObject({
      object: 'response',
      status: 'completed',
      model,
      instructions: 'Be brief',
      metadata: { topic: 'tales' },
      temperature: 0.5,
      max_output_tokens: 100,
      previous_response_id: null,
      store: true,
      usage: { output_tokens: expect.any(Number) },
    });
    expect(() => responseResource.parse(response)).not.toThrow();
  });

  it('streams events that the package puts together to the same answer', async () => {
    const { model, name } = await scripted(target, { tokens, reasoning });
    const client = clientOf(unique('user'));
    const stream = client.responses.stream({ model, input: 'Tell me', instructions: 'Be brief' });
    const final = await stream.finalResponse();
    expect([final.output_text, final.status]).toEqual([answer, 'completed']);
    expect(JSON.stringify((await target.upstream.requests(name)).at(-1)?.body)).toContain('brief');

    const { events, last, ended } = await eventsOf('/v1/responses', {
      ...{ model, input: 'Tell me', stream: true, user: unique('user') },
    });
    expect([last, ended]).toEqual(['[DONE]', 'end']);
    const types = [...new Set(events.map(({ type }) => type))];
    expect(types).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.reasoning_summary_part.added',
      'response.reasoning_summary_text.delta',
      'response.reasoning_summary_text.done',
      'response.reasoning_summary_part.done',
      'response.output_item.done',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.completed',
    ]);
    const numbers = events.map(({ sequence_number: number }) => Number(number));
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it('goes on from the response that it names, and branches from an earlier one', async () => {
    const { model, name } = await scripted(target, { tokens });
    const owner = unique('user');
    const { responses } = clientOf(owner);
    const first = await responses.create({ model, input: 'one' });
    const ask = (input: string, previous: OpenAI.Responses.Response) =>
      responses.create({ model, input, previous_response_id: previous.id });
    const second = await ask('two', first);
    await ask('three', second);
    const branch = await ask('two, differently', first);

    expect(branch.previous_response_id).toBe(first.id);
    expect(await conversations(owner)).toHaveLength(1);
    const stored = (await treeOf(first)).filter(({ role }) => role === 'user');
    expect(stored.map(({ content, siblings }) => [content, siblings.index])).toEqual([
      ['one', 1],
      ['two', 1],
      ['three', 1],
      ['two, differently', 2],
    ]);
    const sent = asRecord((await target.upstream.requests(name)).at(-1)?.body)['messages'];
    expect(sent).toMatchObject([
      { role: 'user', content: 'one' },
      { role: 'assistant', content: answer },
      { role: 'user', content: 'two, differently' },
    ]);
  });

  it('finds its place by the ids of the items that a client sends back', async () => {
    const { model } = await scripted(target, { tokens });
    const owner = unique('user');
    const { responses } = clientOf(owner);
    const input: OpenAI.Responses.ResponseInput = [
      { role: 'developer', content: 'Be brief' },
      { role: 'user', content: 'first' },
    ];
    const first = await responses.create({ model, input });
    input.push(...(first.output as OpenAI.Responses.ResponseOutputMessage[]));
    input.push({ role: 'user', content: [{ type: 'input_text', text: 'second' }] });
    await responses.create({ model, input });
    const stored = await treeOf(first);
    expect(stored.map(({ content }) => content)).toEqual(['first', answer, 'second', answer]);
    // Without ids it is found by its words.
    const bare = [
      { role: 'user' as const, content: 'first' },
      { role: 'assistant' as const, content: answer },
      { role: 'user' as const, content: 'third' },
    ];
    await responses.create({ model, input: bare });
    const [only, ...others] = await conversations(owner);
    expect([only?.message_count, others]).toEqual([4, []]);
  });

  it('takes nothing but what is new where the place is named', async ({ expect }) => {
    const { model } = await scripted(target, { tokens });
    const { responses, conversations: named } = clientOf(unique('user'));
    const { id } = await named.create();
    const first = await responses.create({ model, input: 'one', conversation: id });
    const said = first.output as OpenAI.Responses.ResponseOutputMessage[];
    const again = [...said, { role: 'user' as const, content: 'two' }];
    // The last answer may be sent once more, an earlier one may not.
    const second = await responses.create({ model, input: again, previous_response_id: first.id });
    const stored = (await treeOf(second)).map(({ content }) => content);
    expect(stored).toEqual(['one', answer, 'two', answer]);
    for (const place of [{ previous_response_id: second.id }, { conversation: id }])
      await expect(responses.create({ model, input: again, ...place })).rejects.toMatchObject({
        status: 400,
        param: 'input',
      });
    expect(await treeOf(second)).toHaveLength(4);
  });

  it('lets the client run its tools', async ({ expect }) => {
    const script = [{ toolCalls: [[rome]] }, { text: 'It rains.' }];
    const { model } = await scripted(target, script);
    const { responses } = clientOf(unique('user'));
    const asked = { model, tools: [weather] };
    const stream = responses.stream({ ...asked, input: 'Does it rain in Rome?' });
    const first = await stream.finalResponse();
    const [call] = first.output;
    expect(call).toMatchObject({
      type: 'function_call',
      name: 'get_weather',
      call_id: 'call_rome',
      arguments: '{"city":"Rome"}',
      status: 'completed',
    });
    const output = { type: 'function_call_output' as const, call_id: 'call_rome', output: 'rain' };
    const next = { ...asked, input: [output], previous_response_id: first.id };
    const second = await responses.create(next);
    expect(second.output_text).toBe('It rains.');
    // Each call is answered once.
    await expect(responses.create(next)).rejects.toMatchObject({ status: 400 });
  });

  it('keeps a history with calls that it has never seen', async () => {
    const { model, name } = await scripted(target, { tokens });
    const owner = unique('user');
    const call = { type: 'function_call' as const, call_id: 'a', name: 'f', arguments: '{"x":1}' };
    const output = { type: 'function_call_output' as const, call_id: 'a', output: 'seen' };
    const input = [{ role: 'user' as const, content: 'first' }, call, output];
    const { responses } = clientOf(owner);
    for (const store of [true, false]) {
      const response = await responses.create({ model, tools: [weather], input, store });
      expect(response.output_text).toBe(answer);
      const sent = JSON.stringify((await target.upstream.requests(name)).at(-1)?.body);
      expect(sent).toContain('seen');
    }
    await vi.waitFor(async () => expect(await conversations(owner)).toHaveLength(1), 20_000);
  });

  it('takes results after the call that a client sends back', async () => {
    const script = [{ toolCalls: [[rome]] }, { text: 'It rains.' }];
    const { model } = await scripted(target, script);
    const owner = unique('user');
    const { responses } = clientOf(owner);
    const question = { role: 'user' as const, content: 'Does it rain in Rome?' };
    const first = await responses.create({ model, tools: [weather], input: [question] });
    const call = first.output[0] as OpenAI.Responses.ResponseFunctionToolCall;
    const output = { type: 'function_call_output' as const, call_id: 'call_rome', output: 'rain' };
    const input = [question, call, output];
    const second = await responses.create({ model, tools: [weather], input });
    expect(second.output_text).toBe('It rains.');
    expect(await conversations(owner)).toHaveLength(1);
  });

  it('goes on in a conversation of any door', async () => {
    const { model } = await scripted(target, { tokens });
    const owner = unique('user');
    const json = { user_id: owner, message: 'Hello', model };
    const begun = await target.call<{ conversation_id: string }>('/conversations', { json });
    const id = begun.json.conversation_id;
    const response = await clientOf(owner).responses.create({
      model,
      input: 'And now?',
      conversation: { id: `conv_${id}` },
    });
    expect(response.conversation).toEqual({ id: `conv_${id}` });
    const stored = await treeOf(response);
    expect(stored.map(({ content }) => content)).toEqual(['Hello', answer, 'And now?', answer]);
    // It is a turn like any other.
    const followed = await openStream(`${target.url}/turns/${turnIdOf(response)}/events`);
    expect((await hear(followed)).text).toBe(answer);
  });

  it('keeps nothing where it should not be stored', async () => {
    const { model } = await scripted(target, { tokens });
    const owner = unique('user');
    const { responses } = clientOf(owner);
    await responses.create({ model, input: 'Once', store: false });
    await vi.waitFor(async () => expect(await conversations(owner)).toEqual([]), 20_000);
    const kept = await responses.create({ model, input: 'kept' });
    const passing = { model, input: 'passing', store: false, previous_response_id: kept.id };
    const { store } = asRecord(await responses.create(passing));
    expect(store).toBe(false);
    await vi.waitFor(async () => expect(await treeOf(kept)).toHaveLength(2), 20_000);
  });

  it('joins the first try when the package repeats a request', async () => {
    const { model, name } = await scripted(target, { tokens, delayMs: { between: 150 } });
    const { responses } = clientOf(unique('user'));
    const begun = await responses.create({ model: 'offline', input: 'Hello' });
    for (const previous of [undefined, begun.id]) {
      const json = { model, input: 'Only once', user: 'a', previous_response_id: previous };
      const post = (count: number) =>
        target.call<{ id: string }>('/v1/responses', {
          json: previous ? { ...json, user: undefined } : json,
          headers: { 'x-stainless-retry-count': String(count) },
        });
      const before = (await target.upstream.requests(name)).length;
      const first = post(0);
      await vi.waitFor(
        async () => expect((await target.upstream.requests(name)).length).toBe(before + 1),
        20_000,
      );
      const answers = [await post(1), await first, await post(2)];
      expect(new Set(answers.map(({ json: said }) => said.id)).size).toBe(1);
      expect((await target.upstream.requests(name)).length).toBe(before + 1);
    }
  });
});

describe.concurrent('a stored response', () => {
  it('is read, listed with what it answers, and deleted', async ({ expect }) => {
    const { model } = await scripted(target, { tokens });
    const owner = unique('user');
    const { responses } = clientOf(owner);
    const first = await responses.create({ model, input: 'one', metadata: { a: 'b' } });
    const second = await responses.create({ model, input: 'two', previous_response_id: first.id });
    const { output_text: _, ...read } = await responses.retrieve(first.id);
    const { output_text: _text, ...made } = first;
    expect(read).toEqual(made);

    const items = [];
    for await (const item of responses.inputItems.list(second.id, { limit: 2, order: 'asc' }))
      items.push(item);
    expect(items.map((item) => [item.id, 'role' in item && item.role])).toEqual([
      [expect.stringMatching(/^msg_/u), 'user'],
      [first.output[0]?.id, 'assistant'],
      [expect.stringMatching(/^msg_/u), 'user'],
    ]);
    const newest = await responses.inputItems.list(second.id, { limit: 1 });
    expect(newest.data).toEqual(items.slice(-1));

    await responses.delete(second.id);
    await expect(responses.retrieve(second.id)).rejects.toMatchObject({ status: 404 });
    expect(await treeOf(first)).toHaveLength(2);
    await responses.delete(first.id);
    expect(await conversations(owner)).toEqual([]);
  });

  it('runs in the background, is followed from any event, and is stopped', async () => {
    const { model, name } = await scripted(target, {
      tokens: Array.from({ length: 200 }, (_, at) => `${at} `),
      holdAt: 20,
    });
    const { responses } = clientOf(unique('user'));
    const begun = await responses.create({ model, input: 'Count', background: true });
    expect([begun.status, begun.background, begun.output]).toEqual(['in_progress', true, []]);
    await target.upstream.waitForRequest(name);
    const stream = await responses.retrieve(begun.id, { stream: true });
    const heard: OpenAI.Responses.ResponseStreamEvent[] = [];
    for await (const event of stream) {
      heard.push(event);
      if (event.type === 'response.output_text.delta') break;
    }
    const stopped = await responses.cancel(begun.id);
    expect(stopped.status).toBe('cancelled');
    const after = heard.at(-1)?.sequence_number ?? 0;
    const path = `/v1/responses/${begun.id}?stream=true&starting_after=${after}`;
    const { events } = await eventsOf(path);
    const before = heard.flatMap((event) =>
      event.type === 'response.output_text.delta' ? [event.delta] : [],
    );
    const rest = events.flatMap((event) => ('delta' in event ? [String(event['delta'])] : []));
    expect([...before, ...rest].join('')).toBe(textIn(stopped));
    expect(events.at(-1)).toMatchObject({
      type: 'response.incomplete',
      response: { status: 'cancelled' },
    });
    expect((await responses.cancel(begun.id)).status).toBe('cancelled');
  });

  it('tells the end to a reader who has named a number beyond it', async () => {
    const { model } = await scripted(target, { tokens, fault: { how: 'stall', afterTokens: 2 } });
    const { responses } = clientOf(unique('user'));
    const { id } = await responses.create({ model, input: 'Tell me', background: true });
    const stream = await target.stream(`/v1/responses/${id}?stream=true&starting_after=999`);
    expect(stream.status).toBe(200);
    await responses.cancel(id);
    const { events } = await stream.collect();
    const said = events.map(({ data }) => parseJson(data) ?? data);
    expect(said).toMatchObject([
      { type: 'response.incomplete', sequence_number: 1000, response: { status: 'cancelled' } },
      '[DONE]',
    ]);
  });

  it('has the same numbers in every replay, from whatever event on', async () => {
    const script = [{ toolCalls: [[rome]] }, { text: 'It rains.' }];
    const called = await scripted(target, script);
    const told = await scripted(target, { tokens, reasoning });
    for (const { model } of [told, called]) {
      const json = { model, tools: [weather], input: 'Tell me', user: unique('user') };
      const live = await eventsOf('/v1/responses', { ...json, stream: true });
      const { id } = asRecord(live.events[0]?.['response']);
      const path = `/v1/responses/${String(id)}?stream=true`;
      const replay = await eventsOf(path);
      expect(whole(replay.events)).toEqual(whole(live.events));
      for (const event of live.events) {
        const rest = await eventsOf(`${path}&starting_after=${numberOf(event)}`);
        const later = live.events.filter((each) => numberOf(each) > numberOf(event));
        expect(whole(rest.events)).toEqual(whole(later));
        expect(rest.last).toBe('[DONE]');
      }
      const end = numberOf(replay.events.at(-1) ?? {});
      const beyond = await target.call(`${path}&starting_after=${end + 1}`);
      const unstreamed = await target.call(`${path.replace('true', 'false')}&starting_after=1`);
      expect(unstreamed).toMatchObject({
        status: 400,
        json: { error: { param: 'starting_after' } },
      });
      expect(beyond.status).toBe(400);
    }
  });
});

const numberOf = (event: Record<string, unknown>) => Number(event['sequence_number']);

/** Events with neighbouring deltas of one item joined, under the number of the last. */
function whole(events: Record<string, unknown>[]) {
  const joined: Record<string, unknown>[] = [];
  for (const event of events) {
    const last = joined.at(-1);
    if (last && 'delta' in last && last['type'] === event['type'])
      joined[joined.length - 1] = {
        ...event,
        delta: `${String(last['delta'])}${String(event['delta'])}`,
      };
    else joined.push(event);
  }
  return joined;
}

describe.concurrent('an answer that is not whole', () => {
  it('has failed where it was cut, with what was said before', async () => {
    const { model } = await scripted(target, { tokens, fault: { how: 'reset', afterTokens: 2 } });
    const json = { model, input: 'Tell me', user: unique('user') };
    const cut = {
      status: 'failed',
      error: { code: 'server_error', message: expect.any(String) },
      incomplete_details: null,
      output: [{ status: 'incomplete', content: [{ text: tokens.slice(0, 2).join('') }] }],
    };
    const { json: whole } = await target.call('/v1/responses', { json });
    expect(responseResource.parse(whole)).toMatchObject(cut);
    const { events } = await eventsOf('/v1/responses', { ...json, stream: true });
    expect(events.at(-1)).toMatchObject({ type: 'response.failed', response: cut });
  });

  it('is incomplete at a limit', async () => {
    const short = await scripted(target, { tokens, finishReason: 'length' });
    const length = await clientOf(unique('user')).responses.create({
      model: short.model,
      input: 'Tell me',
    });
    expect(length.incomplete_details).toEqual({ reason: 'max_output_tokens' });
  });

  it('is an error where nothing came', async () => {
    const { model, name } = await scripted(target, { status: { code: 500 } });
    const client = clientOf(unique('user'));
    const failed = await client.responses.create({ model, input: 'Hi' }).catch((e: unknown) => e);
    expect(failed).toBeInstanceOf(APIError);
    const asked = (await target.upstream.requests(name)).length;
    const json = { model, input: 'Hi again', stream: true, user: unique('user') };
    const { events } = await eventsOf('/v1/responses', json);
    expect(events.at(-1)).toMatchObject({
      type: 'response.failed',
      response: { status: 'failed', error: { code: expect.any(String) } },
    });
    expect(asked).toBeGreaterThan(0);
  });
});

describe.concurrent('what cannot be honoured', () => {
  const post = (json: object) =>
    target.call<{ error: { message: string; param: string; code: string } }>('/v1/responses', {
      json,
    });
  const image = { role: 'user', content: [{ type: 'input_image', image_url: 'x' }] };
  const call = { type: 'function_call', call_id: 'a', name: 'f', arguments: '{}' };
  const output = { type: 'function_call_output', call_id: 'a', output: 'x' };
  it.each([
    ['top_p', { top_p: 0.5 }],
    ['parallel_tool_calls', { parallel_tool_calls: false }],
    ['max_tool_calls', { max_tool_calls: 1 }],
    ['truncation', { truncation: 'disabled' }],
    ['prompt', { prompt: { id: 'p' } }],
    ['tools.0.type', { tools: [{ type: 'web_search' }] }],
    ['tool_choice', { tool_choice: 'required' }],
    ['text.verbosity', { text: { verbosity: 'low' } }],
    ['input', { input: [] }],
    ['input', { input: '' }],
    ['input.0.content.0', { input: [image] }],
    ['input.0.type', { input: [{ type: 'computer_call' }] }],
    ['input.0.id', { input: [{ type: 'item_reference', id: 'nothing' }] }],
    ['input', { input: [output] }],
    ['input', { input: [{ role: 'user', content: 'x' }, call, output, output] }],
    ['input', { input: [{ role: 'user', content: 'x' }, output] }],
    ['input', { input: [{ role: 'assistant', content: 'Hi' }] }],
    ['conversation', { conversation: 'conv_a', previous_response_id: 'resp_b' }],
    ['store', { conversation: 'conv_a', store: false }],
    ['temperature', { temperature: 7 }],
  ])('is refused by its name: %s', async (field, fields) => {
    const { status, json, headers } = await post({ model: 'offline', input: 'Hi', ...fields });
    expect([status, json.error.param]).toEqual([400, field]);
    expect(headers['x-should-retry']).toBe('false');
  });

  it('is refused as a whole where it is too much', async () => {
    const user = unique('user');
    const item = { role: 'user', content: 'x' };
    const input = Array.from({ length: 10_000 }, () => item);
    const { status, json } = await post({ model: 'offline', input, user });
    expect([status, json.error.param]).toEqual([400, 'input']);
    const path = '/v1/conversations';
    const made = await target.call(path, { json: { items: input, metadata: { user_id: user } } });
    expect([made.status, asRecord(asRecord(made.json)['error'])['param']]).toEqual([400, 'items']);
    expect(await conversations(user)).toEqual([]);
  });

  it('says that the response to go on from is not there', async ({ expect }) => {
    const id = 'resp_019ac3a1-5d6c-7b1e-9f0a-6a1d2c3b4e5f';
    const { status, json } = await post({ input: 'Hi', previous_response_id: id });
    expect([status, json.error.code, json.error.param]).toEqual([
      400,
      'previous_response_not_found',
      'previous_response_id',
    ]);
    const mine = await clientOf(unique('user')).responses.create({ input: 'Hi', model: 'offline' });
    const foreign = clientOf(unique('other')).responses.create({
      ...{ input: 'Hi', model: 'offline', previous_response_id: mine.id },
    });
    await expect(foreign).rejects.toMatchObject({ code: 'previous_response_not_found' });
  });
});

describe.concurrent('the provider of the AI SDK', () => {
  const modelOf = (user: string, model: string) =>
    createOpenAI({
      apiKey: 'not looked at',
      baseURL: `${target.url}/v1`,
      headers: { 'x-user-id': user },
    }).responses(model);

  it('streams, runs tools, and goes on where its history says', async () => {
    const script = [{ toolCalls: [[rome]] }, { text: 'It rains.' }];
    const { model } = await scripted(target, script);
    const owner = unique('user');
    const cities: string[] = [];
    const result = streamText({
      model: modelOf(owner, model),
      prompt: 'Does it rain in Rome?',
      tools: {
        get_weather: tool({
          inputSchema: z.object({ city: z.string() }),
          execute: ({ city }) => {
            cities.push(city);
            return { sky: 'rain' };
          },
        }),
      },
      stopWhen: stepCountIs(3),
    });
    expect(await result.text).toBe('It rains.');
    expect([cities, await result.finishReason]).toEqual([['Rome'], 'stop']);
    expect(await conversations(owner)).toHaveLength(1);
  });

  it('answers in the form that is asked for', async () => {
    const { model, name } = await scripted(target, { tokens: ['{"city":', '"Rome"}'] });
    const { output } = await generateText({
      model: modelOf(unique('user'), model),
      prompt: 'Which city?',
      output: Output.object({ schema: z.object({ city: z.string() }) }),
    });
    expect(output).toEqual({ city: 'Rome' });
    const sent = asRecord((await target.upstream.requests(name)).at(-1)?.body);
    expect(sent['response_format']).toMatchObject({ type: 'json_schema' });
  });
});
