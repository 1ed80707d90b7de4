/** The user's conversations and documents for clients of MCP, by the AI SDK's own client. */
import { createMCPClient } from '@ai-sdk/mcp';
import { afterEach, describe, expect, it } from 'vitest';
import { post } from './documents-client.ts';
import { suiteTarget, unique } from './target.ts';
import { conversation, scripted, storedMessages } from './turns.ts';

const target = suiteTarget();
const clients: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

interface Called {
  isError?: boolean;
  content: { text: string }[];
  structuredContent?: Record<string, unknown>;
}

/** A client of a user, and calls of its tools. */
async function clientOf(user = unique('user')) {
  const headers = { 'x-user-id': user };
  const client = await createMCPClient({
    transport: { type: 'http', url: `${target.url}/mcp`, headers },
  });
  clients.push(client);
  const tools = await client.tools();
  const call = async (name: string, input: object) => {
    const tool = tools[name];
    if (!tool) throw new Error(`there is no tool ${name}`);
    // The client's own type of a result says nothing.
    return (await tool.execute(input, { toolCallId: 'c', messages: [], context: {} })) as Called;
  };
  return { user, tools, call };
}

async function send(message: object, headers: Record<string, string> = {}) {
  return target.call('/mcp', { json: { jsonrpc: '2.0', ...message }, headers });
}

describe('a client of MCP', () => {
  it('finds five tools, of which one changes something', async () => {
    const { tools } = await clientOf();
    expect(Object.keys(tools).toSorted()).toEqual([
      'ask',
      'list_conversations',
      'read_conversation',
      'search_documents',
      'search_messages',
    ]);
    const { json } = await send({ id: 1, method: 'tools/list' });
    const listed = json as { result: { tools: { name: string; annotations: object }[] } };
    const changing = listed.result.tools.filter(
      ({ annotations }) => !('readOnlyHint' in annotations && annotations.readOnlyHint),
    );
    expect(changing.map(({ name }) => name)).toEqual(['ask']);
  });

  it('asks, goes on in the conversation, finds it and reads it', async () => {
    const { user, call } = await clientOf();
    const { model } = await scripted(target, { tokens: ['The valve ', 'is blue.'] });
    const first = await call('ask', { message: 'Which colour is the valve?', model });
    expect(first.structuredContent).toMatchObject({
      status: 'complete',
      answer: 'The valve is blue.',
    });
    const id = String(first.structuredContent?.['conversation_id']);
    await call('ask', { message: 'Are you sure?', conversation_id: id, model });
    expect(await storedMessages(target, id)).toHaveLength(4);
    const { structuredContent: list } = await call('list_conversations', {});
    expect(list).toMatchObject({ conversations: [{ conversation_id: id, message_count: 4 }] });
    const { structuredContent: found } = await call('search_messages', { query: 'colour' });
    expect(found).toMatchObject({
      messages: [{ conversation_id: id, role: 'user', text: 'Which colour is the valve?' }],
    });
    const { structuredContent: read } = await call('read_conversation', { conversation_id: id });
    expect(read).toMatchObject({ messages: [{}, { text: 'The valve is blue.' }, {}, {}] });
    expect(user).toMatch(/\S/u);
  });

  it('searches the documents of its user', async () => {
    const { user, call } = await clientOf();
    await post({ user_id: user, title: 'Manual', text: 'The blue valve closes clockwise.' });
    const { structuredContent } = await call('search_documents', { query: 'blue valve' });
    expect(structuredContent).toMatchObject({
      passages: [{ title: 'Manual', text: expect.stringContaining('clockwise') }],
    });
  });

  it('asks once when its call is repeated with the same key', async () => {
    const { user } = await clientOf();
    const { model } = await scripted(target, { tokens: ['yes'] });
    const params = { name: 'ask', arguments: { message: 'hi', model } };
    const headers = { 'x-user-id': user, 'idempotency-key': unique('key') };
    const one = await send({ id: 1, method: 'tools/call', params }, headers);
    const two = await send({ id: 1, method: 'tools/call', params }, headers);
    expect(two.json).toEqual(one.json);
    const { json } = await target.call(`/conversations?user_id=${user}`);
    expect(json).toHaveLength(1);
  });

  it('finds nothing of another user', async () => {
    const id = await conversation(target, { user_id: unique('other') });
    const { call } = await clientOf();
    const read = await call('read_conversation', { conversation_id: id });
    expect(read).toMatchObject({ isError: true, content: [{ text: 'Conversation not found' }] });
    const asked = await call('ask', { message: 'hi', conversation_id: id });
    expect(asked).toMatchObject({ isError: true, content: [{ text: 'Conversation not found' }] });
    const { structuredContent } = await call('list_conversations', {});
    expect(structuredContent).toEqual({ conversations: [] });
  });

  it('is told what does not fit, and nothing is run', async () => {
    const { user, call } = await clientOf();
    const refused = await call('ask', { message: '' });
    expect(refused).toMatchObject({ isError: true, content: [{ text: /message/u }] });
    const { json } = await target.call(`/conversations?user_id=${user}`);
    expect(json).toEqual([]);
  });
});

describe('a message', () => {
  it('a message of a client of an earlier version is answered in that version', async () => {
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'x' } };
    const { json } = await send({ id: 'a', method: 'initialize', params });
    expect(json).toMatchObject({
      id: 'a',
      result: { protocolVersion: '2025-06-18', serverInfo: { name: 'parley' } },
    });
    const { status, text } = await send({ method: 'notifications/initialized' });
    expect([status, text]).toEqual([202, '']);
  });

  it.each([
    ['a method that does not exist', { id: 1, method: 'resources/list' }, -32_601],
    ['a tool that does not exist', { id: 1, method: 'tools/call', params: { name: 'x' } }, -32_602],
    [
      'a tool by the name of what every object has',
      { id: 1, method: 'tools/call', params: { name: 'constructor' } },
      -32_602,
    ],
  ])('a message with %s gets an error', async (_, message, code) => {
    const { status, json } = await send(message);
    expect([status, json]).toMatchObject([200, { id: 1, error: { code } }]);
  });

  it('a message that is none is refused in the form of JSON-RPC', async () => {
    const { status, json } = await target.call('/mcp', { json: [{ jsonrpc: '2.0' }] });
    expect([status, json]).toMatchObject([
      400,
      { jsonrpc: '2.0', id: null, error: { code: -32_600 } },
    ]);
  });

  it('cannot be read by GET', async () => {
    const { status, headers } = await target.call('/mcp');
    expect([status, headers['allow']]).toEqual([405, 'POST']);
  });
});
