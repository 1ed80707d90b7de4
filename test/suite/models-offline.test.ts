/** A server without any key: the offline model answers, and says what it is. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { openStream } from '../support/sse.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { suiteTarget, unique } from './target.ts';
import { hear, hearText, storedMessages, type ProblemJson } from './turns.ts';

const { runtime } = suiteTarget();
let server: TestServer;
const call = <Body>(path: string, init?: Parameters<typeof request>[1]) =>
  request<Body>(server.url + path, init);

beforeAll(async () => {
  server = await startServer({ runtime, startLimitMs: 120_000 });
}, 150_000);
afterAll(() => server.close());

async function ask(message: string, model?: string) {
  const json = { user_id: unique('user'), message, ...(model && { model }) };
  const stream = await openStream(`${server.url}/conversations`, { json });
  return { ...(await hear(stream)), events: stream.events };
}

it.each([undefined, 'offline', 'fast', 'smart', 'offline/offline'])(
  '%s is the offline model',
  async (model) => {
    const { started, text, end } = await ask('Why is the sky blue?', model);
    expect(started.model).toBe('offline/offline');
    expect(text).toContain('offline model');
    expect(text).toContain('Why is the sky blue?');
    expect(end).toMatchObject({
      message: { status: 'complete', content: text },
      finish_reason: 'stop',
    });
  },
);

it('says the same, which is true of both, where models are on', async () => {
  const json = { user_id: unique('user'), message: 'Hello there', model: 'offline' };
  const beside = await hear(await suiteTarget().stream('/conversations', { json }));
  expect(beside.text).toBe((await ask('Hello there')).text);
  expect(beside.text).not.toMatch(/configured|no key/u);
});

it('streams word by word', async () => {
  const { events, text } = await ask('Hello there');
  const deltas = events.filter(({ type }) => type === 'message.delta');
  const words = text.split(' ').length;
  expect(words).toBeGreaterThan(10);
  // Some may come together on a busy machine.
  expect(deltas.length).toBeGreaterThan(words / 3);
  expect((deltas.at(-1)?.at ?? 0) - (deltas[0]?.at ?? 0)).toBeGreaterThan(50);
});

it('lists a slow model, whose turns can be cancelled by hand', async () => {
  const { json: listed } = await call<{ models: { id: string }[] }>('/models');
  expect(listed.models.map(({ id }) => id)).toContain('offline/slow');
  const json = { user_id: unique('user'), message: 'Hello there', model: 'offline/slow' };
  const stream = await openStream(`${server.url}/conversations`, { json });
  const first = await stream.next('message.delta');
  for (let heard = 0; heard < 3; heard++) await stream.next('message.delta');
  expect((stream.events.at(-1)?.at ?? 0) - first.at).toBeGreaterThan(500);
  const turnId = String(stream.headers['x-turn-id']);
  await call(`/turns/${turnId}/cancel`, { method: 'POST' });
  const { terminal, text } = await hear(stream);
  expect(terminal).toBe('turn.cancelled');
  expect(text).toMatch(/^This is slow on/u);
  expect(text).not.toContain('Hello there');
});

it('gives the same answer to the same message', async () => {
  const [one, other] = await Promise.all([ask('Hello there'), ask('Hello there')]);
  expect(one.text).toBe(other.text);
});

it('is the same through the text-only stream', async () => {
  const { json: made } = await call<{ id: string }>('/chat/conversations', {
    json: { user_id: 1 },
  });
  const path = `/chat/conversations/${made.id}/stream?message=${encodeURIComponent('Hello there')}`;
  const { text, named } = await hearText(await openStream(server.url + path));
  expect({ text, named }).toEqual({ text: (await ask('Hello there')).text, named: [] });
  const target = { call };
  expect((await storedMessages(target, made.id))[1]).toMatchObject({ content: text });
});

describe('what is not on', () => {
  it('is not listed', async () => {
    const { json } = await call('/models');
    expect(JSON.stringify(json)).toContain('offline');
    expect(JSON.stringify(json)).not.toMatch(/groq|openai|google|gemini/u);
  });

  it.each(['groq/llama-3.1-8b-instant', 'openai/gpt-5.4', 'google/gemini-2.5-flash'])(
    '%s is refused',
    async (model) => {
      const json = { user_id: 'u', message: 'Hi', model };
      const { status, json: problem } = await call<ProblemJson>('/conversations', { json });
      expect({ status, code: problem.code }).toEqual({ status: 400, code: 'unknown_model' });
      expect(problem.detail).toContain('offline');
      expect(problem.detail.replace(model, '')).not.toMatch(/groq\/|openai\/|google\//u);
    },
  );
});
