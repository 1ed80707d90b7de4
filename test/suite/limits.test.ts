/**
 * Short time limits, and the chain of fallbacks behind an alias: on a server of its own, since both
 * are for all of a server's turns.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { openStream } from '../support/sse.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { startUpstream, type Behaviour, type Upstream } from '../support/upstream.ts';
import { suiteTarget, unique } from './target.ts';
import { hear, type Provider } from './turns.ts';

const { runtime } = suiteTarget();
/** Milliseconds. Far apart, so that a busy machine does not take one for another. */
const limits = { firstToken: 1_000, idle: 2_500, turn: 6_000 };
const tokens = ['Some ', 'text ', 'that ', 'goes ', 'on'];
const fast = {
  groq: 'llama-3.1-8b-instant',
  openai: 'gpt-5.4-mini',
  google: 'gemini-2.5-flash',
} satisfies Record<Provider, string>;

let server: TestServer;
/** Groq is a service by itself, to be down while the others are up. */
let groq: Upstream;
let others: Upstream;

beforeAll(async () => {
  [groq, others] = await Promise.all([startUpstream(), startUpstream()]);
  server = await startServer({
    runtime,
    env: {
      ...others.env,
      GROQ_BASE_URL: groq.groqBaseUrl,
      FIRST_TOKEN_TIMEOUT_MS: String(limits.firstToken),
      IDLE_TIMEOUT_MS: String(limits.idle),
      TURN_TIMEOUT_MS: String(limits.turn),
      KEEP_ALIVE_MS: '100',
    },
    startLimitMs: 120_000,
  });
}, 150_000);

afterAll(async () => {
  await server.close();
  await groq.close();
  await others.close();
});

async function ask(model: string, message = 'Hi', user_id = unique('user')) {
  const begun = performance.now();
  const json = { user_id, message, model };
  const stream = await openStream(`${server.url}/conversations`, { json });
  const heard = await hear(stream);
  return { ...heard, ms: performance.now() - begun, comments: stream.comments };
}

function scripted(script: Behaviour, upstream = others, provider: Provider = 'openai') {
  const name = unique('model');
  upstream.script(name, script);
  return { model: `${provider}/${name}`, name };
}

describe.concurrent('the time limit', () => {
  const late = { status: 504, code: 'model_timeout', detail: 'AI service temporarily unavailable' };

  it.each<[string, Behaviour]>([
    ['nothing comes at all (F05)', { instead: 'hang' }],
    ['only headers come', { instead: 'headers-only' }],
    ['only comments come', { tokens, commentEveryMs: 200, delayMs: { first: 30_000 } }],
    ['only the opening of the stream comes', { tokens, fault: { how: 'stall', afterTokens: 0 } }],
  ])('the time limit to the first token holds: %s', async (_name, script) => {
    for (const provider of ['openai', 'google'] as const) {
      const { model, name } = scripted(script, others, provider);
      const { end, terminal, ms, comments } = await ask(model);
      expect(terminal).toBe('turn.failed');
      expect(end).toMatchObject({ message: { status: 'failed', content: '' }, error: late });
      expect(ms).toBeGreaterThan(limits.firstToken * 0.95);
      expect(ms).toBeLessThan(limits.idle);
      expect(comments.length).toBeGreaterThan(3);
      // The service is not kept busy for nobody.
      const [seen] = others.requests.filter((request) => request.model === name);
      await seen?.closed;
      expect(seen?.aborted).toBe(true);
    }
  });

  it('the time limit to the first token holds for a call that waits for the whole', async () => {
    const json = { user_id: 'u', message: 'Hi', model: scripted({ instead: 'hang' }).model };
    const { status, json: problem } = await request(`${server.url}/conversations`, { json });
    expect(status).toBe(504);
    expect(problem).toMatchObject(late);
  });

  it('between tokens (F06): the text is kept', async () => {
    const { model } = scripted({ tokens, fault: { how: 'stall', afterTokens: 3 } });
    const { end, ms, text } = await ask(model);
    expect(text).toBe('Some text that ');
    expect(end).toMatchObject({ message: { status: 'interrupted', content: text }, error: late });
    expect(ms).toBeGreaterThan(limits.idle * 0.95);
    expect(ms).toBeLessThan(limits.turn);
  });

  it('the time limit in all ends a model that never ends, and keeps its text', async () => {
    const { model } = scripted({ tokens: ['word '], infinite: true, delayMs: { between: 100 } });
    const { end, ms, text } = await ask(model);
    expect(end).toMatchObject({ message: { status: 'interrupted', content: text }, error: late });
    expect(text).toMatch(/^(?:word ){10,}$/u);
    expect(ms).toBeGreaterThan(limits.turn * 0.95);
    expect(ms).toBeLessThan(limits.turn * 2);
  });

  it.each(['stall', 'close', 'reset'] as const)(
    'does not matter to an answer of which all was said: %s',
    async (how) => {
      const { model, name } = scripted({ tokens, fault: { how, atEnd: true } });
      const { end, ms, text } = await ask(model);
      expect(text).toBe(tokens.join(''));
      expect(end).toMatchObject({ message: { status: 'complete', content: text } });
      expect(ms).toBeLessThan(limits.idle);
      // Nor is the service kept busy.
      const [seen] = others.requests.filter((one) => one.model === name);
      await seen?.closed;
    },
  );

  it('lets a slow model finish', async () => {
    const slow = { tokens: tokens.slice(0, 3), delayMs: { first: 600, between: 1_300 } };
    const { end, text } = await ask(scripted(slow).model);
    expect({ text, status: end.message.status }).toEqual({
      text: 'Some text that ',
      status: 'complete',
    });
  });
});

describe('the chain behind an alias', () => {
  beforeEach(() => {
    groq.reset();
    others.reset();
  });

  const answers: Behaviour = { text: 'Here I am' };

  it('stays with its first model when that one speaks', async () => {
    groq.script(fast.groq, answers);
    const { text, started, end } = await ask('fast');
    expect(text).toBe('Here I am');
    expect(started.model).toBe(`groq/${fast.groq}`);
    expect(end.message.model).toBe(`groq/${fast.groq}`);
    // Which models a server has may be asked at any time; that it answers is what must not be.
    expect(others.requests.filter(({ wire }) => wire !== 'unknown')).toHaveLength(0);
  });

  it.each<[string, Behaviour]>([
    ['is rate-limited', { status: { code: 429, retryAfter: 30 } }],
    ['fails', { status: { code: 500 } }],
    ['refuses our key', { status: { code: 401 } }],
    ['does not know the model', { status: { code: 404 } }],
    ['closes the connection', { instead: 'close' }],
    ['resets the connection', { instead: 'reset' }],
    ['never answers', { instead: 'hang' }],
    ['sends headers alone', { instead: 'headers-only' }],
    ['stalls before its first token', { tokens, fault: { how: 'stall', afterTokens: 0 } }],
    ['ends before its first token', { tokens, fault: { how: 'eof', afterTokens: 0 } }],
    ['breaks before its first token', { tokens, fault: { how: 'reset', afterTokens: 0 } }],
    [
      'reports an error before its first token',
      { tokens, fault: { how: 'error', afterTokens: 0 } },
    ],
    ['sends an unreadable first frame', { tokens, fault: { how: 'malformed', afterTokens: 0 } }],
    ['answers an error with 200', { instead: 'json-error' }],
    ['answers a page with 200', { instead: 'html' }],
    ['answers nothing with 200', { instead: 'empty' }],
  ])('goes on to the next when the first %s', async (_name, script) => {
    groq.script(fast.groq, script);
    others.script(fast.openai, answers);
    const { text, end, terminal } = await ask('fast', 'The question');
    expect({ text, terminal }).toEqual({ text: 'Here I am', terminal: 'turn.completed' });
    expect(end.message).toMatchObject({ status: 'complete', model: `openai/${fast.openai}` });
    expect(end.usage.estimated).toBe(false);
    expect(groq.requests).toHaveLength(1);
    expect(others.requests.map(({ model }) => model)).toEqual([fast.openai]);
    expect(JSON.stringify(others.requests[0]?.body)).toContain('The question');
  });

  it('goes on when nothing listens (F04)', async () => {
    await groq.down();
    others.script(fast.openai, answers);
    const { text } = await ask('fast');
    await groq.up();
    expect(text).toBe('Here I am');
  });

  it('tries every model and then reports the last failure', async () => {
    groq.script(fast.groq, { status: { code: 500 } });
    others.script(fast.openai, { status: { code: 401 } });
    others.script(fast.google, { status: { code: 429, retryAfter: 9 } });
    const { end } = await ask('fast');
    expect(end).toMatchObject({
      message: { status: 'failed', content: '' },
      error: { status: 429, retry_after: 9 },
    });
    expect(others.requests.map(({ model }) => model)).toEqual([fast.openai, fast.google]);
  });

  it.each<[string, Behaviour]>([
    ['breaks', { tokens, fault: { how: 'reset', afterTokens: 1 } }],
    ['ends', { tokens, fault: { how: 'eof', afterTokens: 1 } }],
    ['reports an error', { tokens, fault: { how: 'error', afterTokens: 1 } }],
    ['stalls', { tokens, fault: { how: 'stall', afterTokens: 1 } }],
    ['sends an unreadable frame', { tokens, fault: { how: 'malformed', afterTokens: 1 } }],
  ])('never goes on after the first token, when the first %s', async (_name, script) => {
    groq.script(fast.groq, script);
    others.script(fast.openai, answers);
    const { text, end, terminal } = await ask('fast');
    expect({ text, terminal }).toEqual({ text: 'Some ', terminal: 'turn.failed' });
    expect(end.message).toMatchObject({ content: 'Some ', model: `groq/${fast.groq}` });
    expect(others.requests).toHaveLength(0);
  });

  it('counts reasoning as output', async () => {
    const fault = { how: 'eof', afterTokens: 1 } as const;
    groq.script(fast.groq, { reasoning: ['Hm'], tokens, fault });
    const { text, reasoning, terminal } = await ask('fast');
    expect({ text, reasoning, terminal }).toEqual({
      text: '',
      reasoning: 'Hm',
      terminal: 'turn.failed',
    });
    expect(others.requests).toHaveLength(0);
  });

  it('counts a tool call as output', async () => {
    const user = unique('user');
    await ask('offline', 'Something to be found', user);
    const call = { name: 'search_conversations', input: { query: 'something' } };
    groq.script(fast.groq, [{ toolCalls: [[call]] }, { status: { code: 500 } }]);
    others.script(fast.openai, answers);
    const { types, end } = await ask('fast', 'Hi', user);
    expect(types).toEqual(expect.arrayContaining(['tool.call', 'tool.result', 'turn.failed']));
    expect(end.message).toMatchObject({ status: 'failed', model: `groq/${fast.groq}` });
    expect(others.requests).toHaveLength(0);
  });

  it('does not go on when the content was filtered', async () => {
    groq.script(fast.groq, { tokens: [], finishReason: 'content_filter' });
    const { end } = await ask('fast');
    expect(end).toMatchObject({ message: { status: 'filtered' } });
    expect(others.requests).toHaveLength(0);
  });

  it('has no fallback for a model that is named', async () => {
    groq.script(fast.groq, { status: { code: 500 } });
    const { end } = await ask(`groq/${fast.groq}`);
    expect(end).toMatchObject({ message: { status: 'failed' }, error: { status: 503 } });
    expect(others.requests).toHaveLength(0);
  });
});

describe('the log', () => {
  it.for([
    ['a wrong key', { status: { code: 401 } }, 'status 401'],
    [
      'a broken stream',
      { tokens, fault: { how: 'malformed', afterTokens: 1 } },
      'could not be read',
    ],
    ['an empty stream', { instead: 'empty' }, 'without a declared finish'],
  ] as const)('says what was wrong: %s', async ([_name, script, why], { expect }) => {
    groq.script(fast.groq, script);
    const { started } = await ask(`groq/${fast.groq}`);
    // A Worker's log takes its time through the development server, which writes it in its own way.
    await expect
      .poll(() => failuresOf(started.turn_id), { timeout: 5_000 })
      .toEqual([expect.stringContaining(why)]);
  });
});

/** The lines of the log that say why a model failed in this turn. */
function failuresOf(turnId: string): string[] {
  const lines = server.logs().split('\n');
  return lines.filter((line) => line.includes('the model failed') && line.includes(turnId));
}

it('holds nothing against a client that leaves', async ({ expect }) => {
  const { model } = scripted({ tokens, delayMs: { between: 200 } });
  const leaving = fetch(`${server.url}/conversations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user_id: unique('user'), message: 'Hi', model }),
    signal: AbortSignal.timeout(150),
  });
  await expect(leaving).rejects.toThrow('timeout');
  // Whatever a request does after its client has gone, it has done when the next ones are answered.
  await ask(scripted({ tokens }).model);
  expect(server.logs()).not.toContain('"message":"a request failed"');
});

it('never shows a key, in answers or in the log', async () => {
  expect(server.logs()).not.toContain(others.key);
  const models = await request(`${server.url}/models`);
  expect(models.text).not.toContain(others.key);
});
