/**
 * Documents and tools in turns where something is scarce or broken: the token budget, the database,
 * the embedding service, time. On a server of its own.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { estimateTokens } from '../../src/core/tokens.ts';
import { startDatabaseProxy, type DatabaseProxy } from '../support/database-proxy.ts';
import { request } from '../support/http.ts';
import { asText } from '../support/json.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { openStream } from '../support/sse.ts';
import { startSqld, type Sqld } from '../support/sqld.ts';
import { startUpstream, type Behaviour, type Script, type Upstream } from '../support/upstream.ts';
import { countAround } from './counted-server.ts';
import { startPlainModel, type PlainModel } from './plain-model.ts';
import { passagesIn, sourcesOf, type Cited } from './rag-client.ts';
import { callsIn, partsOf, toolMessages } from './tools-client.ts';
import { suiteTarget, unique } from './target.ts';
import { conversation, hear, sentMessages, storedMessages } from './turns.ts';

const { runtime } = suiteTarget();
const EMBEDDER = 'embedder';
const BUDGET = 1_500;
const LIMIT_MS = 1_500;

let upstream: Upstream;
let plain: PlainModel;
let sqld: Sqld;
let database: DatabaseProxy;
let server: TestServer;

const target = {
  call: <Body>(path: string, init?: Parameters<typeof request>[1]) =>
    request<Body>(server.url + path, init),
};

beforeAll(async () => {
  [upstream, sqld, plain] = await Promise.all([startUpstream(), startSqld(), startPlainModel()]);
  database = await startDatabaseProxy(sqld.url);
  const env = {
    ...upstream.env,
    GROQ_BASE_URL: plain.url,
    DATABASE_URL: database.url,
    EMBEDDING_MODEL: `openai/${EMBEDDER}`,
    CONTEXT_TOKEN_BUDGET: String(BUDGET),
    MIN_MESSAGES_TO_KEEP: '1',
    FIRST_TOKEN_TIMEOUT_MS: String(LIMIT_MS),
    IDLE_TIMEOUT_MS: String(LIMIT_MS),
  };
  server = await startServer({ runtime, env, startLimitMs: 120_000 });
  // What a server does for its first turn is over before anything is counted.
  await ask(await conversation(target, { mode: 'rag' }), script({ text: 'Hello.' }));
}, 150_000);

afterAll(async () => {
  await server.close();
  await Promise.all([database.close(), upstream.close(), plain.close()]);
  await sqld.close();
});

beforeEach(() => {
  database.reset();
  upstream.script(EMBEDDER, {});
});

function script(behaviour: Script): string {
  const name = unique('model');
  upstream.script(name, behaviour);
  return `openai/${name}`;
}

function requestsOf(model: string) {
  return upstream.requests.filter((request) => `openai/${request.model}` === model);
}

const valve = 'The blue valve closes clockwise and needs oil every month.';

async function learn(userId: string, texts: string[]) {
  for (const [at, text] of texts.entries()) {
    const json = { user_id: userId, title: `Manual ${at + 1}`, text };
    expect((await target.call('/documents', { json })).status).toBe(200);
  }
}

async function reader(mode: 'open' | 'rag', texts = [valve], fields: object = {}) {
  const userId = unique('reader');
  await learn(userId, texts);
  return { userId, id: await conversation(target, { user_id: userId, mode, ...fields }) };
}

function open(id: string, model: string, message = 'How often does the valve need oil?') {
  return openStream(`${server.url}/conversations/${id}/messages`, { json: { message, model } });
}

async function ask(id: string, model: string, message?: string) {
  const stream = await open(id, model, message);
  const heard = await hear(stream);
  return { ...heard, events: stream.events, sources: sourcesOf(stream.events) };
}

/** Cancels the turn and says how long it then took to end. */
async function cancelled(stream: Awaited<ReturnType<typeof open>>) {
  const startedAt = Date.now();
  const turnId = asText(stream.headers['x-turn-id']);
  await target.call(`/turns/${turnId}/cancel`, { method: 'POST' });
  const heard = await hear(stream);
  return { ...heard, tookMs: Date.now() - startedAt };
}

const searchesDocuments = ({ statements }: { statements: { sql: string }[] }) =>
  statements.some(({ sql }) => sql.includes('vector_distance_cos'));
const searchCall = { name: 'search_documents', input: { query: 'valve oil' } };

describe('within the token budget', () => {
  const tokensOf = (messages: { content: string }[]) =>
    messages.reduce((sum, { content }) => sum + estimateTokens(content), 0);
  const manuals = Array.from({ length: 6 }, (_, at) =>
    Array.from({ length: 14 }, (_, line) => `The valve ${at} needs oil in year ${line}.`).join(' '),
  );

  it('the passages that fit are sent, shown as sources, and nothing else can be cited', async () => {
    const instructions = 'Speak like a plumber.';
    const { id } = await reader('rag', manuals, { instructions });
    const model = script({ text: 'Oil [1], [2], [3], [4], [5] and [6].' });
    const { sources, end } = await ask(id, model);
    const sent = sentMessages(requestsOf(model)[0]?.body);
    const given = passagesIn(sent.at(-1)?.content ?? '');
    expect(given.length).toBeGreaterThan(1);
    expect(given.length).toBeLessThan(manuals.length);
    expect(sources.map(({ n, title }) => ({ n, title }))).toEqual(
      given.map(({ n, title }) => ({ n, title })),
    );
    expect(end.message).toMatchObject({ citations: sources });
    expect(tokensOf(sent)).toBeLessThanOrEqual(BUDGET);
    expect(sent[0]?.content).toMatch(/^Speak like a plumber\./u);
    expect(sent.at(-1)?.content).toMatch(/How often does the valve need oil\?$/u);
  });

  it('the history gives way, the question and the instructions do not', async () => {
    const { id } = await reader('rag', manuals, { instructions: 'Be brief. '.repeat(40) });
    const said = script((_body, count) => ({ text: `Answer ${count}: ${'oil '.repeat(150)}` }));
    for (const _ of [1, 2, 3]) await ask(id, said);
    const model = script({ text: 'Oil [1].' });
    await ask(id, model, 'And how often does the other one need it?');
    const sent = sentMessages(requestsOf(model).at(-1)?.body);
    expect(tokensOf(sent)).toBeLessThanOrEqual(BUDGET);
    expect(sent[0]?.content).toContain('Be brief. '.repeat(40).trim());
    expect(passagesIn(sent.at(-1)?.content ?? '').length).toBeGreaterThan(0);
    expect(sent.at(-1)?.content).toMatch(/And how often does the other one need it\?$/u);
  });
});

describe('requests to the database', () => {
  /** Slow enough to tell before from after. */
  const slow: Behaviour = {
    headersDelayMs: 60,
    delayMs: { between: 60 },
    tokens: ['Oil ', '[1].'],
  };

  function counted(model: string) {
    const { before, after } = countAround(requestsOf(model).at(-1)?.at ?? 0, database.log);
    return { before, after };
  }

  /** A server on Node reads a library into memory beside the first search in it. */
  async function readLibrary(id: string, behaviour: Behaviour = {}) {
    for (const _ of [1, 2]) await ask(id, script({ ...slow, ...behaviour }));
  }

  it('a grounded turn asks the database twice before the model, and three times in all', async () => {
    const { id: other, userId } = await reader('rag');
    await readLibrary(other);
    const id = await conversation(target, { user_id: userId, mode: 'rag' });
    const model = script(slow);
    database.reset();
    const { sources } = await ask(id, model);
    expect(sources).toHaveLength(1);
    expect(counted(model)).toEqual({ before: 2, after: 1 });
  });

  it('a follow-up asks once more, since it is searched for as it stands and rewritten', async () => {
    const { id } = await reader('rag');
    await readLibrary(id);
    const model = script(slow);
    database.reset();
    await ask(id, model);
    expect(counted(model)).toEqual({ before: 3, after: 1 });
  });

  it('a turn that searches by a tool asks once for the search, and once for what steers it', async () => {
    const { id } = await reader('open');
    await readLibrary(id, { toolCalls: [[searchCall]] });
    const model = script({ ...slow, toolCalls: [[searchCall]] });
    database.reset();
    await ask(id, model);
    expect(counted(model)).toEqual({ before: 3, after: 1 });
  });
});

describe('the database fails while documents are searched', () => {
  it('a grounded turn fails with that, and the next one works', async () => {
    const { id } = await reader('rag');
    const model = script({ text: 'Monthly [1].' });
    const undo = database.fail(searchesDocuments, '500');
    const { terminal, end, types } = await ask(id, model);
    undo();
    expect(terminal).toBe('turn.failed');
    expect(types).not.toContain('sources');
    expect(end).toMatchObject({
      message: { status: 'failed', content: '' },
      error: { status: 503, code: 'database_unavailable' },
    });
    expect(requestsOf(model)).toEqual([]);
    const stored = (await storedMessages(target, id)).at(-1);
    expect(stored).toMatchObject({ status: 'failed' });
    const { terminal: next, sources } = await ask(id, model);
    expect({ next, found: sources.length }).toEqual({ next: 'turn.completed', found: 1 });
  });

  it('a failure that passes is not seen', async () => {
    const { id } = await reader('rag');
    let left = 1;
    database.fail((seen) => searchesDocuments(seen) && left-- > 0, 'cut-before');
    const { sources, terminal } = await ask(id, script({ text: 'Monthly [1].' }));
    expect({ terminal, found: sources.length }).toEqual({ terminal: 'turn.completed', found: 1 });
  });

  it('a whole answer is the problem itself', async () => {
    const { id } = await reader('rag');
    const undo = database.fail(searchesDocuments, '500');
    const json = { message: 'Oil?', model: script({ text: 'Monthly [1].' }) };
    const answer = await target.call(`/conversations/${id}/messages`, { json });
    undo();
    expect(answer).toMatchObject({ status: 503, json: { code: 'database_unavailable' } });
    expect(answer.text).not.toMatch(/SELECT|sqlite|main\.documents/iu);
  });

  it('a tool has failed, its model is told, and the turn goes on', async () => {
    const { id } = await reader('open');
    const undo = database.fail(searchesDocuments, '500');
    const model = script({ text: 'I cannot look.', toolCalls: [[searchCall]] });
    const { events, end } = await ask(id, model);
    undo();
    expect(callsIn(events)).toMatchObject([
      { isError: true, output: { error: 'the tool failed' } },
    ]);
    expect(toolMessages(requestsOf(model)[1]?.body)[0]).toContain('the tool failed');
    expect(end.message).toMatchObject({ status: 'complete', content: 'I cannot look.' });
  });

  it('a search that never answers holds up no cancellation', async () => {
    for (const mode of ['rag', 'open'] as const) {
      const { id } = await reader(mode);
      const undo = database.fail(searchesDocuments, 'hang');
      const stream = await open(id, script({ text: 'So.', toolCalls: [[searchCall]] }));
      await stream.next(mode === 'rag' ? 'turn.started' : 'tool.call');
      await expect.poll(() => database.count(searchesDocuments), { timeout: 5_000 }).toBe(1);
      const { terminal, tookMs, end } = await cancelled(stream);
      undo();
      expect(terminal, mode).toBe('turn.cancelled');
      expect(tookMs, mode).toBeLessThan(3_000);
      expect(end.message.status).toBe('cancelled');
      const after = await ask(id, script({ text: 'Monthly [1].' }));
      expect(after.terminal, mode).toBe('turn.completed');
      database.reset();
    }
  });
});

describe('the embedding service fails', () => {
  const texts = [valve, 'The boiler must be emptied before the first frost.'];

  it.each([
    ['is down', { status: { code: 500 } }],
    ['refuses our key', { status: { code: 401 } }],
    ['answers nonsense', { instead: 'html' }],
  ] satisfies [string, Behaviour][])('%s: words alone are searched for', async (_name, fault) => {
    const { id } = await reader('rag', texts);
    upstream.script(EMBEDDER, fault);
    const model = script({ text: 'Monthly [1].' });
    const startedAt = Date.now();
    const { sources, end } = await ask(id, model, 'valve oil');
    expect(Date.now() - startedAt).toBeLessThan(8_000);
    expect(sources).toMatchObject([{ n: 1, title: 'Manual 1', snippet: valve }]);
    expect(end.message).toMatchObject({ status: 'complete', citations: sources });
    await expect.poll(() => server.logs()).toContain('words alone are searched for');
  });

  it('a tool searches by words, too, when the embedding service fails', async () => {
    const { id } = await reader('open', texts);
    upstream.script(EMBEDDER, { status: { code: 401 } });
    const model = script({ text: 'Monthly.', toolCalls: [[searchCall]] });
    const { events, end } = await ask(id, model);
    expect(callsIn(events)).toMatchObject([{ output: { passages: [{ text: valve }] } }]);
    expect(end.message.status).toBe('complete');
  });

  it('one that is silent holds up no cancellation, in a grounded turn or a tool', async () => {
    for (const mode of ['rag', 'open'] as const) {
      const { id } = await reader(mode);
      upstream.script(EMBEDDER, { instead: 'hang' });
      const model = script({ text: 'So.', toolCalls: mode === 'open' ? [[searchCall]] : [] });
      const asked = upstream.requests.length;
      const stream = await open(id, model);
      await upstream.waitForRequest(
        (seen) => seen.model === EMBEDDER && upstream.requests.indexOf(seen) >= asked,
      );
      const { terminal, tookMs, end } = await cancelled(stream);
      expect({ terminal, mode }).toEqual({ terminal: 'turn.cancelled', mode });
      expect(tookMs).toBeLessThan(3_000);
      expect(end).not.toHaveProperty('error');
      expect(requestsOf(model)).toHaveLength(mode === 'open' ? 1 : 0);
      upstream.script(EMBEDDER, {});
    }
  });
});

it('a cancellation while the question is rewritten ends the turn without an answer', async () => {
  const { id } = await reader('rag');
  await ask(id, script({ text: 'Monthly [1].' }));
  const model = script([{ instead: 'hang' }, { text: 'Never.' }]);
  const stream = await open(id, model, 'And the other?');
  await upstream.waitForRequest((seen) => `openai/${seen.model}` === model);
  const { terminal, tookMs, types } = await cancelled(stream);
  expect(terminal).toBe('turn.cancelled');
  expect(tookMs).toBeLessThan(2_000);
  expect(types).not.toContain('sources');
  expect(requestsOf(model)).toHaveLength(1);
  expect(server.isRunning()).toBe(true);
  expect((await ask(id, script({ text: 'Monthly [1].' }))).terminal).toBe('turn.completed');
});

describe('the time limits are those of each step', () => {
  it('steps that are each within them may take longer together', async () => {
    const { id } = await reader('open');
    const model = script({
      text: 'Done.',
      headersDelayMs: 900,
      toolCalls: [[searchCall], [searchCall]],
    });
    const { end } = await ask(id, model);
    expect(end.message).toMatchObject({ status: 'complete', content: 'Done.' });
  });

  it.each([
    ['is silent', { instead: 'hang' }, 'failed', ''],
    [
      'stops in the middle',
      { tokens: ['So ', 'far'], fault: { how: 'stall', afterTokens: 1 } },
      'interrupted',
      'So ',
    ],
  ] satisfies [string, Behaviour, string, string][])(
    'a second step that %s',
    async (_name, second, status, content) => {
      const { id } = await reader('open');
      const model = script([{ toolCalls: [[searchCall]] }, second]);
      const startedAt = Date.now();
      const { end } = await ask(id, model);
      expect(Date.now() - startedAt).toBeLessThan(LIMIT_MS + 3_000);
      expect(end).toMatchObject({
        message: { status, content },
        error: { status: 504, code: 'model_timeout' },
      });
      expect(partsOf(end.message).slice(0, 2)).toEqual(['tool_call', 'tool_result']);
    },
  );

  it.each(['stall', 'reset'] as const)(
    'a service that has said all of a call may do as it likes: %s',
    async (how) => {
      const { id } = await reader('open');
      const model = script([
        { toolCalls: [[searchCall]], fault: { how, atEnd: true } },
        { text: 'Done.', fault: { how, atEnd: true } },
      ]);
      const startedAt = Date.now();
      const { end } = await ask(id, model);
      expect(Date.now() - startedAt).toBeLessThan(LIMIT_MS);
      expect(end.message).toMatchObject({ status: 'complete', content: 'Done.' });
    },
  );

  it('a call whose input stops in the middle is not run', async () => {
    const { id } = await reader('open');
    const model = script({ toolCalls: [[searchCall]], fault: { how: 'stall', afterTokens: 2 } });
    const { end, events } = await ask(id, model);
    expect(callsIn(events)).toEqual([]);
    expect(end).toMatchObject({ message: { status: 'failed' }, error: { status: 504 } });
  });
});

describe('text beside calls', () => {
  const call = (id: string) => ({
    tool_calls: [
      {
        index: 0,
        id,
        type: 'function',
        function: { name: 'search_documents', arguments: '{"query":"valve"}' },
      },
    ],
  });

  it('before and after them is one answer, in its order', async () => {
    const { id } = await reader('open');
    const name = plain.script([
      { deltas: [{ content: 'Let me ' }, { content: 'see. ' }, call('a')], finish: 'tool_calls' },
      { deltas: [{ content: 'Once more. ' }, call('a')], finish: 'tool_calls' },
      { deltas: [{ content: 'Monthly.' }], finish: 'stop' },
    ]);
    const { end, events, started } = await ask(id, `groq/${name}`);
    const types = events.map(({ type }) => type);
    expect(types.filter((type, at) => type !== types[at - 1])).toEqual([
      'turn.started',
      'message.delta',
      'tool.call',
      'tool.result',
      'message.delta',
      'tool.call',
      'tool.result',
      'message.delta',
      'turn.completed',
      'done',
    ]);
    expect(end.message.content).toBe('Let me see. Once more. Monthly.');
    const kinds = ['text', 'tool_call', 'tool_result'];
    expect(partsOf(end.message)).toEqual([...kinds, ...kinds, 'text']);
    const last = plain.bodies(name)[2];
    expect(sentMessages(last).map(({ role, content }) => [role, content.slice(0, 12)])).toEqual([
      ['user', 'How often do'],
      ['assistant', 'Let me see. '],
      ['tool', '{"passages":'],
      ['assistant', 'Once more. '],
      ['tool', '{"passages":'],
    ]);
    const turn = await target.call<{ message: object }>(`/turns/${started.turn_id}`);
    expect(turn.json.message).toEqual(end.message);
  });

  it('an announced call that never comes is an empty answer', async () => {
    const { id } = await reader('open');
    const name = plain.script([{ deltas: [], finish: 'tool_calls' }]);
    const { end } = await ask(id, `groq/${name}`);
    expect(plain.bodies(name)).toHaveLength(1);
    expect(end).toMatchObject({ message: { status: 'failed' }, error: { code: 'model_empty' } });
  });

  it('text beside calls without end is cut where the steps end', async () => {
    const { id } = await reader('open');
    const step = { deltas: [{ content: 'Wait. ' }, call('a')], finish: 'tool_calls' };
    const name = plain.script(Array.from({ length: 9 }, () => step));
    const { end } = await ask(id, `groq/${name}`);
    expect(plain.bodies(name)).toHaveLength(5);
    expect(end).toMatchObject({
      finish_reason: 'length',
      message: { status: 'truncated', content: 'Wait. '.repeat(5) },
    });
  });
});

describe('with the embedding model that is built in', () => {
  it('documents of another model are a clear error, not a wrong answer', async () => {
    const { id } = await reader('rag');
    await server.restart({ EMBEDDING_MODEL: 'offline' });
    const { terminal, end } = await ask(id, script({ text: 'Monthly [1].' }));
    expect(terminal).toBe('turn.failed');
    expect(end.error).toMatchObject({
      code: 'embedding_space_mismatch',
      detail: expect.stringContaining('npm run reindex'),
    });
  }, 180_000);

  it('a question that no document answers is grounded on nothing, and told so', async () => {
    const { id } = await reader('rag', [
      valve,
      'The boiler must be emptied before the first frost of the year.',
      'The red pump starts by itself when the water rises above the mark.',
    ]);
    const model = script({ text: 'They do not say [1].' });
    const question = 'Who won the chess championship in Reykjavik?';
    const real = await ask(id, model, question);
    expect(real.sources).toEqual([]);
    expect((real.end.message as Partial<Cited>).citations ?? []).toEqual([]);
    expect(sentMessages(requestsOf(model)[0]?.body).at(-1)?.content).toContain('>none<');
    const offline = await ask(id, 'offline', question);
    expect(offline.text).toMatch(/no passage that fits/u);
    const known = await ask(
      id,
      'offline',
      'How often does the blue valve need its oil, and which way does it close?',
    );
    expect(known.sources[0]).toMatchObject({ snippet: valve });
    expect(known.text).toContain(`“${valve}” [1]`);
  });
});
