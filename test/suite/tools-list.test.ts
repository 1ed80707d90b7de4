/** Which tools there are, and how the servers stand that they come from. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { startMcpServers, type McpServers } from '../support/mcp-server.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { suiteTarget, unique } from './target.ts';

const target = suiteTarget();

interface ToolsJson {
  tools: {
    name: string;
    description: string;
    source: string;
    server?: string;
    needs_approval: boolean;
    input_schema: { type: string; properties?: Record<string, unknown> };
  }[];
  servers: { name: string; state: string; tools: number }[];
}

const weather = {
  name: 'get_weather',
  description: 'The weather of a city',
  inputSchema: { type: 'object', properties: { city: { type: 'string' } } },
};
const NAMES = ['well', 'fails', 'hangs', 'locked'];
const SECRET = 'of-the-operator';

let mcp: McpServers;
let server: TestServer;

beforeAll(async () => {
  mcp = await startMcpServers();
  mcp.script('well', { tools: [weather, { ...weather, name: 'wipe' }] });
  mcp.script('fails', { listFault: 'fails' });
  mcp.script('hangs', { listFault: 'hangs' });
  mcp.script('locked', { listFault: 'unauthorized' });
  const servers = NAMES.map((name) => ({
    name,
    url: mcp.url(name),
    headers: { authorization: `Bearer ${SECRET}` },
    approval: ['wipe'],
  }));
  const env = { MCP_SERVERS: JSON.stringify(servers), TOOL_APPROVAL: 'search_documents' };
  server = await startServer({ runtime: target.runtime, env, startLimitMs: 120_000 });
}, 150_000);

afterAll(async () => {
  await server.close();
  await mcp.close();
});

const tools = () => request<ToolsJson>(`${server.url}/tools`);
const told = (words: string) =>
  server
    .logs()
    .split('\n')
    .filter((line) => line.includes(words));

describe('the list of tools', () => {
  it('has ours, and those of the servers that answer', async () => {
    const { json, text, status } = await tools();
    expect(status).toBe(200);
    const shown = json.tools.map(({ name, source, server: of, needs_approval: needs }) => [
      name,
      source,
      of,
      needs,
    ]);
    expect(shown).toEqual([
      ['search_documents', 'built_in', undefined, true],
      ['search_conversations', 'built_in', undefined, false],
      ['well__get_weather', 'mcp', 'well', false],
      ['well__wipe', 'mcp', 'well', true],
    ]);
    expect(json.tools[0]?.input_schema).toMatchObject({ type: 'object', properties: {} });
    expect(json.tools[2]).toMatchObject({
      description: expect.stringContaining('The weather of a city'),
      input_schema: { properties: { city: { type: 'string' } } },
    });
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain(new URL(mcp.url('well')).host);
  });

  it('says how each server stands', async () => {
    const stands = async () =>
      (await tools()).json.servers.map(({ name, state, tools: count }) => [name, state, count]);
    // The one that hangs counts as down once it has had the time for an answer.
    await expect.poll(stands, { timeout: 40_000, interval: 500 }).toEqual([
      ['well', 'ready', 2],
      ['fails', 'down', 0],
      ['hangs', 'down', 0],
      ['locked', 'unauthorized', 0],
    ]);
  });

  it('has ours alone where no server is named', async () => {
    const { json } = await target.call<ToolsJson>('/tools');
    expect(json.tools.map(({ name }) => name)).toEqual([
      'search_documents',
      'search_conversations',
    ]);
    expect(json.servers).toEqual([]);
  });
});

describe('a server that wants a token', () => {
  it('is told of once, with a hint, and turns go on without it', async () => {
    const say = () =>
      request<{ assistant_reply: string }>(`${server.url}/conversations`, {
        json: { user_id: unique('user'), message: 'Hello', model: 'offline' },
      });
    for (let turn = 0; turn < 3; turn++) expect((await say()).json.assistant_reply).not.toBe('');
    const lines = told('wants a credential').filter((line) => line.includes('locked'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('headers in MCP_SERVERS');
    expect(server.logs()).not.toContain(SECRET);
  });
});
