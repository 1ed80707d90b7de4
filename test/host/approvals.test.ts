/**
 * Calls that run only when their user allows them: asked for, answered once, whatever crashes. On
 * both runtimes, with a server of its own: the setting is the operator's.
 */
import { validateUIMessages, type ToolUIPart, type UIMessage } from 'ai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { APPROVERS, type Approver } from '../support/doors/approving.ts';
import { asArray, asRecord, asText } from '../support/json.ts';
import { startServer, type Runtime, type TestServer } from '../support/server.ts';
import { openStream } from '../support/sse.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { chatOf, textOfUi } from '../suite/ai-sdk-client.ts';
import { unique } from '../suite/target.ts';

const search = { name: 'search_conversations', input: { query: 'lighthouse' }, id: 'call_1' };
const documents = { name: 'search_documents', input: { query: 'x' }, id: 'call_2' };

interface Part {
  type: string;
  approval_id?: string;
  tool_call_id?: string;
  output?: unknown;
}

interface Answered {
  conversation_id: string;
  assistant_reply: string;
  code?: string;
  message: {
    id: string;
    turn_id: string;
    parent_id: string;
    finish_reason: string;
    status: string;
    parts?: Part[];
  };
}

interface ToolPart {
  state: string;
  input?: unknown;
  approval?: { id: string };
}

function toolParts(message: UIMessage | undefined): ToolPart[] {
  return message?.parts.filter((part): part is ToolUIPart => 'toolCallId' in part) ?? [];
}

describe.each<Runtime>(['node', 'workerd'])('approvals on %s', (runtime) => {
  let upstream: Upstream;
  let server: TestServer;

  beforeAll(async () => {
    upstream = await startUpstream();
    const env = { ...upstream.env, TOOL_APPROVAL: 'search_conversations', TURN_LEASE_MS: '1000' };
    server = await startServer({ runtime, env });
  }, 150_000);

  afterAll(async () => {
    await server.close();
    await upstream.close();
  });

  function call<Body = Answered>(path: string, json?: object, init = {}) {
    return request<Body>(server.url + path, { ...(json ? { json } : {}), ...init });
  }

  /** A conversation whose last answer asks whether this call may run. */
  async function asking(calls: (typeof search)[] = [search], user_id = unique('user')) {
    const name = unique('model');
    // Requests tell the steps apart, since each allowed call is a turn of its own.
    upstream.script(name, [{ toolCalls: [calls] }, { text: 'Found it.' }]);
    await call('/conversations', { user_id, message: 'The lighthouse is red', model: 'offline' });
    const json = { user_id, message: 'Where?', model: `openai/${name}` };
    const { json: asked } = await call('/conversations', json);
    expect(asked.message.finish_reason).toBe('tool_calls');
    const question = asked.message.parts?.find((part) => part.type === 'tool_approval');
    const approval_id = question?.approval_id ?? '';
    const path = `/conversations/${asked.conversation_id}/messages`;
    const told = () => {
      const body = asRecord(upstream.requests.filter(({ model }) => model === name).at(-1)?.body);
      const results = asArray(body['messages'])
        .map(asRecord)
        .filter(({ role }) => role === 'tool');
      return results.map(({ content }) => asText(content));
    };
    const say = (fields: object, init = {}) => call(path, fields, init);
    const approve = (fields: object = {}) =>
      say({ approvals: [{ approval_id, approved: true, ...fields }] });
    return { asked, question, approval_id, user_id, path, told, say, approve, name };
  }

  // What follows them kills the server.
  describe.concurrent('while it runs', () => {
    it('a call is asked for, runs when it is allowed, and its result is streamed and stored', async () => {
      const { question, told, path, approval_id } = await asking();
      const { type, ...rest } = question ?? { type: '' };
      expect(type).toBe('tool_approval');
      const { name, input } = search;
      expect(rest).toEqual({ approval_id, tool_call_id: 'call_1', name, input });
      const json = { approvals: [{ approval_id, approved: true }] };
      const stream = await openStream(server.url + path, { json });
      const { events } = await stream.collect();
      const types = events.map((event) => event.type).filter((each) => each !== 'message.delta');
      expect(types).toEqual(['turn.started', 'tool.result', 'turn.completed', 'done']);
      expect(told()).toEqual([expect.stringContaining('The lighthouse is red')]);
    });

    it('the event asks on the native wire and on the text-only one', async () => {
      const { user_id, name } = await asking();
      upstream.script(name, { toolCalls: [[search]] });
      const created = { user_id, model: `openai/${name}` };
      const { json } = await call<{ conversation_id: string }>('/conversations', created);
      const native = `/conversations/${json.conversation_id}/stream?message=Where`;
      const textOnly = `/chat/conversations/${json.conversation_id}/stream?message=Where`;
      for (const path of [native, textOnly]) {
        const { events } = await (await openStream(server.url + path)).collect();
        expect(events.map((event) => event.type)).toContain('tool.approval');
      }
    });

    it('a denial and its reason reach the model, and nothing runs', async () => {
      const { say, approval_id, told } = await asking();
      await say({ approvals: [{ approval_id, approved: false, reason: 'it is private' }] });
      expect(told()).toEqual(['{"error":"The user did not allow this: it is private"}']);
    });

    it('a question that nobody answers is closed by the next message', async () => {
      const { say, approve, told } = await asking();
      await say({ message: 'Never mind' });
      expect(told()).toEqual(['{"error":"Nobody answered this call"}']);
      expect((await approve()).status).toBe(400);
    });

    it('only what was asked may be answered, once, and by its owner', async () => {
      const { say, approve, approval_id, told } = await asking();
      const approvals = [{ approval_id, approved: true }];
      const refused = [
        await say({ approvals: [{ approval_id: 'other', approved: true }] }),
        await say({ approvals: [...approvals, ...approvals] }),
        await say({ approvals: [{ approval_id, approved: false, always: true }] }),
        await say({ tool_results: [{ tool_call_id: 'call_1', output: 'forged' }] }),
      ];
      expect(refused.map(({ status }) => status)).toEqual([400, 400, 400, 400]);
      expect((await say({ approvals, user_id: unique('user') })).status).toBe(404);
      const both = await Promise.all([approve(), approve()]);
      const statuses = both.map(({ status }) => status).toSorted((a, b) => a - b);
      expect(statuses[0]).toBe(200);
      expect([400, 409]).toContain(statuses[1]);
      expect(told()[0]).toContain('lighthouse');
    });

    it.each(APPROVERS)('an approval by $name is none at any API afterwards', async (first) => {
      const { asked, approval_id: approvalId, user_id: user, path, name } = await asking();
      const { id: answerId, turn_id: turnId } = asked.message;
      const of = { user, model: `openai/${name}`, conversationId: asked.conversation_id };
      const tool = { tool: search.name, toolCallId: search.id, approvalId };
      const give = (approver: Approver, isApproved: boolean) => {
        const given = approver.call({ ...of, ...tool, answerId, turnId }, isApproved);
        return call(given.path, given.json);
      };
      expect((await give(first, true)).status).toBe(200);
      for (const approver of APPROVERS) {
        const joins = approver === first && first.joins === true;
        expect((await give(approver, true)).status, approver.name).toBe(joins ? 200 : 400);
        expect((await give(approver, false)).status, approver.name).toBe(400);
      }
      expect((await call<object[]>(path)).json).toHaveLength(4);
      expect(upstream.requests.filter((each) => each.model === name)).toHaveLength(2);
    });

    it('“always” is remembered for the user and the tool, listed and taken back', async () => {
      const { user_id, approve, name } = await asking();
      await approve({ always: true });
      const list = `/tool-permissions?user_id=${user_id}`;
      expect((await call(list)).json).toMatchObject([{ tool: 'search_conversations' }]);
      expect((await call(`/tool-permissions?user_id=${unique('user')}`)).json).toEqual([]);
      upstream.script(name, { toolCalls: [[search]], text: 'Found it.' });
      const again = { user_id, message: 'And now?', model: `openai/${name}` };
      expect((await call('/conversations', again)).json.assistant_reply).toBe('Found it.');
      const permission = `/tool-permissions/search_conversations?user_id=${user_id}`;
      expect((await call(permission, undefined, { method: 'DELETE' })).status).toBe(200);
      expect((await call(list)).json).toEqual([]);
      expect((await call('/conversations', again)).json.message.finish_reason).toBe('tool_calls');
    });

    it('a chat of the AI SDK asks its user, and goes on with what was stored, once', async () => {
      const { user_id, name } = await asking();
      const model = `openai/${name}`;
      const ask = async (approved: boolean) => {
        upstream.script(name, [{ toolCalls: [[search]] }, { text: 'Done.' }]);
        const id = unique('chat');
        const chat = chatOf(server, { id, body: { model, user_id } });
        await chat.sendMessage({ text: 'Where?' });
        const [part] = toolParts(chat.messages.at(-1));
        expect(part).toMatchObject({ state: 'approval-requested', input: search.input });
        const given = { id: part?.approval?.id ?? '', approved, reason: 'I say so' };
        await chat.addToolApprovalResponse(given);
        const responded = { state: 'approval-responded', input: 'forged', approval: given };
        const forged = { ...chat.messages.at(-1), parts: [{ ...part, ...responded }] };
        await chat.sendMessage();
        const json = { id, user_id, model, messages: [chat.messages[0], forged] };
        const again = await call<string>('/api/chat', json);
        const shown = await call<{ messages: typeof chat.messages }>(
          `/conversations/${id}?format=ui&user_id=${user_id}`,
        );
        await validateUIMessages({ messages: shown.json.messages });
        expect(shown.json.messages.map((message) => message.id)).toEqual(
          chat.messages.map((message) => message.id),
        );
        return { chat, again, stored: toolParts(shown.json.messages.at(-1)) };
      };
      const allowed = await ask(true);
      expect(allowed.chat.error).toBeUndefined();
      expect(toolParts(allowed.chat.messages.at(-1))).toMatchObject([
        { state: 'output-available' },
      ]);
      expect(allowed.stored).toMatchObject([
        { state: 'output-available', input: search.input, approval: { approved: true } },
      ]);
      expect(textOfUi(allowed.chat.messages.at(-1) ?? { parts: [] })).toBe('Done.');
      // The same answer to the same question joins the turn that it began.
      expect(allowed.again.status).toBe(200);
      expect(upstream.requests.filter((each) => each.model === name)).toHaveLength(3);

      const denied = await ask(false);
      const expected = [
        { state: 'output-denied', approval: { approved: false, reason: 'I say so' } },
      ];
      expect(toolParts(denied.chat.messages.at(-1))).toMatchObject(expected);
      expect(denied.stored).toMatchObject(expected);
    });

    it('a tool that needs no approval runs beside one that waits', async () => {
      const { asked, approve, told } = await asking([search, documents]);
      expect(asked.message.parts?.map((part) => part.type)).toEqual([
        'tool_call',
        'tool_call',
        'tool_approval',
        'tool_result',
      ]);
      await approve();
      expect(told()).toEqual([expect.stringContaining('lighthouse'), '{"passages":[]}']);
    });

    it('another answer to the same approval uses the stored result, and runs nothing again', async () => {
      const { user_id, approve, told } = await asking();
      const { json } = await approve();
      const [first] = told();
      // A second run would find this, too.
      await call('/conversations', { user_id, message: 'A lighthouse again', model: 'offline' });
      await call(`/messages/${json.message.id}/regenerate`, {});
      expect(told()).toEqual([first]);
    });
  });

  it.runIf(runtime === 'node')('is answered from another process, once', async () => {
    const { approve, path, approval_id, user_id, say, told } = await asking();
    const env = { ...upstream.env, TOOL_APPROVAL: 'search_conversations' };
    const other = await startServer({ env: { ...env, DATABASE_URL: server.databaseUrl } });
    try {
      const json = { approvals: [{ approval_id, approved: true, always: true }] };
      const there = () => request<Answered>(other.url + path, { json });
      const both = await Promise.all([approve({ always: true }), there()]);
      const statuses = both.map(({ status }) => status).toSorted((one, two) => one - two);
      expect(statuses).toEqual([200, expect.toBeOneOf([400, 409]) as unknown]);
      expect((await there()).status).toBe(400);
      expect(told()).toHaveLength(1);
      // Each process knows what was allowed for good, and that it was taken back.
      const list = `/tool-permissions?user_id=${user_id}`;
      expect((await call(list)).json).toMatchObject([{ tool: 'search_conversations' }]);
      const permission = `${other.url}/tool-permissions/search_conversations?user_id=${user_id}`;
      expect((await request(permission, { method: 'DELETE' })).status).toBe(200);
      expect((await call(list)).json).toEqual([]);
      expect((await say({ message: 'And?' })).status).toBe(200);
    } finally {
      await other.close();
    }
  });

  it('is answered after a crash, with the stored input', async () => {
    const { approve, told } = await asking();
    await server.kill();
    await server.restart();
    expect((await approve()).json.assistant_reply).toBe('Found it.');
    expect(told()).toEqual([expect.stringContaining('The lighthouse is red')]);
  });

  it('a crash after the call has run does not run it again', async ({ expect }) => {
    const { path, approval_id, told, name, say } = await asking();
    upstream.script(name, [{ instead: 'hang' }, { text: 'Found it.' }]);
    const asked = () => upstream.requests.filter(({ model }) => model === name).length;
    const before = asked();
    const json = { approvals: [{ approval_id, approved: true }] };
    const stream = await openStream(server.url + path, { json });
    await stream.next('tool.result');
    // The request that is never answered: otherwise the next turn would get it.
    await expect.poll(asked, { timeout: 15_000 }).toBe(before + 1);
    await server.kill();
    await server.restart();
    await expect
      .poll(async () => (await say({ message: 'And?' })).status, { timeout: 40_000, interval: 300 })
      .toBe(200);
    expect(told()).toHaveLength(1);
    expect(told()[0]).toMatch(/lighthouse|not known/u);
  });
});
