/** Parameters of a request: passed to every service, refused where a model cannot honour them. */
import { describe, expect, it } from 'vitest';
import { asRecord } from '../support/json.ts';
import { suiteTarget, unique } from './target.ts';
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

interface Answered {
  assistant_reply: string;
  message: EndJson['message'] & { valid?: boolean; finish_reason?: string };
}

async function post(json: Record<string, unknown>) {
  const id = await conversation(target);
  const path = `/conversations/${id}/messages`;
  const answer = await target.call<Answered & ProblemJson>(path, {
    json: { message: 'Hi', ...json },
  });
  return { id, ...answer };
}

/** The body that the service was sent for a turn with these parameters. */
async function sent(provider: Provider, parameters: Record<string, unknown>) {
  const { model, name } = await scripted(target, { text: '{"city":"Rome"}' }, provider);
  const { status } = await post({ model, ...parameters });
  expect(status).toBe(200);
  const requests = await target.upstream.requests(name);
  expect(requests).toHaveLength(1);
  return asRecord(requests[0]?.body);
}

const schema = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
const format = { type: 'json_schema', json_schema: { name: 'place', schema } };
const all = { temperature: 0.5, max_output_tokens: 77, stop: ['END', 'FIN'], seed: 7 };

describe.concurrent('a parameter reaches the service', () => {
  it.each(['openai', 'groq'] as const)(
    'a parameter reaches the service in the form of %s',
    async (provider) => {
      expect(await sent(provider, { ...all, reasoning_effort: 'low' })).toMatchObject({
        temperature: 0.5,
        max_tokens: 77,
        stop: ['END', 'FIN'],
        seed: 7,
        reasoning_effort: 'low',
      });
      expect(await sent(provider, { response_format: format })).toMatchObject({
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'place', schema, strict: false },
        },
      });
      expect(await sent(provider, { response_format: { type: 'json_object' } })).toMatchObject({
        response_format: { type: 'json_object' },
      });
    },
  );

  it('a parameter reaches the service in the form of Gemini', async () => {
    const body = await sent('google', { ...all, response_format: format });
    expect(body['generationConfig']).toMatchObject({
      temperature: 0.5,
      maxOutputTokens: 77,
      stopSequences: ['END', 'FIN'],
      seed: 7,
      responseMimeType: 'application/json',
    });
  });

  it('no parameter is sent that was not asked for', async () => {
    const body = await sent('openai', {});
    expect(Object.keys(body).toSorted()).toEqual(['messages', 'model', 'stream', 'stream_options']);
  });

  it('a single stop counts as a list of one', async () => {
    expect(await sent('openai', { stop: 'END' })).toMatchObject({ stop: ['END'] });
  });

  it('a parameter reaches the service from every call that starts a turn', async () => {
    const { model, name } = await scripted(target, { text: 'Hello.' });
    const id = await conversation(target);
    const json = { message: 'Hi', model, seed: 11 };
    const user_id = unique('user');
    await target.call('/conversations', { json: { ...json, user_id } });
    await target.call('/conversations/start', { json: { ...json, user_id } });
    await target.call(`/conversations/${id}/message`, { json });
    await target.call('/chat', { json: { ...json, chat_id: id } });
    await target.call(`/chat/conversations/${id}/messages`, { json });
    const [question] = await storedMessages(target, id);
    await target.call(`/messages/${question?.id}/regenerate`, { json: { model, seed: 11 } });
    await target.call(`/messages/${question?.id}/edit`, { json });
    const socket = await target.socket(`/ws/${user_id}`);
    socket.send(json);
    await socket.next('message_complete');
    socket.close();
    const seeds = (await target.upstream.requests(name)).map(({ body }) => asRecord(body)['seed']);
    expect(seeds).toEqual(Array.from({ length: 8 }, () => 11));
  });
});

describe.concurrent('an answer that should be JSON', () => {
  async function validity(text: string, response_format: unknown = format, more = {}) {
    const { model } = await scripted(target, { text, ...more });
    const { id, json } = await post({ model, response_format });
    const [, stored] = await storedMessages(target, id);
    expect(stored).toMatchObject({ content: text });
    expect(asRecord(stored)['valid']).toBe(json.message.valid);
    return json.message.valid;
  }

  it('is valid when it fits its schema, and is told as the text that it is', async () => {
    expect(await validity('{"city":"Rome"}')).toBe(true);
  });

  it.each([
    ['no JSON', 'Rome, of course'],
    ['JSON in a fence', '```json\n{"city":"Rome"}\n```'],
    ['of another type', '{"city":4}'],
    ['incomplete', '{}'],
    ['more than asked for', '{"city":"Rome","country":"Italy"}'],
  ])('is not valid when it is %s, and is not mended', async (_, text) => {
    expect(await validity(text)).toBe(false);
  });

  it('is not valid when it was cut', async () => {
    expect(await validity('{"city":"Ro', format, { finishReason: 'length' })).toBe(false);
  });

  it('may be any object without a schema', async () => {
    expect(await validity('{"a":[1]}', { type: 'json_object' })).toBe(true);
    expect(await validity('17', { type: 'json_object' })).toBe(false);
  });

  it('is told so by the stream, and a plain answer carries no flag', async () => {
    const { model } = await scripted(target, { text: '{"city":"Rome"}' });
    const id = await conversation(target);
    const path = `/conversations/${id}/messages`;
    const json = { message: 'Hi', model, response_format: format };
    const { end } = await hear(await target.stream(path, { json }));
    expect(end).toMatchObject({ valid: true, finish_reason: 'stop', message: { valid: true } });
    const plain = await hear(await target.stream(path, { json: { message: 'Hi', model } }));
    expect(JSON.stringify(plain.end)).not.toContain('"valid"');
  });

  it('is not checked by a schema that leads back to itself', async () => {
    const endless = { $ref: '#' };
    const named = { type: 'json_schema', json_schema: { name: 'x', schema: endless } };
    expect(await validity('{"city":"Rome"}', named)).toBe(undefined);
  });

  it('is checked quickly, whatever the schema costs', async () => {
    const pair = { anyOf: [{ $ref: '#/$defs/a' }, { $ref: '#/$defs/a' }, { const: 1 }] };
    const $defs = { a: { type: 'object', properties: { a: pair }, required: ['b'] } };
    const named = { type: 'json_schema', json_schema: { name: 'x', schema: { ...pair, $defs } } };
    const deep = `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`;
    expect(await validity(deep, named)).toBe(undefined);
  });
});

describe.concurrent('the offline model honours what it can', () => {
  it('a limit of tokens, told as one', async () => {
    const { json } = await post({ model: 'offline', max_output_tokens: 5 });
    expect(json.message).toMatchObject({ status: 'truncated', finish_reason: 'length' });
    expect(json.message.tokens_used).toBeLessThanOrEqual(5);
  });

  it('a text to stop at, which is left out', async () => {
    const { json } = await post({ model: 'offline', stop: ' model', temperature: 0, seed: 1 });
    expect(json.message).toMatchObject({ status: 'complete', finish_reason: 'stop' });
    expect(json.assistant_reply).toBe("This is parley's offline");
  });
});

describe.concurrent('what a model cannot honour', () => {
  it.each([
    ['offline', 'response_format', { type: 'json_object' }],
    ['offline', 'reasoning_effort', 'high'],
    ['openai/gpt-5', 'temperature', 0.2],
    ['openai/o3', 'stop', ['x']],
    ['openai/gpt-4o', 'reasoning_effort', 'low'],
    ['groq/llama-3.1-8b-instant', 'response_format', format],
  ])('is refused by name: %s and %s', async (model, name, value) => {
    const { id, status, json } = await post({ model, [name]: value });
    expect({ status, code: json.code }).toEqual({ status: 400, code: 'unsupported_parameter' });
    expect(json.errors?.[0]?.path).toBe(name);
    expect(json.detail).toContain(name);
    expect(await storedMessages(target, id)).toEqual([]);
  });

  it('is refused too when the model is the conversation’s, and nothing is kept', async () => {
    const id = await conversation(target, { model: 'offline' });
    const json = { message: 'Hi', response_format: { type: 'json_object' } };
    const { status } = await target.call(`/conversations/${id}/messages`, { json });
    expect(status).toBe(400);
    expect(await storedMessages(target, id)).toEqual([]);
    const next = await target.call(`/conversations/${id}/messages`, { json: { message: 'Hi' } });
    expect(next.status).toBe(200);
  });
});

describe.concurrent('a malformed parameter is refused by its name', () => {
  const schemaOf = (value: unknown) => ({
    response_format: { type: 'json_schema', json_schema: { name: 'x', schema: value } },
  });
  let nested: unknown = { type: 'string' };
  for (let at = 0; at < 60; at++) nested = { type: 'array', items: nested };
  const inner = 'response_format.json_schema.schema';

  it.each<[string, Record<string, unknown>]>([
    ['temperature', { temperature: 3 }],
    ['temperature', { temperature: '0.5' }],
    ['max_output_tokens', { max_output_tokens: 0 }],
    ['max_output_tokens', { max_output_tokens: 1e9 }],
    ['max_output_tokens', { max_output_tokens: 1.5 }],
    ['stop', { stop: ['a', 'b', 'c', 'd', 'e'] }],
    ['stop', { stop: '' }],
    ['seed', { seed: -1 }],
    ['reasoning_effort', { reasoning_effort: 'more' }],
    ['tool_choice', { tool_choice: 'any' }],
    ['response_format', { response_format: { type: 'xml' } }],
    [
      'response_format.json_schema.name',
      { response_format: { type: 'json_schema', json_schema: { name: 'a b', schema } } },
    ],
    [
      'response_format.json_schema.schma',
      { response_format: { type: 'json_schema', json_schema: { name: 'a', schma: schema } } },
    ],
    [inner, schemaOf('object')],
    [inner, schemaOf(nested)],
    [inner, schemaOf({ description: 'x'.repeat(100_001) })],
    [inner, schemaOf({ $ref: 'https://example.com/schema.json' })],
    [`${inner}.type`, schemaOf({ type: 'dictionary' })],
    [`${inner}.properties.a`, schemaOf({ properties: { a: 4 } })],
    [`${inner}.required`, schemaOf({ required: 'a' })],
  ])('%s', async (path, fields) => {
    const { id, status, json } = await post(fields);
    expect({ status, code: json.code }).toEqual({ status: 400, code: 'invalid_request' });
    expect(json.errors?.map((error) => error.path).some((each) => each.startsWith(path))).toBe(
      true,
    );
    expect(await storedMessages(target, id)).toEqual([]);
  });
});
