/**
 * Every field that a request may have by OpenAI's description is honoured, changes nothing, or is
 * refused by its name. A field that the description gains has to be put into one of these lists.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { asRecord } from '../support/json.ts';
import { fieldsOfRequest } from '../support/openai-document/judge.ts';
import { suiteTarget, unique } from './target.ts';
import { scripted } from './turns.ts';

const target = suiteTarget();

interface Door {
  path: string;
  body: object;
  /** The name of its operation in the description; undefined for other people's doors. */
  operation?: string;
  /** The file of a package that declares the fields of a request, where there is no description. */
  types?: string;
  /** Honoured, or a hint that changes no answer. */
  passes: string[];
  /** Values that would change the answer, by their fields. */
  refused: Record<string, unknown>;
}

const hints = ['prompt_cache_key', 'prompt_cache_options', 'prompt_cache_retention'];
const common = ['metadata', 'model', 'safety_identifier', 'store', 'stream', 'stream_options'];
const schema = { type: 'object', properties: {} };
const weather = { name: 'weather', parameters: schema, strict: true };
const sampling = { top_logprobs: 3, top_p: 0.5 };
const format = { type: 'json_object' };

const DOORS: Door[] = [
  {
    operation: 'post /chat/completions',
    path: '/v1/chat/completions',
    body: { messages: [{ role: 'user', content: 'Hi' }] },
    passes: [
      ...[...common, ...hints, 'max_completion_tokens', 'max_tokens', 'messages'],
      ...['parallel_tool_calls', 'reasoning_effort', 'response_format', 'seed', 'stop'],
      ...['temperature', 'tool_choice', 'tools', 'user'],
    ],
    refused: {
      ...sampling,
      ...{ audio: { voice: 'a', format: 'wav' }, modalities: ['text', 'audio'], n: 2 },
      ...{ frequency_penalty: 1, presence_penalty: 1, repetition_penalty: 1.2, min_p: 0.1 },
      ...{ function_call: { name: 'a' }, functions: [{ name: 'a' }], logit_bias: { '1': 1 } },
      ...{ logprobs: true, moderation: { model: 'a' }, prediction: { type: 'content' } },
      ...{ service_tier: 'flex', top_k: 5, verbosity: 'low', web_search_options: { a: 1 } },
    },
  },
  {
    operation: 'post /responses',
    path: '/v1/responses',
    body: { input: 'Hi' },
    passes: [
      ...[...common, ...hints, 'background', 'conversation', 'include', 'input', 'instructions'],
      ...['max_output_tokens', 'previous_response_id', 'reasoning', 'temperature', 'text'],
      ...['tool_choice', 'tools', 'user'],
    ],
    refused: {
      ...sampling,
      ...{ context_management: [{ type: 'compaction' }], max_tool_calls: 1, moderation: { a: 1 } },
      ...{ parallel_tool_calls: false, prompt: { id: 'a' }, service_tier: 'flex' },
      truncation: 'disabled',
      // Of chat completions, which the Responses have under other names or not at all.
      ...{ frequency_penalty: 1, presence_penalty: 1, logit_bias: { '1': 1 }, n: 2, seed: 5 },
      ...{ max_completion_tokens: 5, max_tokens: 5, modalities: ['audio'], stop: ['a'] },
      ...{ reasoning_effort: 'low', response_format: format },
    },
  },
  {
    path: '/v1/messages',
    body: { max_tokens: 10, messages: [{ role: 'user', content: 'Hi' }] },
    types: '@anthropic-ai/sdk/resources/beta/messages/messages.d.ts',
    passes: [
      ...['max_tokens', 'messages', 'metadata', 'model', 'output_config', 'stop_sequences'],
      ...['stream', 'system', 'tool_choice', 'tools'],
      // Whose bill it is at Anthropic, and what it caches; the betas are a header.
      ...['betas', 'billing_policy', 'cache_control', 'user_profile_id', 'workspace_id'],
    ],
    refused: {
      ...{ compaction: { enabled: true }, diagnostics: { previous_message_id: 'a' } },
      ...{ context_management: { edits: [{ type: 'clear_tool_uses_20250919' }] } },
      ...{ fallback_credit_token: 'a', fallbacks: [{ model: 'a' }], thread: { id: 'a' } },
      ...{ service_tier: 'priority', thinking: { type: 'between_tools' } },
      ...{ container: 'a', inference_geo: 'us', mcp_servers: [{ url: 'a' }], speed: 'fast' },
      ...{ output_format: format, top_k: 5, top_p: 0.5 },
    },
  },
];

/** Returns the fields of the requests that a package of Anthropic's makes. */
function fieldsOfTypes(file: string): string[] {
  const declared = readFileSync(`node_modules/${file}`, 'utf8');
  const [, body = ''] = /interface MessageCreateParamsBase \{\n(.*?)\n\}/su.exec(declared) ?? [];
  return [...body.matchAll(/^ {4}([a-z_]+)\??:/gmu)].map(([, field = '']) => field);
}

describe.concurrent.each(DOORS)('a request to $path', (door) => {
  const { path, body, refused } = door;
  const ask = (fields: object, user = unique('user')) =>
    target.call(path, {
      json: { model: 'offline', ...body, ...fields },
      headers: { 'x-user-id': user },
    });

  it('is refused by the name of a field that cannot be honoured', async () => {
    const user = unique('user');
    for (const [field, value] of Object.entries(refused)) {
      const { status, json } = await ask({ [field]: value }, user);
      const { message } = asRecord(asRecord(json)['error']);
      expect([field, status, message]).toEqual([field, 400, expect.stringContaining(field)]);
    }
    expect((await target.call(`/conversations?user_id=${user}`)).json).toEqual([]);
  });

  it('may say that it wants nothing of what cannot be honoured', async () => {
    const nothing = Object.fromEntries(Object.keys(refused).map((field) => [field, null]));
    expect((await ask(nothing)).status).toBe(200);
  });
});

it('what an old client says of functions, or of sounds, is refused by its name', async () => {
  const question = { role: 'user', content: 'Hi' };
  for (const [field, value] of [
    ['function_call', { name: 'a', arguments: '{}' }],
    ['audio', { id: 'audio_1' }],
  ] as const) {
    const answer = { role: 'assistant', content: 'Hello', [field]: value };
    const json = { model: 'offline', messages: [question, answer, question] };
    const answered = await target.call('/v1/chat/completions', { json });
    const error = asRecord(asRecord(answered.json)['error']);
    expect([answered.status, error['param']]).toEqual([400, `messages.1.${field}`]);
  }
});

it.each<[string, object, object]>([
  ['/v1/chat/completions', { messages: [{ role: 'user', content: 'Hi' }] }, { function: weather }],
  ['/v1/responses', { input: 'Hi' }, weather],
  [
    '/v1/messages',
    { max_tokens: 10, messages: [{ role: 'user', content: 'Hi' }] },
    { name: 'weather', input_schema: schema, strict: true },
  ],
])('a tool of a request to %s may have its schema kept to strictly', async (path, body, tool) => {
  const { model, name } = await scripted(target, { text: 'Fine' });
  const type = path === '/v1/messages' ? 'custom' : 'function';
  const json = { model, ...body, tools: [{ type, ...tool }] };
  const headers = { 'x-user-id': unique('user') };
  expect((await target.call(path, { json, headers })).status).toBe(200);
  const [asked] = await target.upstream.requests(name);
  expect(asked?.body).toMatchObject({ tools: [{ function: { name: 'weather', strict: true } }] });
});

it.each(DOORS)(
  'a request to $path has no field of which nobody has decided',
  ({ operation, types = '', passes, refused }) => {
    const decided = new Set([...passes, ...Object.keys(refused)]);
    const fields = operation === undefined ? fieldsOfTypes(types) : fieldsOfRequest(operation);
    expect(fields.filter((field) => !decided.has(field))).toEqual([]);
    expect(passes.filter((field) => !fields.includes(field))).toEqual([]);
  },
);
