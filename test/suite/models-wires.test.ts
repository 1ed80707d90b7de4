/** What each provider is sent, and how what it answers is understood: text, reasoning, usage. */
import { describe, expect, it } from 'vitest';
import type { UsageScript } from '../support/upstream/behaviour.ts';
import { asRecord } from '../support/json.ts';
import { suiteTarget, unique } from './target.ts';
import {
  conversation,
  hear,
  scripted,
  sentMessages,
  storedMessages,
  type Provider,
} from './turns.ts';

const target = suiteTarget();
const tokens = ['One ', 'two ', 'three'];
const providers = ['groq', 'openai', 'google'] as const;

async function ask(model: string, message = 'Count to three') {
  const json = { user_id: unique('user'), message, model };
  const heard = await hear(await target.stream('/conversations', { json }));
  const [user, answer] = await storedMessages(target, heard.started.conversation_id);
  return { ...heard, user, answer };
}

describe.concurrent('the request', () => {
  it.each([
    ['openai', '/openai/v1/chat/completions', 'openai-chat'],
    ['groq', '/groq/openai/v1/chat/completions', 'groq'],
  ] as const)('to %s', async (provider, path, wire) => {
    const { model, name } = await scripted(target, { tokens }, provider);
    const id = await conversation(target, { instructions: 'Be brief. 漢😀' });
    const json = { message: 'Count\nto “three” 😀', model };
    await hear(await target.stream(`/conversations/${id}/messages`, { json }));
    const [seen, ...more] = await target.upstream.requests(name);
    expect(more).toEqual([]);
    expect(seen).toMatchObject({
      wire,
      path,
      method: 'POST',
      model: name,
      stream: true,
      keyAccepted: true,
      headers: { 'content-type': 'application/json', authorization: '<hidden>' },
      body: { model: name, stream: true },
    });
    expect(sentMessages(seen?.body)).toEqual([
      { role: 'system', content: 'Be brief. 漢😀' },
      { role: 'user', content: 'Count\nto “three” 😀' },
    ]);
    const options = asRecord(asRecord(seen?.body)['stream_options']);
    if (provider === 'openai') expect(options).toEqual({ include_usage: true });
    expect(JSON.stringify(seen?.body)).not.toContain(id);
  });

  it('the request to google has the form of google', async () => {
    const { model, name } = await scripted(target, { tokens }, 'google');
    const id = await conversation(target, { instructions: 'Be brief.' });
    const path = `/conversations/${id}/messages`;
    await hear(await target.stream(path, { json: { message: 'Count', model } }));
    await hear(await target.stream(path, { json: { message: 'Again', model } }));
    const seen = (await target.upstream.requests(name)).at(-1);
    expect(seen).toMatchObject({
      wire: 'gemini',
      path: `/google/v1beta/models/${name}:streamGenerateContent?alt=sse`,
      keyAccepted: true,
      headers: { 'x-goog-api-key': '<hidden>' },
      body: {
        systemInstruction: { parts: [{ text: 'Be brief.' }] },
        contents: [
          { role: 'user', parts: [{ text: 'Count' }] },
          { role: 'model', parts: [{ text: tokens.join('') }] },
          { role: 'user', parts: [{ text: 'Again' }] },
        ],
      },
    });
    expect(seen?.path).not.toContain(target.key);
  });

  it('the request for a name with slashes goes to the first word’s provider', async () => {
    const name = `openai/${unique('gpt-oss')}`;
    await target.upstream.script(name, { tokens });
    const { started } = await ask(`groq/${name}`);
    expect(started.model).toBe(`groq/${name}`);
    expect(await target.upstream.requests(name)).toMatchObject([{ wire: 'groq' }]);
  });
});

describe.concurrent.each(providers)('usage of %s', (provider: Provider) => {
  const counted = { input: 'Count to three'.length / 4, output: tokens.length };

  it.each<UsageScript>(['normal', 'duplicated', 'running'])(
    'as it is counted: %s',
    async (usage) => {
      const { model } = await scripted(target, { tokens, usage }, provider);
      const { end, answer } = await ask(model);
      const input_tokens = Math.ceil(counted.input);
      expect(end.usage).toEqual({
        input_tokens,
        output_tokens: counted.output,
        total_tokens: input_tokens + counted.output,
        estimated: false,
      });
      expect(answer).toMatchObject({ tokens_used: counted.output, tokens_estimated: false });
    },
  );

  it.each<[UsageScript]>([['missing'], ['null'], ['negative'], ['fractional'], ['huge']])(
    'estimated and marked: %s',
    async (usage) => {
      const { model } = await scripted(target, { tokens, usage }, provider);
      const { end, answer, terminal } = await ask(model);
      expect(terminal).toBe('turn.completed');
      expect(end.usage.estimated).toBe(true);
      for (const count of [end.usage.input_tokens, end.usage.output_tokens]) {
        expect(count).toSatisfy(Number.isSafeInteger);
        expect(count).toBeGreaterThan(0);
        expect(count).toBeLessThan(50);
      }
      const { input_tokens, output_tokens, total_tokens } = end.usage;
      expect(total_tokens).toBe(input_tokens + output_tokens);
      expect(answer).toMatchObject({ tokens_used: output_tokens, tokens_estimated: true });
    },
  );

  it.each<[UsageScript]>([['nan'], ['text'], ['late']])(
    'no text is lost by it: %s',
    async (usage) => {
      const { model } = await scripted(target, { tokens, usage }, provider);
      const { end, answer, text } = await ask(model);
      expect(answer?.content).toBe(text);
      // Google's counts are in every frame, and one that cannot be read says nothing.
      if (provider === 'google' && usage !== 'late') return expect(answer?.status).toBe('failed');
      expect(text).toBe(tokens.join(''));
      // Elsewhere it is one frame, perhaps the one that declares the end.
      expect(['complete', 'interrupted']).toContain(answer?.status);
      expect(end.usage.output_tokens).toSatisfy(Number.isSafeInteger);
      expect(end.usage.output_tokens).toBeGreaterThan(0);
    },
  );

  it('estimated for an answer that was cut before its usage came', async () => {
    const fault = { how: 'reset', afterTokens: 2 } as const;
    const { model } = await scripted(target, { tokens, fault }, provider);
    const { end, answer } = await ask(model);
    expect(end.usage).toMatchObject({ estimated: true });
    expect(end.usage.output_tokens).toBeGreaterThan(0);
    expect(answer).toMatchObject({ status: 'interrupted', tokens_estimated: true });
  });
});

describe.concurrent('reasoning', () => {
  const reasoning = ['Let me ', 'think\n', '😀'];

  it.each([
    ['groq', 'normal'],
    ['google', 'normal'],
    ['openai', 'normal'],
    ['openai', 'running'],
  ] as const)(
    'of %s, its usage %s, is streamed and kept, apart from the text',
    async (provider, usage) => {
      const { model, name } = await scripted(target, { reasoning, tokens, usage }, provider);
      const heard = await ask(model);
      expect(heard).toMatchObject({ reasoning: reasoning.join(''), text: tokens.join('') });
      expect(heard.types.lastIndexOf('reasoning.delta')).toBeLessThan(
        heard.types.indexOf('message.delta'),
      );
      expect(heard.answer).toMatchObject({
        content: tokens.join(''),
        parts: [
          { type: 'reasoning', text: reasoning.join('') },
          { type: 'text', text: tokens.join('') },
        ],
      });
      // The provider's count holds both.
      expect(heard.end.usage.output_tokens).toBe(reasoning.length + tokens.length);

      const path = `/conversations/${heard.started.conversation_id}/messages`;
      await hear(await target.stream(path, { json: { message: 'And four?', model } }));
      const next = (await target.upstream.requests(name)).at(-1);
      expect(JSON.stringify(next?.body)).toContain('One two three');
      expect(JSON.stringify(next?.body)).not.toContain('Let me');
    },
  );

  it.each(['groq', 'openai'] as const)(
    'reasoning of %s without text is no answer',
    async (provider) => {
      const { model } = await scripted(target, { reasoning, tokens: [] }, provider);
      const { terminal, answer } = await ask(model);
      expect(terminal).toBe('turn.failed');
      expect(answer).toMatchObject({ status: 'failed', content: '' });
    },
  );
});

it('a user message has an estimate of its own', async () => {
  const { model } = await scripted(target, { tokens });
  const { user } = await ask(model, 'Count to three, please');
  expect(user).toMatchObject({ tokens_estimated: true });
  expect(user?.tokens_used).toBeGreaterThanOrEqual(3);
  expect(user?.tokens_used).toBeLessThanOrEqual(10);
});
