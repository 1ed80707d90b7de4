/**
 * Models that are asked by OpenAI's Responses API: what their services send, as documented and
 * otherwise, is told like any other answer.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { request } from '../support/http.ts';
import { asArray, asRecord } from '../support/json.ts';
import { startMcpServers, type McpServers } from '../support/mcp-server.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { openStream } from '../support/sse.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import type { Behaviour, RawAnswer } from '../support/upstream/behaviour.ts';
import { png } from './files-client.ts';
import { suiteTarget, unique } from './target.ts';
import { hear, storedMessages } from './turns.ts';

let upstream: Upstream;
let server: TestServer;
let mcp: McpServers;

const paint = { name: 'paint', inputSchema: { type: 'object' } };

beforeAll(async () => {
  [upstream, mcp] = await Promise.all([startUpstream(), startMcpServers()]);
  mcp.script('paints', { tools: [paint] });
  const env = {
    ...{ ...upstream.env, OPENAI_API: 'responses', DEFAULT_MODEL: 'openai/default' },
    MCP_SERVERS: JSON.stringify([{ name: 'paints', url: mcp.url('paints') }]),
  };
  server = await startServer({ runtime: suiteTarget().runtime, env, startLimitMs: 120_000 });
}, 180_000);

afterAll(async () => {
  await server.close();
  await mcp.close();
  await upstream.close();
});

async function ask(behaviour: Behaviour | Behaviour[], fields: object = {}, kind = 'model') {
  const name = unique(kind);
  upstream.script(name, behaviour);
  const json = { user_id: unique('user'), message: 'Hi', model: `openai/${name}`, ...fields };
  const heard = await hear(await openStream(`${server.url}/conversations`, { json }));
  const call = <Body>(path: string) => request<Body>(server.url + path);
  const messages = await storedMessages({ call }, heard.started.conversation_id);
  expect(heard.end.message).toEqual(messages.at(-1));
  const requests = upstream.requests.filter(({ model }) => model === name);
  return { ...heard, status: messages.at(-1)?.status, error: heard.end.error, requests };
}

const event = (type: string, fields: object = {}) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
const text = (delta: string) => event('response.output_text.delta', { item_id: 'm', delta });
const usage = { input_tokens: 3, output_tokens: 2, total_tokens: 5 };
const ended = (response: object = {}, how = 'completed') =>
  event(`response.${how}`, { response: { id: 'r', status: how, usage, ...response } });
const askRaw = (body: string, more: Omit<RawAnswer, 'body'> = {}) =>
  ask({ raw: { body, ...more } });
const complete = { text: 'All.', status: 'complete', error: undefined };

describe.concurrent('an answer of the Responses API', () => {
  it('is asked for by its own path, and not to be stored there', async () => {
    const answer = await ask({ reasoning: ['hm '], tokens: ['One ', '漢😀'] });
    expect(answer).toMatchObject({ text: 'One 漢😀', reasoning: 'hm ', status: 'complete' });
    expect(answer.end.usage).toMatchObject({ output_tokens: 3, estimated: false });
    expect(answer.requests).toMatchObject([
      { path: '/openai/v1/responses', body: { stream: true, store: false } },
    ]);
  });

  it.each(['length', 'content_filter'] as const)('may be cut by %s', async (finishReason) => {
    const status = finishReason === 'length' ? 'truncated' : 'filtered';
    expect(await ask({ tokens: ['Part'], finishReason })).toMatchObject({ text: 'Part', status });
  });

  it('calls tools, and goes on with their results', async () => {
    const user_id = unique('user');
    const document = { user_id, text: 'The pump has a warranty of two years.' };
    await request(`${server.url}/documents`, { json: document });
    const toolCalls = [[{ name: 'search_documents', input: { query: 'warranty' } }]];
    const answer = await ask({ toolCalls, tokens: ['Two years.'] }, { user_id });
    expect(answer.types).toEqual(expect.arrayContaining(['tool.call', 'tool.result']));
    expect(answer).toMatchObject({ text: 'Two years.', status: 'complete' });
    expect(JSON.stringify(answer.requests[1]?.body)).toContain('two years');
  });

  it('is given the images among the results, after them', async () => {
    const data = png().toString('base64');
    const image = { type: 'image', data, mimeType: 'image/png' };
    await vi.waitFor(async () => {
      const { text: listed } = await request(`${server.url}/tools`);
      expect(listed).toContain('paints__paint');
    }, 30_000);
    mcp.script('paints', { tools: [paint], call: () => ({ content: [image] }) });
    const calls = { toolCalls: [[{ name: 'paints__paint', input: {} }]] };
    const answer = await ask([calls, { tokens: ['Seen.'] }], {}, 'gpt-4o-');
    expect(answer).toMatchObject({ text: 'Seen.', status: 'complete', error: undefined });
    const [result, message] = asArray(asRecord(answer.requests[1]?.body)['input']).slice(-2);
    expect(result).toMatchObject({ type: 'function_call_output' });
    expect(JSON.stringify(result)).not.toContain(data);
    expect(message).toMatchObject({
      role: 'user',
      content: [
        { type: 'input_text', text: expect.stringContaining('paints__paint-1.png') as unknown },
        { type: 'input_image', image_url: `data:image/png;base64,${data}` },
      ],
    });
  });

  it.each([
    ['in one-byte pieces', { tokens: ['All.'], pieceBytes: 1 }],
    ['compressed', { tokens: ['All.'], compressed: 'gzip' }],
    ['without counts', { tokens: ['All.'], usage: 'missing' }],
    ['with comments', { tokens: ['All.'], commentEveryMs: 1, delayMs: { first: 50 } }],
  ] as [string, Behaviour][])('may come %s', async (_, behaviour) => {
    expect(await ask(behaviour)).toMatchObject(complete);
  });

  it.each([
    ['with nothing but its text and its end', text('All.') + ended()],
    [
      'in CRLF, behind a byte order mark',
      `\uFEFF${(text('All.') + ended()).replaceAll('\n', '\r\n')}`,
    ],
    [
      'with events that nobody knows',
      event('response.mood', { delta: 'x' }) + text('All.') + ended(),
    ],
    ['as a refusal', event('response.refusal.delta', { item_id: 'm', delta: 'All.' }) + ended()],
    ['with pings', `event: ping\ndata: {}\n\n${text('All.')}: hm\n\n${ended()}`],
    ['without a type beside its data', (text('All.') + ended()).replaceAll(/event: .*\n/gu, '')],
    [
      'with its text once more at its end',
      text('All.') + event('response.output_text.done', { text: 'All.' }) + ended(),
    ],
    ['with an end that comes twice', text('All.') + ended() + ended()],
    ['with a mark of the end', `${text('All.')}${ended()}data: [DONE]\n\n`],
    ['with an error after its end', text('All.') + ended() + event('error', { message: 'x' })],
    [
      'with a part of a megabyte beside it',
      event('response.created', { response: { instructions: 'x'.repeat(1e6) } }) +
        text('All.') +
        ended(),
    ],
    [
      'with counts that are no numbers',
      text('All.') + ended({ usage: { input_tokens: null, output_tokens: 'x' } }),
    ],
  ])('may come %s', async (_, body) => {
    expect(await askRaw(body)).toMatchObject(complete);
  });

  it.each(['hold', 'reset'] as const)('is whole when the connection then: %s', async (after) => {
    expect(await askRaw(text('All.') + ended(), { after })).toMatchObject(complete);
  });

  it('may come whole, where a stream was asked for', async () => {
    const output = [
      { type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm' }] },
      { type: 'message', content: [{ type: 'output_text', text: 'All.' }] },
    ];
    const body = JSON.stringify({ object: 'response', status: 'completed', output, usage });
    const answer = await askRaw(body, { contentType: 'application/json' });
    expect(answer).toMatchObject({ ...complete, reasoning: 'hm' });
    expect(answer.end.usage).toMatchObject({ output_tokens: 2, estimated: false });
  });

  it('tells the thoughts of open models', async () => {
    const thought = event('response.reasoning_text.delta', { delta: 'hm' });
    expect(await askRaw(thought + text('All.') + ended())).toMatchObject({
      ...complete,
      reasoning: 'hm',
    });
  });
});

describe.concurrent('an answer of the Responses API that fails', () => {
  it.each([
    ['by an event', event('error', { code: 'server_error', message: 'x' }), 503],
    [
      'by a nested error',
      event('error', { error: { code: 'rate_limit_exceeded', message: 'x' } }),
      429,
    ],
    ['by its status', ended({ error: { code: 'server_error', message: 'x' } }, 'failed'), 503],
    ['without a reason', ended({ error: null }, 'failed'), 503],
  ])('keeps its text, and is told as an error: %s', async (_, error, status) => {
    expect(await askRaw(text('Half') + error + ended())).toMatchObject({
      text: 'Half',
      status: 'failed',
      error: { status },
    });
  });

  it.each([
    ['it was cut', text('Half'), {}],
    ['its connection broke', text('Half'), { after: 'reset' }],
    ['it is incomplete for no known reason', text('Half') + ended({}, 'incomplete'), {}],
    ['a piece is lost', `${text('Half')}data: {oops\n\n${text('x')}${ended()}`, {}],
  ] as [string, string, Omit<RawAnswer, 'body'>][])(
    'is interrupted when %s',
    async (_, body, more) => {
      expect(await askRaw(body, more)).toMatchObject({ text: 'Half', status: 'interrupted' });
    },
  );

  it.each([
    [400, '{"error":{"code":"context_length_exceeded"}}', 'context_too_long'],
    [429, '{"error":{"message":"slow down"}}', 'model_rate_limited'],
  ])('is told by the status that its service answers: %i', async (code, body, problem) => {
    const answer = await ask({ status: { code, body } });
    expect(answer.error).toMatchObject({ code: problem });
  });

  it('waits as long as a service says in milliseconds', async () => {
    const headers = { 'retry-after-ms': '2500' };
    const { error } = await ask({ status: { code: 429, headers } });
    expect(error).toMatchObject({ code: 'model_rate_limited', retry_after: 3 });
  });

  it('is asked without tools when its service refuses them', async () => {
    const user_id = unique('user');
    await request(`${server.url}/documents`, { json: { user_id, text: 'A pump.' } });
    const refuses = {
      field: 'tools',
      code: 500,
      body: '{"error":{"message":"no tools"}}',
    } as const;
    expect(await ask({ refuses, tokens: ['All.'] }, { user_id })).toMatchObject(complete);
  });
});

it('refuses parameters that the Responses API has not', async () => {
  for (const fields of [{ stop: ['x'] }, { seed: 1 }]) {
    const json = { user_id: unique('user'), message: 'Hi', model: 'openai/x', ...fields };
    const refused = await request(`${server.url}/conversations`, { json });
    expect(refused).toMatchObject({ status: 400, json: { code: 'unsupported_parameter' } });
  }
});
