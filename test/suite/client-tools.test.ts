/** Tools that the client runs: a call ends the turn, and the next message has its result. */
import { describe, expect, it } from 'vitest';
import { asArray, asRecord, asText } from '../support/json.ts';
import type { SentScript } from '../support/upstream/control.ts';
import { suiteTarget, unique } from './target.ts';
import { offeredIn } from './tools-client.ts';
import {
  conversation,
  hear,
  scripted,
  storedMessages,
  type EndJson,
  type ProblemJson,
  type Provider,
} from './turns.ts';

const target = suiteTarget();

const weather = {
  name: 'get_weather',
  description: 'The weather of a city',
  input_schema: {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  },
};
const clock = { name: 'get_time', input_schema: { type: 'object' } };
const tools = [weather, clock];
const rome = { name: 'get_weather', input: { city: 'Rome' }, id: 'call_rome' };

interface Answered extends ProblemJson {
  conversation_id: string;
  assistant_reply: string;
  turn_id: string;
  message: EndJson['message'] & { finish_reason?: string };
}

function send(id: string, json: Record<string, unknown>, headers = {}) {
  return target.call<Answered>(`/conversations/${id}/messages`, { json, headers });
}

/** A conversation whose last answer waits for results of these calls. */
async function waiting(
  calls: { name: string; input: unknown; id?: string }[] = [rome],
  { provider, after = { text: 'It rains.' } }: { provider?: Provider; after?: object } = {},
) {
  // The steps are told apart by requests, since a message with text is a new question.
  const script = [{ toolCalls: [calls] }, after] as SentScript;
  const { model, name } = await scripted(target, script, provider);
  const id = await conversation(target, { model });
  const first = await send(id, { message: 'Does it rain in Rome?', tools });
  const { status, finish_reason } = first.json.message;
  expect({ status, finish_reason }).toEqual({ status: 'complete', finish_reason: 'tool_calls' });
  const requests = () => target.upstream.requests(name);
  return { id, model, first, requests };
}

async function lastBody(requests: () => ReturnType<typeof target.upstream.requests>) {
  return asRecord((await requests()).at(-1)?.body);
}

describe.concurrent('a round trip', () => {
  it.each(['openai', 'groq'] as const)(
    'a call of a client’s tool goes to the client and back in the form of %s',
    async (provider) => {
      const { id, requests } = await waiting([rome], { provider });
      const results = [{ tool_call_id: 'call_rome', output: { sky: 'rain' } }];
      const { json } = await send(id, { tool_results: results });
      expect(json).toMatchObject({
        assistant_reply: 'It rains.',
        message: { finish_reason: 'stop' },
      });
      const [asked] = await requests();
      expect(asRecord(asked?.body)).toMatchObject({
        tools: [
          { type: 'function', function: { name: 'get_weather', parameters: weather.input_schema } },
          { type: 'function', function: { name: 'get_time' } },
        ],
        tool_choice: 'auto',
      });
      const body = await lastBody(requests);
      // Nothing was said again: tools and model are those of the turn that called.
      expect(offeredIn(body)).toEqual(['get_weather', 'get_time']);
      expect(body['messages']).toMatchObject([
        { role: 'user', content: 'Does it rain in Rome?' },
        {
          role: 'assistant',
          tool_calls: [
            { id: 'call_rome', function: { name: 'get_weather', arguments: '{"city":"Rome"}' } },
          ],
        },
        { role: 'tool', tool_call_id: 'call_rome', content: '{"sky":"rain"}' },
      ]);
    },
  );

  it('a call of a client’s tool goes to the client and back in the form of Gemini', async () => {
    const { id, first, requests } = await waiting([rome], { provider: 'google' });
    const [call] = asArray(first.json.message.parts).map(asRecord);
    const answer = { tool_call_id: call?.['tool_call_id'], output: { sky: 'rain' } };
    const { json } = await send(id, { tool_results: [answer] });
    expect(json.assistant_reply).toBe('It rains.');
    expect((await lastBody(requests))['contents']).toMatchObject([
      { role: 'user' },
      { role: 'model', parts: [{ functionCall: { name: 'get_weather', args: { city: 'Rome' } } }] },
      { role: 'user', parts: [{ functionResponse: { name: 'get_weather' } }] },
    ]);
  });

  it('is streamed, stored and shown by every reading', async () => {
    const { model } = await scripted(target, { toolCalls: [[rome]], text: 'It rains.' });
    const id = await conversation(target);
    const path = `/conversations/${id}/messages`;
    const asked = await hear(
      await target.stream(path, { json: { message: 'Rome?', model, tools } }),
    );
    expect(asked.types).toEqual(['turn.started', 'tool.call', 'turn.completed', 'done']);
    expect(asked.end).toMatchObject({ finish_reason: 'tool_calls' });
    const call = { type: 'tool_call', tool_call_id: 'call_rome', name: 'get_weather' };
    expect(asked.end.message.parts).toMatchObject([{ ...call, input: { city: 'Rome' } }]);
    const { json: turn } = await target.call<EndJson>(`/turns/${asked.end.turn_id}`);
    expect(turn.message).toEqual(asked.end.message);
    const replayed = await hear(await target.stream(`/turns/${asked.end.turn_id}/events`));
    expect(replayed.types).toEqual(asked.types);

    const results = [{ tool_call_id: 'call_rome', output: 'rain' }];
    const told = await hear(await target.stream(path, { json: { tool_results: results } }));
    expect(told).toMatchObject({ text: 'It rains.', terminal: 'turn.completed' });
    const messages = await storedMessages(target, id);
    expect(messages.map(({ role, content }) => [role, content])).toEqual([
      ['user', 'Rome?'],
      ['assistant', ''],
      ['user', ''],
      ['assistant', 'It rains.'],
    ]);
    expect(messages[2]?.parts).toEqual([{ type: 'tool_result', ...results[0] }]);
  });

  it('may bring a text with the results, and others stay in the context', async () => {
    const { id, requests } = await waiting();
    const results = [{ tool_call_id: 'call_rome', output: { sky: 'rain' } }];
    await send(id, { message: 'In one word, please', tool_results: results });
    await send(id, { message: 'Thank you' });
    expect((await lastBody(requests))['messages']).toMatchObject([
      { role: 'user' },
      { role: 'assistant', tool_calls: [{ id: 'call_rome' }] },
      { role: 'tool', content: '{"sky":"rain"}' },
      { role: 'user', content: 'In one word, please' },
      { role: 'assistant', content: 'It rains.' },
      { role: 'user', content: 'Thank you' },
    ]);
  });

  it('may bring an error in place of a result', async () => {
    const { id, requests } = await waiting();
    await send(id, { tool_results: [{ tool_call_id: 'call_rome', error: 'no network' }] });
    expect(asArray((await lastBody(requests))['messages']).at(-1)).toMatchObject({
      role: 'tool',
      content: '{"error":"no network"}',
    });
  });

  it('answers parallel calls together, whatever their order', async () => {
    const paris = { name: 'get_weather', input: { city: 'Paris' }, id: 'call_paris' };
    const { id, requests } = await waiting([rome, paris]);
    const tool_results = [
      { tool_call_id: 'call_paris', output: 'sun' },
      { tool_call_id: 'call_rome', output: 'rain' },
    ];
    await send(id, { tool_results });
    expect(asArray((await lastBody(requests))['messages']).slice(2)).toMatchObject([
      { role: 'tool', tool_call_id: 'call_rome', content: 'rain' },
      { role: 'tool', tool_call_id: 'call_paris', content: 'sun' },
    ]);
  });

  it('goes over a WebSocket too', async () => {
    const { model } = await scripted(target, { toolCalls: [[rome]], text: 'It rains.' });
    const socket = await target.socket(`/ws/${unique('user')}`);
    socket.send({ message: 'Rome?', model, tools });
    const called = await socket.next('tool_call');
    const { conversation_id, finish_reason } = await socket.next('message_complete');
    expect(finish_reason).toBe('tool_calls');
    const tool_results = [{ tool_call_id: called['tool_call_id'], output: 'rain' }];
    socket.send({ conversation_id, tool_results });
    expect(await socket.next('message_complete')).toMatchObject({ full_response: 'It rains.' });
    socket.close();
  });

  it('goes through the calls that answer with less than a message', async () => {
    const { model } = await scripted(target, { toolCalls: [[rome]], text: 'It rains.' });
    const id = await conversation(target, { model });
    const tool_results = [{ tool_call_id: 'call_rome', output: 'rain' }];
    const short = `/conversations/${id}/message`;
    const asked = await target.call(short, { json: { message: 'Rome?', tools } });
    expect(asked.json).toMatchObject({
      reply: '',
      finish_reason: 'tool_calls',
      parts: [{ type: 'tool_call', name: 'get_weather' }],
    });
    const told = await target.call('/chat', { json: { chat_id: id, tool_results } });
    expect(told.json).toMatchObject({ content: 'It rains.', finish_reason: 'stop' });
  });

  it('can be tried with the offline model, which calls what a message says', async () => {
    const id = await conversation(target, { model: 'offline' });
    const asked = await send(id, { message: 'call get_weather {"city": "Rome"}', tools });
    expect(asked.json.message).toMatchObject({ finish_reason: 'tool_calls' });
    const tool_results = [{ tool_call_id: 'call_1', output: { sky: 'rain' } }];
    const told = await send(id, { tool_results });
    expect(told.json.assistant_reply).toContain('get_weather: {"sky":"rain"}');
  });

  it('lets the model choose, or tells it what to call', async () => {
    const { model, name } = await scripted(target, { toolCalls: [[rome]], text: 'Done.' });
    const id = await conversation(target, { model });
    await send(id, { message: 'Rome?', tools, tool_choice: { name: 'get_weather' } });
    const [request] = await target.upstream.requests(name);
    expect(asRecord(request?.body)['tool_choice']).toEqual({
      type: 'function',
      function: { name: 'get_weather' },
    });
  });
});

describe.concurrent('beside our own tools', () => {
  it('both are offered, ours are run, and the client answers its own', async () => {
    const userId = unique('user');
    await conversation(target, { user_id: userId });
    const search = { name: 'search_conversations', input: { query: 'x' }, id: 'call_ours' };
    const { model, name } = await scripted(target, [
      { toolCalls: [[rome, search]] },
      { text: 'It rains.' },
    ]);
    const id = await conversation(target, { user_id: userId, model });
    const { json } = await send(id, { message: 'Rome?', tools });
    expect(json.message.parts).toMatchObject([
      { type: 'tool_call', tool_call_id: 'call_rome' },
      { type: 'tool_call', tool_call_id: 'call_ours' },
      { type: 'tool_result', tool_call_id: 'call_ours', output: { messages: [] } },
    ]);
    // Ours has its result: only the other waits.
    const ours = [{ tool_call_id: 'call_ours', output: 1 }];
    expect((await send(id, { tool_results: ours })).status).toBe(400);
    await send(id, { tool_results: [{ tool_call_id: 'call_rome', output: 'rain' }] });
    const requests = await target.upstream.requests(name);
    expect(offeredIn(requests[0]?.body)).toEqual([
      'get_weather',
      'get_time',
      'search_documents',
      'search_conversations',
    ]);
    const results = asArray(asRecord(requests[1]?.body)['messages']).map(asRecord).slice(2);
    expect(results.map((message) => message['tool_call_id'])).toEqual(['call_rome', 'call_ours']);
  });

  it('arguments that do not fit are told to the model, and nobody is asked', async () => {
    const wrong = { name: 'get_weather', input: { town: 'Rome' }, id: 'call_wrong' };
    const cut = { ...rome, id: 'call_cut', cutArgumentsAt: 5 };
    const { model, name } = await scripted(target, { toolCalls: [[wrong, cut]], text: 'Sorry.' });
    const id = await conversation(target, { model });
    const { json } = await send(id, { message: 'Rome?', tools });
    expect(json).toMatchObject({ assistant_reply: 'Sorry.', message: { finish_reason: 'stop' } });
    const parts = asArray(json.message.parts).map(asRecord);
    const errors = parts.filter((part) => part['is_error'] === true).map((part) => part['output']);
    expect(errors).toEqual([
      { error: 'invalid input: #/town: is not allowed' },
      { error: 'invalid input: it is no JSON' },
    ]);
    expect(await target.upstream.requests(name)).toHaveLength(2);
  });

  it('a model that repeats ids of calls is understood', async () => {
    const twin = { name: 'search_conversations', input: { query: 'x' }, id: 'call_rome' };
    const user_id = unique('user');
    await conversation(target, { user_id });
    const { model, name } = await scripted(target, [
      { toolCalls: [[twin]] },
      { toolCalls: [[], [rome]] },
      { text: 'Rain.' },
    ]);
    const id = await conversation(target, { user_id, model });
    await send(id, { message: 'Rome?', tools });
    const tool_results = [{ tool_call_id: 'call_rome_2', output: 'rain' }];
    expect((await send(id, { tool_results })).json.assistant_reply).toBe('Rain.');
    const requests = await target.upstream.requests(name);
    const sent = asArray(asRecord(requests.at(-1)?.body)['messages']).map(asRecord);
    expect(sent.filter(({ role }) => role === 'tool')).toMatchObject([
      { tool_call_id: 'call_rome', content: '{"messages":[]}' },
      { tool_call_id: 'call_rome_2', content: 'rain' },
    ]);
  });
});

describe.concurrent('a call that nobody answers', () => {
  it('is closed by the next message, in the context too, and cannot be answered later', async () => {
    const { id, first, requests } = await waiting();
    await send(id, { message: 'Never mind' });
    expect((await lastBody(requests))['messages']).toMatchObject([
      { role: 'user' },
      { role: 'assistant', tool_calls: [{ id: 'call_rome' }] },
      { role: 'tool', content: '{"error":"Nobody answered this call"}' },
      { role: 'user', content: 'Never mind' },
    ]);
    const tool_results = [{ tool_call_id: 'call_rome', output: 'rain' }];
    const late = await send(id, { tool_results });
    expect(late).toMatchObject({ status: 400, json: { code: 'invalid_request' } });
    const parent_message_id = first.json.message.id;
    expect((await send(id, { tool_results, parent_message_id })).status).toBe(400);
    expect(await storedMessages(target, id)).toHaveLength(4);
  });

  it('is closed where the others were answered', async () => {
    const paris = { name: 'get_weather', input: { city: 'Paris' }, id: 'call_paris' };
    const { id, requests } = await waiting([rome, paris]);
    await send(id, { tool_results: [{ tool_call_id: 'call_paris', output: 'sun' }] });
    expect(asArray((await lastBody(requests))['messages']).slice(2)).toMatchObject([
      { role: 'tool', tool_call_id: 'call_rome', content: '{"error":"Nobody answered this call"}' },
      { role: 'tool', tool_call_id: 'call_paris', content: 'sun' },
    ]);
  });
});

it('an answer that was stopped before its first word hides nothing that came before it', async () => {
  const { model, name } = await scripted(target, [
    { text: 'Once.' },
    { text: 'One.' },
    { instead: 'hang' },
    { text: 'Two.' },
  ]);
  const id = await conversation(target, { model });
  const { json } = await send(id, { message: 'First' });
  // With a branch the history climbs the tree.
  await target.call(`/messages/${json.message.id}/regenerate`, { json: {} });
  const path = `/conversations/${id}/messages`;
  const stream = await target.stream(path, { json: { message: 'Second' } });
  await target.call(`/turns/${asText(stream.headers['x-turn-id'])}/cancel`, { method: 'POST' });
  await stream.collect();
  await send(id, { message: 'Third' });
  const body = asRecord((await target.upstream.requests(name)).at(-1)?.body);
  expect(body['messages']).toMatchObject([
    { role: 'user', content: 'First' },
    { role: 'assistant', content: 'One.' },
    { role: 'user', content: 'Second\n\nThird' },
  ]);
});

describe.concurrent('the tree', () => {
  it('answers results again with the same tools, and an edited message keeps them', async () => {
    const { id, requests } = await waiting();
    const tool_results = [{ tool_call_id: 'call_rome', output: 'rain' }];
    const told = await send(id, { message: 'Well?', tool_results });
    await target.call(`/messages/${told.json.message.id}/regenerate`, { json: {} });
    const again = await lastBody(requests);
    expect(offeredIn(again)).toEqual(['get_weather', 'get_time']);
    expect(asArray(again['messages']).slice(2)).toMatchObject([
      { role: 'tool', content: 'rain' },
      { role: 'user', content: 'Well?' },
    ]);
    const question = told.json.message.parent_id;
    await target.call(`/messages/${question}/edit`, { json: { message: 'And?' } });
    expect(asArray((await lastBody(requests))['messages']).slice(2)).toMatchObject([
      { role: 'tool', content: 'rain' },
      { role: 'user', content: 'And?' },
    ]);
  });

  it('takes results for an answer that is named', async () => {
    const { id, first } = await waiting();
    const parent_message_id = first.json.message.id;
    const tool_results = [{ tool_call_id: 'call_rome', output: 'rain' }];
    const { json } = await send(id, { tool_results, parent_message_id });
    expect(json.assistant_reply).toBe('It rains.');
  });
});

describe.concurrent('results are taken once', () => {
  const tool_results = [{ tool_call_id: 'call_rome', output: 'rain' }];

  it('of two results that come at the same time, one is refused', async () => {
    const { id } = await waiting([rome], { after: { text: 'It rains.', delayMs: { first: 300 } } });
    const both = await Promise.all([send(id, { tool_results }), send(id, { tool_results })]);
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409]);
    expect((await send(id, { tool_results })).status).toBe(400);
  });

  it('a repeat with the same key gives the same turn', async () => {
    const { id } = await waiting();
    const headers = { 'Idempotency-Key': unique('key') };
    const once = await send(id, { tool_results }, headers);
    const again = await send(id, { tool_results }, headers);
    expect(again.json.turn_id).toBe(once.json.turn_id);
    expect(await storedMessages(target, id)).toHaveLength(4);
  });
});

describe.concurrent('results that answer nothing are refused, and nothing is kept', () => {
  const result = (tool_call_id: string) => ({ tool_results: [{ tool_call_id, output: 1 }] });

  it('a result for a call that was never made is refused, and nothing is kept', async () => {
    const { id } = await waiting();
    expect((await send(id, result('call_other'))).status).toBe(400);
    expect((await send(id, result('call_rome'))).status).toBe(200);
  });

  it('a result is refused in an empty conversation, a plain one, and a new one', async () => {
    const id = await conversation(target, { model: 'offline' });
    expect((await send(id, result('call_1'))).status).toBe(400);
    await send(id, { message: 'Hi' });
    expect((await send(id, result('call_1'))).status).toBe(400);
    expect(await storedMessages(target, id)).toHaveLength(2);
    const user_id = unique('user');
    const json = { user_id, ...result('call_1') };
    expect((await target.call('/conversations', { json })).status).toBe(400);
    expect((await target.call(`/conversations?user_id=${user_id}`)).json).toEqual([]);
  });

  it('a result for a turn that was cancelled is refused, and nothing is kept', async () => {
    const { model } = await scripted(target, {
      toolCalls: [[rome]],
      reasoning: ['I think'],
      fault: { how: 'stall', afterTokens: 1 },
    });
    const id = await conversation(target, { model });
    const path = `/conversations/${id}/messages`;
    const stream = await target.stream(path, { json: { message: 'Rome?', tools } });
    await target.call(`/turns/${asText(stream.headers['x-turn-id'])}/cancel`, { method: 'POST' });
    await stream.collect();
    expect((await send(id, result('call_rome'))).status).toBe(400);
  });

  it('a result for another user’s conversation is refused, and nothing is kept', async () => {
    const { id } = await waiting();
    const { status } = await send(id, { ...result('call_rome'), user_id: unique('user') });
    expect(status).toBe(404);
    expect((await send(id, result('call_rome'))).status).toBe(200);
  });

  it('a result by a socket that names no conversation is refused, and nothing is kept', async () => {
    const socket = await target.socket(`/ws/${unique('user')}`);
    socket.send(result('call_1'));
    expect(await socket.next('error')).toMatchObject({ problem: { code: 'invalid_request' } });
    socket.close();
  });
});

describe.concurrent('malformed tools and results are refused by name', () => {
  const named = (name: string) => ({ tools: [{ ...clock, name }] });
  const once = { tool_call_id: 'a', output: 1 };
  const schema = (more: object) => ({
    tools: [{ name: 'x', input_schema: { type: 'object', ...more } }],
  });
  const nested = (levels: number): object =>
    levels === 0 ? {} : { properties: { in: nested(levels - 1) } };

  it.each<[string, Record<string, unknown>]>([
    ['tools.0.name', named('get weather')],
    ['tools.0.name', named('')],
    ['tools.0.name', named('search_documents')],
    ['tools.0.input_schema', { tools: [{ name: 'x' }] }],
    ['tools.0.input_schema.type', { tools: [{ name: 'x', input_schema: { type: 'array' } }] }],
    ['tools.0.input_schema.type', { tools: [{ name: 'x', input_schema: { type: 'thing' } }] }],
    ['tools.0.input_schema', schema({ properties: { in: { $ref: '#' } } })],
    ['tools.0.input_schema', schema({ $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/a' } } })],
    ['tools.0.input_schema', schema(nested(60))],
    ['tools.0.input_schema', schema({ enum: ['x'.repeat(100_001)] })],
    ['tools.0.input_schema', schema({ anyOf: Array.from({ length: 1_001 }, () => ({})) })],
    ['tools.0.parameters', { tools: [{ ...clock, parameters: {} }] }],
    ['tools', { tools: [clock, clock] }],
    ['tools', { tools: [] }],
    ['tools', { tools: Array.from({ length: 129 }, (_, n) => ({ ...clock, name: `t${n}` })) }],
    ['tool_choice', { tool_choice: 'required' }],
    ['tool_choice.name', { tools, tool_choice: { name: 'other' } }],
    ['tool_results', { tool_results: [] }],
    ['tool_results', { tool_results: [once, once] }],
    ['tool_results.0', { tool_results: [{ tool_call_id: 'a' }] }],
    ['tool_results.0', { tool_results: [{ ...once, error: 'both' }] }],
    ['tool_results', { tool_results: [{ tool_call_id: 'a', output: 'x'.repeat(200_001) }] }],
  ])('%s', async (path, fields) => {
    const id = await conversation(target, { model: 'offline' });
    const { status, json } = await send(id, { message: 'Hi', ...fields });
    expect({ status, code: json.code }).toEqual({ status: 400, code: 'invalid_request' });
    expect(json.errors?.map((error) => error.path).some((each) => each.startsWith(path))).toBe(
      true,
    );
    expect(await storedMessages(target, id)).toEqual([]);
  });
});
