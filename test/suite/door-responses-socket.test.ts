/** Responses over a WebSocket: OpenAI's own socket and plain frames against the server. */
import { ResponsesWS } from 'openai/resources/responses/ws';
import { describe, expect, it, vi } from 'vitest';
import { asRecord, asText } from '../support/json.ts';
import type { SocketFrame, TestSocket } from '../support/websocket.ts';
import { responseEvent } from './open-responses.ts';
import { openAiClient } from './openai-client.ts';
import { suiteTarget, unique } from './target.ts';
import { scripted, sentMessages } from './turns.ts';

const target = suiteTarget();
const tokens = ['Once ', 'upon ', 'a ', 'time 😀'];
const answer = tokens.join('');

const open = (user: string, query = '') =>
  target.socket(`/v1/responses${query}`, { headers: { 'x-user-id': user } });

const ends = ['response.completed', 'response.incomplete', 'response.failed', 'error'];

/** The next frame that ends a response, or tells of a failure. */
async function end(socket: TestSocket): Promise<SocketFrame> {
  for (;;) {
    const frame = await socket.next();
    if (ends.includes(frame.type)) return frame;
  }
}

const responseOf = (frame: SocketFrame) => asRecord(frame['response']);
const idOf = (frame: SocketFrame) => asText(responseOf(frame)['id']);
const errorOf = (frame: SocketFrame) => [frame['status'], asRecord(frame['error'])['code']];
const create = (fields: object) => ({ type: 'response.create', ...fields });

/** Asks, and returns the frame that ends the response. */
function ask(socket: TestSocket, fields: object): Promise<SocketFrame> {
  socket.send(create(fields));
  return end(socket);
}

async function lastPrompt(name: string): Promise<string[]> {
  const last = (await target.upstream.requests(name)).at(-1);
  return sentMessages(last?.body).map(({ content }) => content);
}

const WARM_UP_BY_NOBODY = JSON.stringify(create({ generate: false, model: 'nobody/none' }));

describe.concurrent('a socket of responses', () => {
  it('keeps what a warm-up brings for the response that goes on from it', async () => {
    const { model, name } = await scripted(target, { tokens });
    const user = unique('user');
    const socket = await open(user);
    const warm = await ask(socket, { model, input: 'one', generate: false });
    expect(responseEvent.parse(warm)).toMatchObject({
      type: 'response.completed',
      response: { status: 'completed', output: [], usage: { input_tokens: 0, output_tokens: 0 } },
    });
    expect(await target.upstream.requests(name)).toEqual([]);
    expect((await target.call(`/conversations?user_id=${user}`)).json).toEqual([]);
    const first = await ask(socket, { model, input: [], previous_response_id: idOf(warm) });
    expect([first.type, await lastPrompt(name)]).toEqual(['response.completed', ['one']]);
    const next = { model, input: 'two', previous_response_id: idOf(first) };
    const again = await ask(socket, { ...next, generate: false });
    await ask(socket, { model, input: 'three', previous_response_id: idOf(again) });
    expect(await lastPrompt(name)).toEqual(['one', answer, 'two\n\nthree']);
    // Elsewhere nobody knows of it, and only a socket has it.
    const other = await open(user);
    const lost = await ask(other, { model, input: 'two', previous_response_id: idOf(again) });
    expect(errorOf(lost)).toEqual([400, 'previous_response_not_found']);
    const json = { model, input: 'one', generate: false };
    expect((await target.call('/v1/responses', { json })).status).toBe(400);
    socket.close();
    other.close();
  });

  it('sends the events of each response, as the package’s own socket reads them', async () => {
    const { model } = await scripted(target, { tokens, reasoning: ['Hm.'] });
    const client = openAiClient(target, unique('user'));
    const socket = new ResponsesWS(client);
    const lines: string[] = [];
    socket.send({ type: 'response.create', model, input: 'Tell me' });
    for await (const event of socket.stream()) {
      if (event.type !== 'message') continue;
      const { message } = event;
      lines.push(message.type);
      expect(() => responseEvent.parse(message)).not.toThrow();
      if (message.type === 'response.completed') {
        expect(message.response.status).toBe('completed');
        const again = await client.responses.retrieve(message.response.id);
        expect(again.output_text).toBe(answer);
        break;
      }
    }
    expect(lines.slice(0, 2)).toEqual(['response.created', 'response.in_progress']);
    expect(lines).toContain('response.output_text.delta');
    socket.close();
  });

  it('goes on from what is kept, on whatever connection', async () => {
    const { model, name } = await scripted(target, { tokens });
    const user = unique('user');
    const [one, other] = [await open(user), await open(user)];
    const first = await ask(one, { model, input: 'one' });
    const second = await ask(other, { model, input: 'two', previous_response_id: idOf(first) });
    expect(responseOf(second)['previous_response_id']).toBe(idOf(first));
    expect(await lastPrompt(name)).toEqual(['one', answer, 'two']);
    for (const socket of [one, other]) socket.close();
  });

  it('goes on from what is not kept on its own connection alone, and deletes it then', async () => {
    const { model, name } = await scripted(target, { tokens });
    const user = unique('user');
    const socket = await open(user);
    const asked = { model, store: false };
    const first = await ask(socket, { ...asked, input: 'The word is cobalt' });
    const previous_response_id = idOf(first);
    const second = await ask(socket, { ...asked, input: 'Which?', previous_response_id });
    expect(await lastPrompt(name)).toEqual(['The word is cobalt', answer, 'Which?']);
    const kept = await ask(socket, { model, input: 'Keep it', previous_response_id: idOf(second) });
    expect(errorOf(kept)).toEqual([400, 'invalid_request']);
    expect(asRecord(kept['error'])['param']).toBe('store');

    const other = await open(user);
    const foreign = await ask(other, { ...asked, input: 'Which?', previous_response_id });
    expect(errorOf(foreign)).toEqual([400, 'previous_response_not_found']);
    const json = { ...asked, input: 'Which?', previous_response_id };
    const headers = { 'x-user-id': user };
    const overHttp = await target.call('/v1/responses', { json, headers });
    expect(overHttp.json).toMatchObject({ error: { code: 'previous_response_not_found' } });
    expect((await target.call(`/conversations?user_id=${user}`)).json).toEqual([]);

    for (const each of [socket, other]) each.close();
    const path = `/turns/${previous_response_id.replace('resp_', '')}`;
    await vi.waitFor(async () => expect((await target.call(path)).status).toBe(404), 10_000);
  });

  it('leaves what is kept as it is, where what follows is not kept', async () => {
    const { model, name } = await scripted(target, { tokens });
    const user = unique('user');
    const socket = await open(user);
    const kept = await ask(socket, { model, input: 'one' });
    const passing = { model, store: false, input: 'two', previous_response_id: idOf(kept) };
    const second = await ask(socket, passing);
    await ask(socket, { ...passing, input: 'three', previous_response_id: idOf(second) });
    expect(await lastPrompt(name)).toEqual(['one', answer, 'two', answer, 'three']);
    const { json } = await target.call(`/conversations?user_id=${user}`);
    expect(json).toMatchObject([{ message_count: 2 }]);
    socket.close();
  });

  it('forgets what is not kept when going on from it fails, and nothing that is kept', async () => {
    const { model } = await scripted(target, { tokens });
    const socket = await open(unique('user'));
    for (const [store, code] of [
      [false, 'previous_response_not_found'],
      [true, undefined],
    ] as const) {
      const first = await ask(socket, { model, store, input: 'Remember' });
      const output = { type: 'function_call_output', call_id: 'nobody', output: 'x' };
      const asked = { model, store, previous_response_id: idOf(first) };
      expect((await ask(socket, { ...asked, input: [output] }))['status']).toBe(400);
      const again = await ask(socket, { ...asked, input: 'Go on' });
      expect(errorOf(again)[1]).toBe(code);
    }
    socket.close();
  });

  it('answers one after the other, but for lanes, whose events have their names', async () => {
    const slow = await scripted(target, { tokens, holdAt: 1 });
    const quick = await scripted(target, { text: 'quick' });
    const socket = await open(unique('user'));
    socket.send(create({ model: slow.model, input: 'slow' }));
    socket.send(create({ model: quick.model, input: 'next' }));
    socket.send(create({ model: quick.model, input: 'beside', stream_id: 'lane.1' }));
    const models = [];
    models.push(await end(socket));
    await target.upstream.release(slow.name);
    for (let at = 0; at < 2; at++) models.push(await end(socket));
    expect(models.map((frame) => [responseOf(frame)['model'], frame['stream_id']])).toEqual([
      [quick.model, 'lane.1'],
      [slow.model, undefined],
      [quick.model, undefined],
    ]);
    const beside = socket.frames.filter((frame) => frame['stream_id'] === 'lane.1');
    expect(beside[0]?.type).toBe('response.created');
    const unnamed = socket.frames.filter((frame) => !('stream_id' in frame));
    const started = unnamed.flatMap(({ type }, at) => (type === 'response.created' ? [at] : []));
    const completed = unnamed.findIndex(({ type }) => type === 'response.completed');
    expect(started[1]).toBeGreaterThan(completed);
    socket.close();
  });

  it('takes so many frames at a time, and no more', async () => {
    const slow = await scripted(target, { tokens, holdAt: 'head' });
    const socket = await open(unique('user'));
    for (let at = 0; at < 33; at++) socket.send(create({ model: slow.model, input: `${at}` }));
    const refused = await end(socket);
    expect(errorOf(refused)).toEqual([429, 'queue_full']);
    socket.terminate();
    await target.upstream.release(slow.name);
  });

  it.each([
    ['no JSON', 'hello', 400, null],
    ['null', 'null', 400, null],
    ['another type', '{"type":"response.cancel"}', 400, 'type'],
    ['no input', '{"type":"response.create","model":"offline"}', 400, 'input'],
    [
      'a lane of spaces',
      '{"type":"response.create","input":"x","stream_id":"a b"}',
      400,
      'stream_id',
    ],
    ['background', '{"type":"response.create","input":"x","background":true}', 400, 'background'],
    ['no stream', '{"type":"response.create","input":"x","stream":false}', 400, 'stream'],
    ['a warm-up by an unknown model', WARM_UP_BY_NOBODY, 400, 'model'],
    [
      'no such model',
      '{"type":"response.create","input":"x","model":"nobody/knows"}',
      400,
      'model',
    ],
    ['another user', '{"type":"response.create","input":"x","user_id":"other"}', 404, null],
  ])('answers %s with an error and stays open', async (_, frame, status, param) => {
    const socket = await open(unique('user'));
    socket.sendRaw(frame);
    const failure = await socket.next();
    expect(failure).toMatchObject({
      type: 'error',
      status,
      error: { type: expect.any(String), code: expect.any(String), message: expect.any(String) },
    });
    expect(asRecord(failure['error'])['param']).toBe(param);
    expect((await ask(socket, { model: 'offline', input: 'still here' })).type).toBe(
      'response.completed',
    );
    socket.close();
  });

  it('answers too large a frame with an error', async () => {
    const socket = await open(unique('user'));
    socket.send(create({ input: 'x'.repeat(16_000_000) }));
    expect(errorOf(await socket.next())).toEqual([413, 'payload_too_large']);
    socket.close();
  });

  it('tells of a failure of the model in its last event', async () => {
    const { model } = await scripted(target, [{ status: { code: 500 } }, { tokens }]);
    const socket = await open(unique('user'));
    const failed = await ask(socket, { model, input: 'Hi' });
    expect(failed).toMatchObject({ type: 'response.failed', response: { status: 'failed' } });
    expect((await ask(socket, { model, input: 'Again' })).type).toBe('response.completed');
    socket.close();
  });

  it('is for the user that its address, its headers or its frames name', async () => {
    const [inAddress, inHeader, inFrame] = [unique('a'), unique('b'), unique('c')];
    const sockets = [
      await target.socket(`/v1/responses?user_id=${inAddress}`),
      await open(inHeader),
      await target.socket('/v1/responses'),
    ];
    const [one, two, three] = sockets as [TestSocket, TestSocket, TestSocket];
    const input = 'Hello';
    await ask(one, { model: 'offline', input });
    await ask(two, { model: 'offline', input });
    const first = await ask(three, { model: 'offline', input, user: inFrame });
    for (const user of [inAddress, inHeader, inFrame]) {
      const { json } = await target.call(`/conversations?user_id=${user}`);
      expect(json).toMatchObject([{ message_count: 2 }]);
    }
    const asked = { model: 'offline', input, previous_response_id: idOf(first) };
    expect(errorOf(await ask(two, asked))).toEqual([400, 'previous_response_not_found']);
    for (const socket of sockets) socket.close();
  });

  it('is opened by a handshake alone, and not by pages of others', async ({ expect }) => {
    const plain = await target.call<{ error: object }>('/v1/responses');
    expect([plain.status, plain.json.error]).toMatchObject([400, { code: 'invalid_request' }]);
    const origin = 'https://elsewhere.example';
    await expect(target.socket('/v1/responses', { origin })).rejects.toThrow('status 403');
    const unknown = target.socket('/v1/responses?modle=x');
    await expect(unknown).rejects.toThrow('status 400');
  });
});

describe.concurrent('a response that is steered', () => {
  const steerOf = (previous_response_id: string, input: unknown) => ({
    ...{ type: 'response.steer', previous_response_id, input },
  });

  it('goes on with what joins it at its next step', async ({ expect }) => {
    const search = { name: 'search_documents', input: { query: 'valve' }, id: 'call_1' };
    const script = [{ holdAt: 'head' as const, toolCalls: [[search]] }, { text: 'Fertig.' }];
    const { model, name } = await scripted(target, script);
    const user = unique('user');
    const document = { user_id: user, title: 'Manual', text: 'The blue valve needs oil.' };
    await target.call('/documents', { json: document });
    const socket = await open(user);
    socket.send(create({ model, input: 'How often?', stream_id: 'a' }));
    const id = idOf(await socket.next('response.created'));
    // The model is asked first, so that the message has a next step to join.
    await expect.poll(() => target.upstream.requests(name)).toHaveLength(1);
    socket.send(steerOf(id, 'In German'));
    const accepted = await socket.next('response.steer.accepted');
    expect(accepted).toMatchObject({
      stream_id: 'a',
      sequence_number: 0,
      steer: { id: expect.stringMatching(/^steer_/u), previous_response_id: id },
    });
    await target.upstream.release(name);
    // That it has joined is told beside the stream: before its end, or just after.
    const told = (type: string) => socket.frames.find((frame) => frame.type === type);
    await expect
      .poll(() => told('parley:response.steer.joined'), { timeout: 10_000 })
      .toBeDefined();
    await expect.poll(() => told('response.completed'), { timeout: 10_000 }).toBeDefined();
    expect(told('parley:response.steer.joined')?.['steer']).toEqual(accepted['steer']);
    expect(idOf(told('response.completed') ?? accepted)).toBe(id);
    expect((await lastPrompt(name)).at(-1)).toBe('In German');
    expect(socket.frames.filter(({ type }) => type === 'response.created')).toHaveLength(1);
    socket.close();
  });

  it('is followed by one that answers what came too late to join', async () => {
    const slow = { tokens, holdAt: 1 };
    const { model, name } = await scripted(target, [slow, { text: 'And then.' }]);
    const socket = await open(unique('user'));
    socket.send(create({ model, input: 'A tale', instructions: 'Be brief', stream_id: 'a' }));
    const id = idOf(await socket.next('response.created'));
    socket.send(steerOf(id, [{ role: 'user', content: 'And then?' }]));
    await socket.next('response.steer.accepted');
    await target.upstream.release(name);
    expect(idOf(await end(socket))).toBe(id);
    const next = await socket.next('response.created');
    expect(next).toMatchObject({ stream_id: 'a', response: { previous_response_id: id } });
    expect(idOf(next)).not.toBe(id);
    expect(idOf(await end(socket))).toBe(idOf(next));
    expect(await lastPrompt(name)).toEqual(['Be brief', 'A tale', answer, 'And then?']);
    socket.close();
  });

  it('is told with its input where it cannot be', async () => {
    const socket = await open(unique('user'));
    const done = await ask(socket, { model: 'offline', input: 'Hi' });
    const stranger = await open(unique('other'));
    const foreign = idOf(await ask(stranger, { model: 'offline', input: 'Hi' }));
    const output = [{ type: 'function_call_output', call_id: 'a', output: 'x' }];
    for (const [id, input, code] of [
      ['resp_nobody', 'Hi', 'response_not_found'],
      [foreign, 'Hi', 'response_not_found'],
      [idOf(done), 'Hi', 'response_already_completed'],
      [idOf(done), '', 'invalid_input'],
      [idOf(done), output, 'invalid_input'],
    ] as const) {
      socket.send(steerOf(id, input));
      expect(await socket.next()).toMatchObject({
        type: 'response.steer.failed',
        error: { type: 'invalid_request_error', code, message: expect.any(String) },
        steer: { previous_response_id: id, input },
      });
    }
    for (const each of [socket, stranger]) each.close();
  });
});
