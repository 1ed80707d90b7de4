/**
 * Requests that a model's service refuses: what is asked again in another way, and what is told.
 */
import { describe, expect, it } from 'vitest';
import { upstreamWords } from '../support/upstream/behaviour.ts';
import { asRecord } from '../support/json.ts';
import { post } from './documents-client.ts';
import { suiteTarget, unique } from './target.ts';
import { conversation, hear, scripted } from './turns.ts';

const target = suiteTarget();
const said = (message: string, more: object = {}) =>
  JSON.stringify({ error: { message: `${message} (${upstreamWords})`, ...more } });

async function ask(id: string, model: string) {
  const path = `/conversations/${id}/messages`;
  return hear(await target.stream(path, { json: { message: 'Hi', model } }));
}

async function fieldsSent(name: string, field: string): Promise<boolean[]> {
  const requests = await target.upstream.requests(name);
  return requests.map(({ body }) => field in asRecord(body));
}

describe.concurrent('a service that refuses stream_options', () => {
  it.each([
    [400, said('Unrecognized request argument supplied: stream_options')],
    [422, said('Extra inputs are not permitted')],
    [400, ''],
  ])('is asked without, then and later: %i %j', async (code, body) => {
    const refuses = { field: 'stream_options' as const, code, body };
    const { model, name } = await scripted(target, { text: 'Hello.', refuses });
    const id = await conversation(target);
    for (const _ of ['now', 'later'])
      expect((await ask(id, model)).end).toMatchObject({
        message: { status: 'complete', content: 'Hello.' },
        usage: { estimated: true },
      });
    expect(await fieldsSent(name, 'stream_options')).toEqual([true, false, false]);
  });
});

describe.concurrent('a service that refuses tools', () => {
  const asked = async (code: number, body: string) => {
    const user_id = unique('owner');
    await post({ user_id, title: 'Manual', text: 'The valve needs oil.' });
    const refuses = { field: 'tools' as const, code, body };
    const { model, name } = await scripted(target, { text: 'Hello.', refuses });
    const id = await conversation(target, { user_id });
    const ends = [await ask(id, model), await ask(id, model)].map(({ end }) => end);
    return { statuses: ends.map(({ message }) => message.status), name };
  };

  it.each([
    [400, said('bad request')],
    [404, said('No endpoints found that support tool use')],
    [422, said('extra fields')],
    [500, said('tools param requires --jinja flag')],
    [501, ''],
    [503, said('tools are not supported')],
  ])('a service that refuses tools by %i is asked without, then and later', async (code, body) => {
    const { statuses, name } = await asked(code, body);
    expect(statuses).toEqual(['complete', 'complete']);
    expect(await fieldsSent(name, 'tools')).toEqual([true, false, false]);
  });

  it.each([401, 403, 429, 503])(
    'a service that refuses by %i may have refused something else',
    async (code) => {
      const { statuses, name } = await asked(code, said('no'));
      expect(statuses).toEqual(['failed', 'failed']);
      expect(await fieldsSent(name, 'tools')).toEqual([true, true]);
    },
  );
});

describe.concurrent('a refusal for good', () => {
  it.each([
    [400, said('x', { code: 'context_length_exceeded' }), 'context_too_long', 400],
    [413, said('too large'), 'context_too_long', 400],
    [400, said('This model’s maximum context length is 4096 tokens'), 'context_too_long', 400],
    [400, said('x', { code: 'content_filter' }), 'model_refused', 400],
    [422, said('messages: invalid'), 'model_refused', 400],
    [401, said('Incorrect API key provided'), 'model_unauthorized', 502],
    [403, said('no access'), 'model_unauthorized', 502],
    [400, said('API key not valid. Please pass a valid API key.'), 'model_unauthorized', 502],
    [404, said('The model `x` does not exist'), 'model_not_found', 502],
  ])('%i %j is %s', async (code, body, problem, status) => {
    const failure = { code, body, contentType: 'application/json' };
    const { model } = await scripted(target, { status: failure });
    const json = { user_id: unique('user'), message: 'Hi', model };
    const answer = await target.call('/conversations', { json });
    expect(answer).toMatchObject({ status, json: { code: problem, status } });
    expect(answer.headers['retry-after']).toBeUndefined();
    expect(answer.text).not.toContain(upstreamWords);
  });
});

describe.concurrent('a quota', () => {
  const quota = 'You exceeded your current quota, please check your plan and billing details.';
  it.each([
    ['that is used up', 429, { code: 'insufficient_quota' }, 'model_quota_exceeded', '3600'],
    ['of a balance', 402, {}, 'model_quota_exceeded', '3600'],
    // Gemini says so of requests a minute, too.
    ['that comes back', 429, { details: [{ retryDelay: '9s' }] }, 'model_rate_limited', '9'],
  ])('%s by %i is told so', async (_, code, more, problem, retryAfter) => {
    const body = { error: { message: quota, ...more } };
    const failure = { code, body: JSON.stringify(body), contentType: 'application/json' };
    const { model } = await scripted(target, { status: failure });
    const json = { user_id: unique('user'), message: 'Hi', model };
    const answer = await target.call('/conversations', { json });
    expect(answer).toMatchObject({ status: 429, json: { code: problem } });
    expect(answer.headers['retry-after']).toBe(retryAfter);
    expect(answer.text).not.toContain('billing');
  });
});

it('the time to wait is taken from retry-after-ms where there is no other', async () => {
  const headers = { 'retry-after-ms': '6500' };
  const { model } = await scripted(target, { status: { code: 429, headers } });
  const json = { user_id: unique('user'), message: 'Hi', model };
  const answer = await target.call('/conversations', { json });
  expect(answer).toMatchObject({ status: 429, headers: { 'retry-after': '7' } });
});
