/** MCP by the protocol's own client, version 2: without sessions, and with those of before. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterEach, describe, expect, it } from 'vitest';
import { asRecord, asText, parseJson } from '../support/json.ts';
import { suiteTarget, unique } from './target.ts';
import { conversation, scripted, storedMessages } from './turns.ts';

const target = suiteTarget();
const clients: Client[] = [];
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

const ERAS = [
  { era: 'without sessions', mode: { pin: '2026-07-28' } },
  { era: 'with initialize', mode: 'legacy' },
] as const;

type Mode = (typeof ERAS)[number]['mode'] | 'auto';

/** A connected client of a user, and the requests that it has sent. */
async function connect(mode: Mode, user = unique('user')) {
  const sent: string[] = [];
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
  const transport = new StreamableHTTPClientTransport(new URL(`${target.url}/mcp`), {
    requestInit: { headers: { 'x-user-id': user } },
    fetch: async (url, init) => {
      const body = typeof init?.body === 'string' ? asRecord(parseJson(init.body)) : {};
      sent.push(asText(body['method']) || `${init?.method}`);
      return fetch(url, init);
    },
  });
  await client.connect(transport);
  clients.push(client);
  return { client, sent, user };
}

describe.each(ERAS)('a client $era', ({ mode }) => {
  it('lists the tools and calls them', async () => {
    const { client, sent } = await connect(mode);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual([
      'ask',
      'search_messages',
      'search_documents',
      'list_conversations',
      'read_conversation',
    ]);
    const listed = await client.callTool({ name: 'list_conversations', arguments: {} });
    expect(listed.structuredContent).toEqual({ conversations: [] });
    expect(sent.includes('initialize')).toBe(mode === 'legacy');
    expect(client.getServerVersion()).toMatchObject({ name: 'parley' });
  });

  it('asks, and is told that a long answer goes on', async () => {
    const { client } = await connect(mode);
    const { model, name } = await scripted(target, {
      tokens: ['It ', 'rains ', 'ünd 雨.'],
      holdAt: 2,
    });
    const progress: number[] = [];
    const told = await client.callTool(
      { name: 'ask', arguments: { message: 'Rome?', model } },
      {
        onprogress({ progress: now }) {
          progress.push(now);
          void target.upstream.release(name);
        },
      },
    );
    const answer = asRecord(told.structuredContent);
    expect(answer).toMatchObject({ status: 'complete', answer: 'It rains ünd 雨.' });
    // The client of sessions heard it when it began.
    const server = asRecord(told._meta)['io.modelcontextprotocol/serverInfo'];
    expect(server).toEqual(mode === 'legacy' ? undefined : client.getServerVersion());
    expect(progress.length).toBeGreaterThan(0);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    expect(await storedMessages(target, asText(answer['conversation_id']))).toHaveLength(2);
  });

  it('is told of what does not fit, what is not there, and what is not its own', async () => {
    const { client } = await connect(mode);
    const call = (name: string, input: Record<string, unknown>) =>
      client.callTool({ name, arguments: input });
    expect(await call('ask', { message: 5 })).toMatchObject({ isError: true });
    await expect(call('no_such_tool', {})).rejects.toMatchObject({ code: -32_602 });
    const id = await conversation(target, { user_id: unique('other') });
    expect(await call('ask', { message: 'hi', conversation_id: id })).toMatchObject({
      isError: true,
      content: [{ text: 'Conversation not found' }],
    });
  });

  it('is told of an answer that failed', async () => {
    const { client } = await connect(mode);
    const { model } = await scripted(target, { status: { code: 400, body: '{"error":"no"}' } });
    const told = await client.callTool({ name: 'ask', arguments: { message: 'hi', model } });
    expect(told).toMatchObject({ isError: true, structuredContent: { status: 'failed' } });
  });
});

describe('a call that its client gives up', () => {
  it.each([
    { era: 'without sessions cancels its turn', mode: { pin: '2026-07-28' }, end: 'cancelled' },
    { era: 'with initialize leaves its turn alone', mode: 'legacy', end: 'complete' },
  ] as const)('$era', async ({ mode, end }) => {
    const { client, user } = await connect(mode);
    const { model, name } = await scripted(target, {
      tokens: Array.from({ length: 30 }, (_, at) => `word ${at} `),
      holdAt: 2,
    });
    const leave = new AbortController();
    const asking = client.callTool(
      { name: 'ask', arguments: { message: 'hi', model } },
      { signal: leave.signal },
    );
    asking.catch(() => undefined);
    await expect.poll(() => target.upstream.requests(name)).not.toEqual([]);
    // It answers: the first words are stored with the first checkpoint.
    await expect.poll(async () => lastAnswer(user), { timeout: 10_000 }).toContain('word 0');
    leave.abort();
    await expect(asking).rejects.toThrow();
    if (end === 'complete') await target.upstream.release(name);
    await expect.poll(async () => lastStatus(user), { timeout: 15_000 }).toBe(end);
  });
});

describe('a client that finds the version out', () => {
  it('begins no session', async () => {
    const { client, sent } = await connect('auto');
    await client.listTools();
    expect(sent).toEqual(['server/discover', 'tools/list']);
  });
});

async function lastMessage(user: string) {
  const { json } = await target.call<{ conversation_id: string }[]>(
    `/conversations?user_id=${user}`,
  );
  const [only] = json;
  return only && (await storedMessages(target, only.conversation_id)).at(-1);
}

const lastAnswer = async (user: string) => (await lastMessage(user))?.content ?? '';
const lastStatus = async (user: string) => (await lastMessage(user))?.status;
