/**
 * docs/protocol.md is made of schemas. What the server really sends fits them, and has no field
 * that they do not have.
 */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  ingestEvents,
  nativeEvents,
  type Described,
} from '../../src/host/build/protocol/event-schemas.ts';
import { serverFrames } from '../../src/host/build/protocol/frame-schemas.ts';
import { problemSchema } from '../../src/routes/shared/responses.ts';
import type { OpenStream } from '../support/sse.ts';
import { suiteTarget, unique } from './target.ts';
import { scripted } from './turns.ts';

const target = suiteTarget();

/** Checks a thing that was sent by its name, and that no field of it is unknown to the page. */
function expectDescribed(page: Record<string, Described>, name: string, sent: unknown): void {
  expect(Object.keys(page)).toContain(name);
  const fields = page[name]?.fields ?? z.object({});
  expect({ name, error: z.strictObject(fields.shape).safeParse(sent).error }).toEqual({ name });
}

/** Reads a stream to its end, checks each event, and returns their names. */
async function namesOf(stream: OpenStream, page: Record<string, Described> = nativeEvents) {
  const { events, ended } = await stream.collect();
  expect(ended).toBe('end');
  expect(events.at(-1)).toMatchObject({ type: 'done', data: '[DONE]' });
  const named = events.slice(0, -1).filter(({ data }) => data !== '');
  for (const { type, data } of named) expectDescribed(page, type, JSON.parse(data));
  return [...new Set(named.map(({ type }) => type))];
}

const valve = 'The blue valve closes clockwise and needs oil every month.';

async function withDocument(): Promise<string> {
  const user = unique('owner');
  await target.call('/documents', { json: { user_id: user, title: 'Manual', text: valve } });
  return user;
}

const say = (fields: object) =>
  target.stream('/conversations', { json: { message: 'Which way?', ...fields } });

describe.concurrent('the events of a turn are those of docs/protocol.md', () => {
  it('the events of a turn with thoughts are those of docs/protocol.md', async () => {
    const { model } = await scripted(target, { reasoning: ['Hm.'], tokens: ['Yes', '.'] }, 'groq');
    expect(await namesOf(await say({ user_id: unique('user'), model }))).toEqual([
      'turn.started',
      'reasoning.delta',
      'message.delta',
      'turn.completed',
    ]);
  });

  it('the events of a turn with sources are those of docs/protocol.md', async () => {
    const { model } = await scripted(target, { text: 'Clockwise [1].' });
    const user_id = await withDocument();
    expect(await namesOf(await say({ user_id, model, mode: 'rag' }))).toEqual([
      'turn.started',
      'sources',
      'message.delta',
      'turn.completed',
    ]);
  });

  it('the events of a turn with calls of tools, one of which fails are those of docs/protocol.md', async () => {
    const good = { name: 'search_documents', input: { query: 'valve' } };
    const toolCalls = [[good, { name: 'no_such_tool', input: {} }]];
    const { model } = await scripted(target, { toolCalls, text: 'Clockwise.' });
    const names = await namesOf(await say({ user_id: await withDocument(), model }));
    expect(names).toEqual(expect.arrayContaining(['tool.call', 'tool.result', 'turn.completed']));
  });

  it('the events of a turn that is cancelled are those of docs/protocol.md', async () => {
    const { model } = await scripted(target, {
      tokens: ['on '],
      infinite: true,
      delayMs: { between: 20 },
    });
    const stream = await say({ user_id: unique('user'), model });
    await stream.next('message.delta');
    const turn = String(stream.headers['x-turn-id']);
    await target.call(`/turns/${turn}/cancel`, { method: 'POST' });
    expect(await namesOf(stream)).toContain('turn.cancelled');
    // Replayed, they are the same.
    expect(await namesOf(await target.stream(`/turns/${turn}/events`))).toContain('turn.cancelled');
  });

  it('the events of a turn that fails are those of docs/protocol.md', async () => {
    const status = { code: 500, body: '{"error":{"message":"no"}}' };
    const { model } = await scripted(target, { status });
    expect(await namesOf(await say({ user_id: unique('user'), model }))).toContain('turn.failed');
  });
});

describe.concurrent('the events of an ingest are those of docs/protocol.md', () => {
  it('the events of the ingest of a document that can be read are those of docs/protocol.md', async () => {
    const json = { user_id: unique('user'), title: 'Manual', text: valve };
    const stream = await target.stream('/documents', { json });
    expect(await namesOf(stream, ingestEvents)).toContain('document.completed');
  });
});

describe.concurrent('the frames of a socket are those of docs/protocol.md', () => {
  /** Says something, and checks each frame up to the one that ends it. */
  async function framesOf(user: string, frame: object, last: string): Promise<string[]> {
    const socket = await target.socket(`/ws/${user}`);
    socket.send(frame);
    const names: string[] = [];
    while (names.at(-1) !== last) {
      const { type, ...fields } = await socket.next();
      names.push(type);
      expectDescribed(serverFrames, type, fields);
    }
    socket.close();
    return [...new Set(names)];
  }

  it('the frames of a turn with thoughts and calls are those of docs/protocol.md', async () => {
    const search = { name: 'search_documents', input: { query: 'valve' } };
    const script = { reasoning: ['Hm.'], toolCalls: [[search]], text: 'Clockwise.' };
    const { model } = await scripted(target, script, 'groq');
    const user = await withDocument();
    expect(await framesOf(user, { message: 'Hi', model }, 'message_complete')).toEqual(
      expect.arrayContaining(['connection', 'conversation_created', 'typing', 'chunk']),
    );
  });

  it('the frames of a turn with sources are those of docs/protocol.md', async () => {
    const { model } = await scripted(target, { text: 'Clockwise [1].' });
    const user = await withDocument();
    const json = { user_id: user, mode: 'rag' };
    const { json: made } = await target.call<{ conversation_id: string }>('/conversations', {
      json,
    });
    const frame = { message: 'Which way?', model, conversation_id: made.conversation_id };
    expect(await framesOf(user, frame, 'message_complete')).toContain('sources');
  });

  it.each([
    ['that is refused', { mesage: 'Hi' }],
    ['whose model is unknown', { message: 'Hi', model: 'nobody/knows' }],
  ])('the frames of a socket are those of docs/protocol.md for a frame %s', async (_, frame) => {
    expect(await framesOf(unique('user'), frame, 'error')).toContain('connection');
  });

  it('the frames of a turn that fails are those of docs/protocol.md', async () => {
    const { model } = await scripted(target, { status: { code: 500, body: 'no' } });
    expect(await framesOf(unique('user'), { message: 'Hi', model }, 'error')).toContain('typing');
  });
});

it.each([
  ['/conversations', { json: { user_id: 'u', mesage: 'Hi' } }],
  ['/conversations', { json: { user_id: 'u', message: 'Hi', model: 'nobody/knows' } }],
  ['/conversations/unknown', {}],
  ['/conversations', { method: 'PUT' }],
  ['/conversations', { rawBody: '<x/>', headers: { 'content-type': 'text/xml' } }],
  ['/nothing-here', {}],
] as const)(
  'the problem that %s answers with is the one of the description',
  async (path, init) => {
    const { status, json, headers } = await target.call(path, init);
    expect(headers['content-type']).toBe('application/problem+json');
    expect(z.strictObject(problemSchema.shape).parse(json)).toMatchObject({ status });
  },
);
