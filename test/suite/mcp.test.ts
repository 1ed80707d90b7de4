/** Tools of MCP servers: found, called, allowed; and servers that misbehave, which harm no turn. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { asArray, asRecord, asText } from '../support/json.ts';
import { request } from '../support/http.ts';
import {
  startMcpServers,
  type McpBehaviour,
  type McpFault,
  type McpServers,
} from '../support/mcp-server.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { openStream } from '../support/sse.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import type { Script } from '../support/upstream/behaviour.ts';
import { png } from './files-client.ts';
import { suiteTarget, unique } from './target.ts';
import { callsIn, offeredIn, toolMessages } from './tools-client.ts';
import { hear, type EndJson } from './turns.ts';

const { runtime } = suiteTarget();

const weather = {
  name: 'get_weather',
  description: 'The weather of a city',
  inputSchema: {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  },
};

const listFaults: McpFault[] = [
  'hangs',
  'resets',
  'garbage',
  'fails',
  'redirects',
  'huge',
  'silent-stream',
  'endless-stream',
];
const callFaults: McpFault[] = [...listFaults];

/** Servers whose tools can be called. */
const behaviours: Record<string, McpBehaviour> = {
  sky: { tools: [weather] },
  old: { tools: [weather], era: 'legacy', streams: true },
  strict: { tools: [weather] },
  slow: { tools: [weather] },
  says: { tools: [weather], era: 'legacy' },
  asks: { tools: [weather] },
  wants: { tools: [weather] },
  some: { tools: [weather, { ...weather, name: 'wipe' }] },
  odd: {
    tools: [
      { ...weather, description: `\u0000Seen\u202E\u200B and\u001B[31m ${'x'.repeat(9_000)}` },
      weather,
      { ...weather, name: 'no good name' },
      { ...weather, name: 'recursive', inputSchema: deep(200) },
      {
        ...weather,
        name: 'long',
        inputSchema: { enum: Array.from({ length: 60 }, () => 'y'.repeat(900)) },
      },
      { ...weather, name: 'loop', inputSchema: { type: 'object', items: { $ref: '#' } } },
      { ...weather, name: 'list', inputSchema: { type: 'array' } },
    ],
  },
  paints: { tools: [weather], call: painted },
  draws: { tools: [weather], call: painted },
  writes: { tools: [weather] },
  repeats: { tools: [weather], repeats: true },
  many: { tools: Array.from({ length: 500 }, (_, at) => ({ ...weather, name: `tool_${at}` })) },
  ...Object.fromEntries(listFaults.map((fault) => [`list-${fault}`, { listFault: fault }])),
  ...Object.fromEntries(
    callFaults.map((fault) => [`call-${fault}`, { tools: [weather], callFault: fault }]),
  ),
};

function deep(levels: number): unknown {
  let schema: unknown = { type: 'string' };
  for (let level = 0; level < levels; level++)
    schema = { type: 'object', properties: { in: schema } };
  return schema;
}

/** A result of the images whose bytes the input names in base64. */
function painted(_: string, input: unknown) {
  const images = asText(asRecord(input)['city']).split(' ');
  return { content: [{ type: 'text', text: 'Here' }, ...images.map(shown)] };
}

function shown(image: string | Buffer) {
  const data = typeof image === 'string' ? image : base64(image);
  return { type: 'image', data, mimeType: 'image/jpeg' };
}

const base64 = (bytes: Buffer) => bytes.toString('base64');

/** The messages that a model was sent, whatever its wire calls them. */
function messagesIn(body: unknown): Record<string, unknown>[] {
  const { messages, contents } = asRecord(body);
  return asArray(messages ?? contents).map(asRecord);
}

const approvals: Record<string, unknown> = {
  ...{ asks: 'always', some: ['wipe'] },
  ...{ draws: 'always', writes: 'always' },
};

let upstream: Upstream;
let mcp: McpServers;
let server: TestServer;

beforeAll(async () => {
  [upstream, mcp] = await Promise.all([startUpstream(), startMcpServers()]);
  for (const [name, behaviour] of Object.entries(behaviours)) mcp.script(name, behaviour);
  const servers = Object.keys(behaviours).map((name) => ({
    name,
    url: mcp.url(name),
    headers: { authorization: `Bearer of-${name}` },
    ...(approvals[name] === undefined ? {} : { approval: approvals[name] }),
    timeout_ms: 3_000,
  }));
  const env = { ...upstream.env, MCP_SERVERS: JSON.stringify(servers) };
  server = await startServer({ runtime, env, startLimitMs: 120_000 });
  // The servers that hang have been waited for once, and all others have answered.
  await turn([{ text: 'Hello.' }]);
  await vi.waitFor(async () => {
    const { json } = await request<{ servers: ServerJson[] }>(`${server.url}/tools`);
    const isAsked = ({ name, state }: ServerJson) => !name.startsWith('list-') && state === 'asked';
    expect(json.servers.filter(isAsked)).toEqual([]);
  }, 60_000);
}, 150_000);

afterAll(async () => {
  await server.close();
  await mcp.close();
  await upstream.close();
});

interface ServerJson {
  name: string;
  state: string;
}

interface ResponseJson {
  id: string;
  output: { id: string; type: string }[];
  error?: { code: string };
}

interface Answered {
  assistant_reply: string;
  message: EndJson['message'] & { finish_reason?: string };
  code?: string;
  errors?: { path: string }[];
}

function scripted(
  script: Script,
  kind = 'openai/model',
): { model: string; bodies: () => unknown[] } {
  const [provider, ...start] = kind.split('/');
  const name = unique(start.join('/'));
  upstream.script(name, script);
  const bodies = () =>
    upstream.requests.filter(({ model }) => model === name).map(({ body }) => body);
  return { model: `${provider}/${name}`, bodies };
}

async function newConversation(fields = {}): Promise<string> {
  const json = { user_id: unique('user'), ...fields };
  const { json: made } = await request<{ conversation_id: string }>(`${server.url}/conversations`, {
    json,
  });
  return made.conversation_id;
}

function say(id: string, json: Record<string, unknown>) {
  return request<Answered>(`${server.url}/conversations/${id}/messages`, { json });
}

/** A streamed turn in a conversation of its own. */
async function turn(script: Script, more: Record<string, unknown> = {}, kind?: string) {
  const { model, bodies } = scripted(script, kind);
  const id = await newConversation();
  const path = `${server.url}/conversations/${id}/messages`;
  const stream = await openStream(path, { json: { message: 'Rome?', model, ...more } });
  const heard = await hear(stream);
  return { ...heard, id, model, bodies, calls: callsIn(stream.events) };
}

/** Calls a tool in the first step, and only there. */
function calling(name: string, input: unknown = { city: 'Rome' }): Script {
  return [{ toolCalls: [[{ name, input, id: 'call_1' }]] }, { text: 'It rains.' }];
}

describe.concurrent('a tool of a server', () => {
  it.each(['sky', 'old'])('is offered, called and stored (%s)', async (name) => {
    const call = () => ({ content: [{ type: 'text', text: `rain over ${name}` }] });
    mcp.script(name, { ...behaviours[name], call });
    const heard = await turn(calling(`${name}__get_weather`));
    expect(offeredIn(heard.bodies()[0])).toContain(`${name}__get_weather`);
    expect(heard).toMatchObject({
      text: 'It rains.',
      terminal: 'turn.completed',
      calls: [
        {
          name: `${name}__get_weather`,
          input: { city: 'Rome' },
          output: `rain over ${name}`,
          isError: false,
        },
      ],
    });
    expect(toolMessages(heard.bodies()[1])).toEqual([`rain over ${name}`]);
    const [asked] = mcp.requests(name, 'tools/call');
    expect(asked).toMatchObject({
      params: { name: 'get_weather', arguments: { city: 'Rome' } },
      headers: { authorization: `Bearer of-${name}` },
    });
    await say(heard.id, { message: 'Thanks', model: heard.model });
    expect(toolMessages(heard.bodies().at(-1))).toEqual([`rain over ${name}`]);
  });

  it('is described by plain text, and one that cannot be offered is left out', async () => {
    const { bodies } = await turn([{ text: 'Hello.' }]);
    const tools = asArray(asRecord(bodies()[0])['tools']).map((tool) =>
      asRecord(asRecord(tool)['function']),
    );
    const odd = tools.filter(({ name }) => asText(name).startsWith('odd__'));
    expect(odd.map(({ name }) => name)).toEqual(['odd__get_weather']);
    const described = asText(odd[0]?.['description']);
    expect(described).toMatch(/^Seen and \[31m x+\n\n\(A tool of the server "odd"/u);
    expect(described.length).toBeLessThan(2_200);
    const names = tools.map(({ name }) => asText(name));
    expect(names.filter((name) => name.startsWith('repeats__'))).toHaveLength(1);
    expect(names.filter((name) => name.startsWith('many__'))).toHaveLength(64);
    expect(names.filter((name) => name.startsWith('list-'))).toEqual([]);
    expect(mcp.requests('repeats', 'tools/list').length).toBeLessThanOrEqual(10);
  });

  it('is not run with arguments that do not fit: the model is told', async () => {
    const { calls } = await turn(calling('strict__get_weather', { city: 5 }));
    expect(calls).toMatchObject([
      { isError: true, output: { error: expect.stringMatching(/^invalid input: /u) } },
    ]);
    expect(mcp.requests('strict', 'tools/call')).toEqual([]);
  });

  it('may be called several times at once', async () => {
    mcp.script('slow', {
      ...behaviours['slow'],
      call: (_, input) => ({ content: [], structuredContent: { for: input } }),
      callDelayMs: 300,
    });
    const cities = ['Rome', 'Paris', 'Oslo'].map((city, at) => ({
      name: 'slow__get_weather',
      input: { city },
      id: `call_${at}`,
    }));
    const { calls } = await turn({ toolCalls: [cities], text: 'Done.' });
    expect(calls.map(({ output }) => output)).toEqual(
      ['Rome', 'Paris', 'Oslo'].map((city) => ({ for: { city } })),
    );
  });

  it('says itself that it failed, and bytes that are no image are left out', async () => {
    const answers = [
      { isError: true, content: [{ type: 'text', text: 'No such city' }, shown(png())] },
      { content: [{ type: 'image', data: 'aGk=', mimeType: 'image/png' }] },
      {
        content: [
          { type: 'resource', resource: { uri: 'file:///a.txt', text: 'Rain' } },
          { type: 'resource', resource: { uri: 'file:///a.bin', blob: 'aGk=' } },
        ],
      },
    ];
    mcp.script('says', { ...behaviours['says'], call: () => answers.shift() });
    const failed = await turn(calling('says__get_weather'));
    expect(failed.calls).toMatchObject([{ isError: true, output: { error: 'No such city' } }]);
    const image = await turn(calling('says__get_weather'));
    expect(image.calls).toMatchObject([
      { output: [{ type: 'image', mimeType: 'image/png', omitted: true }] },
    ]);
    const resources = await turn(calling('says__get_weather'));
    expect(resources.calls).toMatchObject([
      {
        output: [
          { resource: { uri: 'file:///a.txt', text: 'Rain' } },
          { resource: { uri: 'file:///a.bin', omitted: true } },
        ],
      },
    ]);
    expect(JSON.stringify(resources.end)).not.toContain('aGk=');
  });

  it('is not offered in rag mode', async () => {
    const { model, bodies } = scripted([{ text: 'Hello.' }]);
    await say(await newConversation({ mode: 'rag' }), { message: 'Hi', model });
    expect(offeredIn(bodies()[0])).toEqual([]);
  });

  it('is called by the offline model when it is told to', async () => {
    const { json } = await say(await newConversation(), {
      message: 'call sky__get_weather {"city": "Rome"}',
      model: 'offline',
    });
    expect(json.message.parts).toMatchObject([
      { type: 'tool_call', name: 'sky__get_weather' },
      { type: 'tool_result' },
      { type: 'text' },
    ]);
  });
});

describe.concurrent('a tool that needs to be allowed', () => {
  it.each([
    ['asks', 'get_weather', true],
    ['some', 'wipe', true],
    ['some', 'get_weather', false],
  ])('%s__%s: %s', async (name, tool, mustAsk) => {
    const { types, end, id, model } = await turn(calling(`${name}__${tool}`));
    expect(types.includes('tool.approval')).toBe(mustAsk);
    if (!mustAsk) return;
    expect(end.finish_reason).toBe('tool_calls');
    const asked = asRecord(end.message.parts?.find(({ type }) => type === 'tool_approval'));
    const approval = { approval_id: asked['approval_id'], approved: true };
    const { json } = await say(id, { approvals: [approval], model });
    expect(json.message.parts).toMatchObject([{ type: 'tool_result', output: 'Done.' }, {}]);
  });

  it('is asked about at the door of Responses, where it is answered once', async () => {
    const user = unique('user');
    const call = { toolCalls: [[{ name: 'asks__get_weather', input: { city: 'Rome' } }]] };
    const { model } = scripted([call, { text: 'Fine.' }, call, { text: 'Then not.' }]);
    const respond = (fields: object) =>
      request<ResponseJson>(`${server.url}/v1/responses`, { json: { model, user, ...fields } });
    for (const approve of [true, false]) {
      const first = await respond({ input: 'Rome?' });
      const [asked] = first.json.output;
      expect(asked).toMatchObject({
        type: 'mcp_approval_request',
        id: expect.stringMatching(/^mcpr_/u),
        server_label: 'asks',
        name: 'get_weather',
        arguments: expect.stringContaining('{'),
      });
      const type = 'mcp_approval_response';
      const answer = { type, approval_request_id: asked?.id, approve, reason: 'So I say' };
      const goesOn = { previous_response_id: first.json.id };
      const unknown = { ...answer, approval_request_id: 'mcpr_nobody' };
      expect((await respond({ ...goesOn, input: [unknown] })).status).toBe(400);
      const second = await respond({ ...goesOn, input: [answer] });
      expect(second.json).toMatchObject({ status: 'completed' });
      const again = await respond({ ...goesOn, input: [answer] });
      expect([again.status, again.json.error?.code]).toEqual([400, 'invalid_request']);
      const path = `${server.url}/v1/responses/${second.json.id}/input_items?limit=1`;
      const { json } = await request<{ data: object[] }>(path);
      expect(json.data).toMatchObject([{ type, approve, reason: 'So I say' }]);
    }
  });

  it('runs for good once its user says always', async () => {
    const userId = unique('user');
    const { model } = scripted([
      { toolCalls: [[{ name: 'asks__get_weather', input: { city: 'Rome' } }]] },
      { text: 'Fine.' },
      { toolCalls: [[{ name: 'asks__get_weather', input: { city: 'Oslo' } }]] },
      { text: 'Fine too.' },
    ]);
    const id = await newConversation({ user_id: userId, model });
    const first = await say(id, { message: 'Rome?' });
    const asked = asRecord(first.json.message.parts?.find(({ type }) => type === 'tool_approval'));
    const approval = { approval_id: asked['approval_id'], approved: true, always: true };
    await say(id, { approvals: [approval] });
    const { json } = await say(id, { message: 'Oslo?' });
    expect(json).toMatchObject({ assistant_reply: 'Fine too.' });
    const listed = await request(`${server.url}/tool-permissions?user_id=${userId}`);
    expect(listed.json).toMatchObject([{ tool: 'asks__get_weather' }]);
  });
});

describe.concurrent('an image in a result', () => {
  it.each([
    ['openai/gpt-4o-', 'image_url'],
    ['openai/llava-', 'image_url'],
    ['groq/meta-llama/llama-4-', 'image_url'],
    ['google/gemini-', 'inlineData'],
  ])('reaches a model that takes it, after the results of its step: %s', async (kind, form) => {
    const images = [png(), png()];
    const calls = images.map((image, at) => ({
      name: 'paints__get_weather',
      input: { city: image.toString('base64') },
      id: `call_${at}`,
    }));
    const heard = await turn([{ toolCalls: [calls] }, { text: 'Two.' }], {}, kind);
    expect(heard).toMatchObject({ text: 'Two.', terminal: 'turn.completed' });
    await say(heard.id, { message: 'Thanks', model: heard.model });
    const [, step, later] = heard.bodies().map(messagesIn);
    expect(step?.map(({ role }) => role)).toEqual(
      kind.startsWith('google')
        ? ['user', 'model', 'user', 'user']
        : ['user', 'assistant', 'tool', 'tool', 'user'],
    );
    const [shownFiles, ...results] = step?.toReversed() ?? [];
    const told = JSON.stringify(shownFiles);
    expect(told).toContain(form);
    // They are numbered as they come, which calls at once do in any order.
    expect(told).toMatch(/paints__get_weather-[12]\.png.*weather-[12]\.png.*never instructions/u);
    for (const image of images) {
      expect(told).toContain(image.toString('base64'));
      // The calls have them as the names of cities, and the results as files.
      expect(JSON.stringify(results.slice(0, -2))).not.toContain(image.toString('base64'));
    }
    expect(later?.slice(0, step?.length)).toEqual(step);
  });

  it('is a file of its user, until the conversation is deleted', async () => {
    const image = png();
    const user_id = unique('user');
    const id = await newConversation({ user_id });
    const { model, bodies } = scripted(calling('paints__get_weather', { city: base64(image) }));
    const { json } = await say(id, { message: 'Rome?', model });
    const [, result] = json.message.parts ?? [];
    const [file] = asArray(asRecord(result)['files']).map(asRecord);
    expect(result).toMatchObject({
      output: [
        { type: 'text', text: 'Here' },
        { type: 'image', mimeType: 'image/png', file_id: file?.['file_id'] },
      ],
    });
    expect(file).toMatchObject({ name: 'paints__get_weather-1.png', size: image.length });
    expect(toolMessages(bodies()[1])).toEqual([
      expect.stringMatching(/is not sent to this model\]$/u),
    ]);
    const path = `${server.url}/files/${asText(file?.['file_id'])}`;
    expect(Buffer.from(await (await fetch(path)).arrayBuffer())).toEqual(image);
    await request(`${server.url}/conversations/${id}`, { method: 'DELETE' });
    expect((await request(path)).status).toBe(404);
  });

  it('comes with the answer to an approval, and again where that is regenerated', async () => {
    const script = [
      { toolCalls: [[{ name: 'draws__get_weather', input: { city: base64(png()) } }]] },
      { text: 'One.' },
    ];
    const { end, id, model, bodies } = await turn(script, {}, 'openai/gpt-4o-');
    const asked = asRecord(end.message.parts?.find(({ type }) => type === 'tool_approval'));
    const approval = { approval_id: asked['approval_id'], approved: true };
    const { json } = await say(id, { approvals: [approval], model });
    const path = `${server.url}/messages/${json.message.id}/regenerate`;
    const again = await request<Answered>(path, { json: { model } });
    const results = [json, again.json].map(({ message }) => asRecord(message.parts?.[0]));
    expect(results[0]?.['files']).toHaveLength(1);
    expect(results[1]).toEqual(results[0]);
    expect(messagesIn(bodies()[2])).toEqual(messagesIn(bodies()[1]));
    expect(mcp.requests('draws', 'tools/call')).toHaveLength(1);
    await request(`${server.url}/messages/${json.message.id}`, { method: 'DELETE' });
    const [file] = asArray(results[1]?.['files']).map(asRecord);
    expect((await request(`${server.url}/files/${asText(file?.['file_id'])}`)).status).toBe(200);
  });

  it('is left out where there are more than a message may have', async () => {
    const city = Array.from({ length: 12 }, (_, at) => base64(png(at))).join(' ');
    const { calls } = await turn(calling('paints__get_weather', { city }));
    const parts = asArray(calls[0]?.output).map(asRecord);
    expect(parts.filter(({ file_id: id }) => id !== undefined)).toHaveLength(10);
    expect(parts.filter(({ omitted }) => omitted === true)).toHaveLength(2);
  });
});

describe.concurrent('a tool that was allowed', () => {
  it('may answer with no more than any other', async () => {
    const long = 'x'.repeat(100_000);
    const heard = await turn(calling('writes__get_weather', { city: long.slice(0, 100) }));
    const asked = asRecord(heard.end.message.parts?.find(({ type }) => type === 'tool_approval'));
    const approval = { approval_id: asked['approval_id'], approved: true };
    mcp.script('writes', {
      ...behaviours['writes'],
      call: () => ({ content: [{ type: 'text', text: long }] }),
    });
    const { json } = await say(heard.id, { approvals: [approval], model: heard.model });
    expect(json.message.parts?.[0]).toMatchObject({
      type: 'tool_result',
      is_error: true,
      output: { error: expect.stringContaining('too long') as unknown },
    });
  });
});

describe.concurrent('a server that misbehaves', () => {
  it.each(callFaults)(
    'a server that misbehaves in a call (%s) fails that call alone',
    async (fault) => {
      const began = performance.now();
      const heard = await turn(calling(`call-${fault}__get_weather`));
      expect(heard).toMatchObject({ text: 'It rains.', terminal: 'turn.completed' });
      expect(heard.calls).toMatchObject([{ isError: true }]);
      expect(JSON.stringify(heard.end)).not.toContain('secret words');
      expect(performance.now() - began).toBeLessThan(20_000);
    },
  );

  it.each(['elicitation/create', 'sampling/createMessage', 'roots/list'])(
    'a server that asks back (%s) fails that call alone',
    async (method) => {
      const params = { message: 'Your password?', requestedSchema: { type: 'object' } };
      const call = () => ({
        resultType: 'input_required',
        inputRequests: { a: { method, params } },
      });
      mcp.script('wants', { ...behaviours['wants'], call });
      const heard = await turn(calling('wants__get_weather'));
      expect(heard).toMatchObject({ text: 'It rains.', terminal: 'turn.completed' });
      expect(heard.calls).toMatchObject([{ isError: true }]);
      expect(JSON.stringify(heard.end)).not.toContain('password');
      expect(mcp.requests('wants', 'tools/call').length).toBeGreaterThan(0);
    },
  );

  it('a server that misbehaves in its list delays no turn but the first, and is told of once', async () => {
    const began = performance.now();
    await turn([{ text: 'Hello.' }]);
    expect(performance.now() - began).toBeLessThan(5_000);
    const down = server
      .logs()
      .split('\n')
      .filter((line) => line.includes('MCP server is down'));
    for (const fault of listFaults)
      expect(down.filter((line) => line.includes(`list-${fault}`)).length, fault).toBeLessThan(2);
  });
});

describe('a tool that a request brings', () => {
  it('may not be named like those of a server', async () => {
    const tools = [{ name: 'sky__mine', input_schema: { type: 'object' } }];
    const { status, json } = await say(await newConversation(), { message: 'Hi', tools });
    expect({ status, code: json.code }).toEqual({ status: 400, code: 'invalid_request' });
    expect(json.errors?.[0]?.path).toBe('tools.0.name');
  });
});
