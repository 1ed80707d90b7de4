/** No stack trace, SQL, key or word of the model service ever leaves the server. */
import { describe, expect, it } from 'vitest';
import { upstreamWords } from '../support/upstream/behaviour.ts';
import { suiteTarget, unique } from './target.ts';

const target = suiteTarget();

const secrets = [
  /\bat .+:\d+:\d+/u,
  /\bsrc\/|node_modules|\.ts\b/u,
  /\bSELECT\b|\bINSERT\b|\bUPDATE\b|SQLITE|libsql|drizzle/iu,
  new RegExp(target.key, 'u'),
  new RegExp(upstreamWords, 'u'),
  new RegExp(new URL(target.upstream.url).host, 'u'),
];

function expectNoSecrets(text: string): void {
  for (const secret of secrets) expect(text).not.toMatch(secret);
}

const failures = {
  'a refusal with a long text': { status: { code: 400 } },
  'a wrong key': { status: { code: 401, body: `Incorrect API key provided: ${target.key}` } },
  'a page of HTML': { status: { code: 502 } },
  'a limit': { status: { code: 429, retryAfter: 3 } },
  'JSON instead of a stream': { instead: 'json-error' },
  'HTML instead of a stream': { instead: 'html' },
  'an empty stream': { instead: 'empty' },
  'a reset before the headers': { instead: 'reset' },
  'an error in the stream': { tokens: ['some ', 'text'], fault: { how: 'error', afterTokens: 1 } },
  'an error before any text': { tokens: ['text'], fault: { how: 'error', afterTokens: 0 } },
  'a malformed frame': { tokens: ['some ', 'text'], fault: { how: 'malformed', afterTokens: 1 } },
  'a reset in the stream': { tokens: ['some ', 'text'], fault: { how: 'reset', afterTokens: 1 } },
} as const;

describe.each(Object.entries(failures))('%s of the model service', (_, script) => {
  it.each(['openai', 'groq', 'google'])('tells no more than that, from %s', async (provider) => {
    const model = unique('model');
    await target.upstream.script(model, script as Parameters<typeof target.upstream.script>[1]);
    const user_id = unique('user');
    const asked = { user_id, message: 'fail', model: `${provider}/${model}` };
    const whole = await target.call<{ conversation_id?: string }>('/conversations', {
      json: asked,
    });
    expectNoSecrets(whole.text + JSON.stringify(whole.rawHeaders));
    const stream = await target.stream('/conversations', { json: asked });
    const { text, events } = await stream.collect();
    expectNoSecrets(text);
    expect(
      events.filter(({ type }) => /^turn\.(completed|failed|cancelled)$/u.test(type)),
    ).toHaveLength(1);
    const stored = await target.call<{ id: string }[]>(`/chats?user_id=${user_id}`);
    for (const { id } of stored.json) {
      expectNoSecrets((await target.call(`/conversations/${id}`)).text);
    }
    expectNoSecrets((await target.call(`/turns/${String(stream.headers['x-turn-id'])}`)).text);
  });
});

it('tells nothing in answers to strange requests', async () => {
  const answers = await Promise.all([
    target.call(`/conversations?user_id=x&limit=1&cursor=${encodeURIComponent("' OR 1=1 --")}`),
    target.call(`/conversations/${encodeURIComponent("'; SELECT 1; --")}`),
    target.call('/conversations', {
      rawBody: '{"user_id":',
      headers: { 'content-type': 'application/json' },
    }),
    target.call('/conversations', {
      json: { user_id: 'u', model: target.key.slice(0, 4), message: 'x' },
    }),
    target.call('/openapi.json/nothing'),
    target.call('/%E0%A4%A'),
    target.call('/health'),
    target.call('/models'),
  ]);
  for (const { text } of answers.slice(2)) expectNoSecrets(text);
  for (const { text } of answers) expect(text).not.toMatch(/SQLITE|\bat .+:\d+:\d+/u);
});
