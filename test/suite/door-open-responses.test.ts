/**
 * What the public conformance suite of Open Responses asks of a server (openresponses.org, version
 * 2026-04-24), condition by condition, under the names of its tests.
 */
import { describe, expect, it } from 'vitest';
import { asRecord, asText } from '../support/json.ts';
import { openStream } from '../support/sse.ts';
import { compaction, errorFrame, responseEvent, responseResource } from './open-responses.ts';
import { suiteTarget, unique } from './target.ts';
import { scripted } from './turns.ts';

const target = suiteTarget();
const said = { tokens: ['Ahoy, ', 'matey!'] };
const message = (role: string, content: unknown, more = {}) => ({
  ...{ type: 'message', role, content },
  ...more,
});

/** Asks as the suite does: with a key in the header, and nothing that names a user. */
async function post(path: string, json: object) {
  const headers = { authorization: 'Bearer not-looked-at' };
  return target.call(`/v1${path}`, { json, headers });
}

async function completed(json: object) {
  const { status, json: body } = await post('/responses', json);
  expect(status).toBe(200);
  const response = responseResource.parse(body);
  expect(response.status).toBe('completed');
  expect(response.output).not.toEqual([]);
  return response;
}

type Step = object | ((before: Record<string, unknown>[]) => object);

/** Sends frames in turn, each after the end of the one before; every event must be a known one. */
async function session(steps: Step[]): Promise<Record<string, unknown>[]> {
  const headers = { authorization: 'Bearer not-looked-at', 'content-type': 'application/json' };
  const socket = await target.socket('/v1/responses', { headers });
  const ends: Record<string, unknown>[] = [];
  for (const step of steps) {
    const fields = typeof step === 'function' ? step(ends) : step;
    socket.send({ type: 'response.create', ...fields });
    for (let isOver = false; !isOver;) {
      const frame = await socket.next();
      const isError = frame.type === 'error';
      (isError ? errorFrame : responseEvent).parse(frame);
      isOver = isError || /^response\.(completed|failed|incomplete)$/u.test(frame.type);
      if (isOver) ends.push(isError ? frame : asRecord(frame['response']));
    }
  }
  socket.close();
  return ends;
}

function expectCompleted(response: Record<string, unknown> | undefined): void {
  expect(responseResource.parse(response).status).toBe('completed');
}

const codeOf = (end: Record<string, unknown> | undefined) => asRecord(end?.['error'])['code'];
const after = (at: number) => (ends: Record<string, unknown>[]) => asText(ends[at]?.['id']);
const missing = { call_id: 'call_nobody_made', output: 'No call has this id.' };

describe.concurrent('Open Responses over HTTP', () => {
  it('basic-response: a message is answered by a resource with every key', async () => {
    const { model } = await scripted(target, said);
    await completed({ model, input: [message('user', 'Say hello.')] });
  });

  it('assistant-phase: messages of the assistant may say which phase they are of', async () => {
    const { model } = await scripted(target, said);
    const input = [
      message('assistant', 'I should look.', { phase: 'commentary' }),
      message('assistant', 'It is four.', { phase: 'final_answer' }),
      message('user', 'Repeat the number.'),
    ];
    await completed({ model, input });
  });

  it('streaming-response: each event is a known one, and the last holds the response', async () => {
    const { model } = await scripted(target, said);
    const json = { model, input: [message('user', 'Count.')], stream: true };
    const stream = await openStream(`${target.url}/v1/responses`, { json });
    const { events } = await stream.collect();
    const parsed = events.slice(0, -1).map(({ type, data }) => {
      const event = responseEvent.parse(JSON.parse(data));
      expect(event.type).toBe(type);
      return event;
    });
    expect(events.at(-1)?.data).toBe('[DONE]');
    expectCompleted(asRecord(asRecord(parsed.at(-1))['response']));
  });

  it('system-prompt: a message of the system is taken', async () => {
    const { model } = await scripted(target, said);
    const input = [message('system', 'You are a pirate.'), message('user', 'Say hello.')];
    await completed({ model, input });
  });

  it('tool-calling: a function that is called is an item of the output', async () => {
    const call = { name: 'get_weather', input: { location: 'San Francisco' } };
    const { model } = await scripted(target, { toolCalls: [[call]] });
    const location = { type: 'string', description: 'The city' };
    const parameters = { type: 'object', properties: { location }, required: ['location'] };
    const tools = [{ type: 'function', name: 'get_weather', description: 'Weather', parameters }];
    const response = await completed({ model, input: [message('user', 'Weather?')], tools });
    expect(response.output.map(({ type }) => type)).toContain('function_call');
  });

  it('image-input: an image in the message is taken', async () => {
    const name = unique('gpt-4o');
    await target.upstream.script(name, said);
    const image_url = `data:image/png;base64,${PIXEL}`;
    const content = [
      { type: 'input_text', text: 'What is this?' },
      { type: 'input_image', image_url },
    ];
    await completed({ model: `openai/${name}`, input: [message('user', content)] });
    expect(JSON.stringify((await target.upstream.requests(name)).at(-1)?.body)).toContain(PIXEL);
  });

  it('multi-turn: a history that the client sends is taken', async () => {
    const { model } = await scripted(target, said);
    const input = [
      message('user', 'My name is Alice.'),
      message('assistant', 'Hello Alice!'),
      message('user', 'What is my name?'),
    ];
    await completed({ model, input });
  });

  it('compact-response: a conversation becomes a compaction', async () => {
    const { model } = await scripted(target, said);
    const input = [message('user', 'We launch on Tuesday.'), message('assistant', 'Understood.')];
    const { status, json } = await post('/responses/compact', {
      ...{ model, input, prompt_cache_key: 'a-key' },
    });
    expect(status).toBe(200);
    const { output } = compaction.parse(json);
    expect(output.map(({ type }) => type)).toContain('compaction');
  });

  it('compact-missing-model: a compaction needs a model', async () => {
    const { status } = await post('/responses/compact', { input: [message('user', 'Hello')] });
    expect(status).toBe(400);
  });
});

describe.concurrent('Open Responses over a WebSocket', () => {
  it('websocket-response: the events of a response come as frames', async () => {
    const { model } = await scripted(target, said);
    const [only] = await session([{ model, input: [message('user', 'Count.')] }]);
    expectCompleted(only);
  });

  it('websocket-sequential-responses: one response after the other on a connection', async () => {
    const { model } = await scripted(target, said);
    const asked = { model, store: false };
    const ends = await session([
      { ...asked, input: 'first' },
      { ...asked, input: 'second' },
    ]);
    for (const end of ends) expectCompleted(end);
  });

  it('websocket-continuation: goes on from what is not stored, on its connection', async () => {
    const { model } = await scripted(target, said);
    const asked = { model, store: false };
    const [first, second] = await session([
      { ...asked, input: 'The word is cobalt.' },
      (ends) => ({ ...asked, input: 'Which?', previous_response_id: after(0)(ends) }),
    ]);
    expectCompleted(second);
    expect(second?.['previous_response_id']).toBe(first?.['id']);
  });

  it('websocket-reconnect-store-false-recovery: another connection begins anew', async () => {
    const { model } = await scripted(target, said);
    const asked = { model, store: false };
    const [first] = await session([{ ...asked, input: 'The word is copper.' }]);
    const [missed, recovered] = await session([
      { ...asked, input: 'Which?', previous_response_id: asText(first?.['id']) },
      { ...asked, input: [message('user', 'Start again.')] },
    ]);
    expect(codeOf(missed)).toBe('previous_response_not_found');
    expectCompleted(recovered);
  });

  it('websocket-previous-response-not-found: says so of an id that nobody has', async () => {
    const { model } = await scripted(target, said);
    const [end] = await session([
      { model, store: false, previous_response_id: `resp_missing_${Date.now()}`, input: 'Hi' },
    ]);
    expect(codeOf(end)).toBe('previous_response_not_found');
  });

  it('websocket-failed-continuation-evicts-cache: after a failure it is not there', async () => {
    const { model } = await scripted(target, said);
    const asked = { model, store: false };
    const [first, failed, again] = await session([
      { ...asked, input: 'The word is ember.' },
      (ends) => ({
        ...asked,
        previous_response_id: after(0)(ends),
        input: [{ type: 'function_call_output', ...missing }],
      }),
      (ends) => ({ ...asked, previous_response_id: after(0)(ends), input: 'Go on.' }),
    ]);
    expectCompleted(first);
    expect(failed?.['status']).toBe(400);
    expect(codeOf(again)).toBe('previous_response_not_found');
  });

  it('websocket-compact-new-chain: goes on from a compaction without an id', async () => {
    const { model } = await scripted(target, said);
    const { json } = await post('/responses/compact', {
      model,
      input: [
        message('user', [{ type: 'input_text', text: 'The word is slate.' }]),
        message('assistant', [{ type: 'output_text', text: 'OK.' }]),
        message('user', [{ type: 'input_text', text: 'Compress this.' }]),
      ],
    });
    const { output } = compaction.parse(json);
    const input = [...output, message('user', 'Go on from here.')];
    const [end] = await session([{ model, store: false, input, tools: [] }]);
    expectCompleted(end);
  });
});

/** A PNG of one pixel. */
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
