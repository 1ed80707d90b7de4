/**
 * Every kind of part has its place in every reading: as it streams, replayed, resumed at any event,
 * as text alone, on a socket, and as JSON. Turns that have all kinds between them are read in all
 * these ways, and every reading must say the same.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asRecord, asText, parseJson } from '../support/json.ts';
import { request } from '../support/http.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { openStream, type SseEvent } from '../support/sse.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import type { Script } from '../support/upstream/behaviour.ts';
import { openWebSocket, type SocketFrame, type TestSocket } from '../support/websocket.ts';
import { FORM_TYPE, formOf, png } from './files-client.ts';
import { suiteTarget, unique } from './target.ts';

const { runtime } = suiteTarget();

type Part = { type: string } & Record<string, unknown>;

let upstream: Upstream;
let server: TestServer;

beforeAll(async () => {
  upstream = await startUpstream();
  const env = { ...upstream.env, TOOL_APPROVAL: 'search_conversations', KEEP_ALIVE_MS: '500' };
  server = await startServer({ runtime, env, startLimitMs: 120_000 });
}, 150_000);
afterAll(async () => {
  await server.close();
  await upstream.close();
});

interface Turn {
  name: string;
  mode?: 'rag';
  script: Script;
  /** What is sent; of the turn before, what it may have to answer. */
  ask: (before: Part[], fileId: string) => Record<string, unknown>;
  /** Sent while it runs. */
  steering?: string;
  /** The kinds of the answer's parts, and of the question's where it is more than its text. */
  answer: string[];
  question?: string[];
  valid?: boolean;
}

const weather = { name: 'get_weather', input_schema: { type: 'object' } };
const schema = { type: 'object', properties: { often: { type: 'string' } }, required: ['often'] };

const turns: Turn[] = [
  {
    name: 'with a file, thoughts, a tool of ours, a message that steers it, and JSON',
    script: [
      {
        headersDelayMs: 2_000,
        reasoning: ['I look ', 'it up. '],
        toolCalls: [[{ name: 'search_documents', input: { query: 'valve' }, id: 'call_1' }]],
      },
      { tokens: ['{"often":', ' "mönthly"', '}'], delayMs: { between: 50 } },
    ],
    ask: (_, fileId) => ({
      message: 'How often?',
      attachments: [{ file_id: fileId }],
      response_format: { type: 'json_schema', json_schema: { name: 'often', schema } },
    }),
    steering: 'In German, please',
    answer: ['reasoning', 'tool_call', 'tool_result', 'steered', 'text'],
    question: ['file', 'text'],
    valid: true,
  },
  {
    name: 'that asks for an approval and for a tool of the client',
    script: {
      toolCalls: [
        [
          { name: 'search_conversations', input: { query: 'valve' }, id: 'call_2' },
          { name: 'get_weather', input: { city: 'Rome' }, id: 'call_3' },
        ],
      ],
    },
    ask: () => ({ message: 'What did we say?', tools: [weather] }),
    answer: ['tool_call', 'tool_call', 'tool_approval'],
  },
  {
    name: 'that goes on with what the user and the client said to that',
    script: { text: 'It rains, and the answer is no.' },
    ask: (before) => ({
      message: 'There you are',
      tools: [weather],
      approvals: [{ approval_id: idIn(before), approved: false, reason: 'It is private' }],
      tool_results: [{ tool_call_id: 'call_3', output: { rain: true } }],
    }),
    answer: ['tool_result', 'text'],
    question: ['tool_result', 'approval', 'text'],
  },
  {
    name: 'that answers from documents',
    mode: 'rag',
    script: { tokens: ['Every ', 'month [1]', '.'] },
    ask: () => ({ message: 'How often does the valve need oil?' }),
    answer: ['sources', 'text'],
  },
];

function idIn(parts: Part[]): unknown {
  return parts.find(({ type }) => type === 'tool_approval')?.['approval_id'];
}

/** A user with a document, a file, and a conversation. */
async function newUser(mode = 'open') {
  const userId = unique('user');
  const json = { user_id: userId, text: 'The blue valve needs oil every month.', title: 'Manual' };
  await request(`${server.url}/documents`, { json });
  const file = await request<{ file_id: string }>(`${server.url}/files`, {
    rawBody: formOf({ content: png(7), name: 'valve.png' }, { before: { user_id: userId } }),
    headers: { 'content-type': FORM_TYPE },
  });
  const made = await request<{ conversation_id: string }>(`${server.url}/conversations`, {
    json: { user_id: userId, mode },
  });
  return { userId, id: made.json.conversation_id, fileId: file.json.file_id };
}

function scripted(script: Script): string {
  const name = unique('gpt-4o-');
  upstream.script(name, script);
  return `openai/${name}`;
}

/** The parts that named pieces of an answer make; texts and thoughts come in pieces. */
function partsOf(pieces: Part[]): Part[] {
  const parts: Part[] = [];
  for (const piece of pieces) {
    const last = parts.at(-1);
    const isMore = 'text' in piece && last?.type === piece.type;
    if (isMore && last) last['text'] = asText(last['text']) + asText(piece['text']);
    else parts.push({ ...piece });
  }
  return parts;
}

const NATIVE: Record<string, string> = { 'message.delta': 'text', 'reasoning.delta': 'reasoning' };

function partsIn(events: SseEvent[]): Part[] {
  const told = events.filter(({ type }) => !/^(turn\..*|done)$/u.test(type));
  return partsOf(
    told.map(({ type, data }) => ({
      type: NATIVE[type] ?? type.replace('.', '_'),
      ...asRecord(parseJson(data)),
    })),
  );
}

function partsInFrames(frames: SocketFrame[]): Part[] {
  const told = frames.filter(({ type }) => /^(chunk|reasoning|sources|steered|tool_)/u.test(type));
  return partsOf(
    told.map(({ type, conversation_id: _, content, ...data }) => ({
      type: type === 'chunk' ? 'text' : type,
      ...data,
      ...(content === undefined ? {} : { text: content }),
    })),
  );
}

interface MessageJson {
  content: string;
  parts?: Part[];
  sources?: unknown[];
  valid?: boolean;
}

/** The parts of a message as JSON has them, where a plain answer is its text and its sources. */
function partsInJson({ parts, sources, content }: MessageJson): Part[] {
  if (parts) return parts;
  const text = { type: 'text', text: content };
  return sources ? [{ type: 'sources', sources }, text] : [text];
}

/** The same without what is another each time. */
function withoutIds(value: unknown): unknown {
  const text = JSON.stringify(value);
  return JSON.parse(
    text
      .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/gu, 'ID')
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/gu, 'TIME')
      .replace(/"\d{6,}"/gu, '"CHUNK"'),
  );
}

interface Said {
  turnId: string;
  events: SseEvent[];
  parts: Part[];
}

/** Has a turn by HTTP, and reads it as it streams. */
async function streamed(turn: Turn, id: string, json: Record<string, unknown>): Promise<Said> {
  const path = `${server.url}/conversations/${id}/messages`;
  const model = scripted(turn.script);
  const stream = await openStream(path, { json: { model, ...json } });
  const turnId = asText(stream.headers['x-turn-id']);
  if (turn.steering !== undefined) await steerAndRead(id, turnId, turn.steering);
  const { events } = await stream.collect();
  return { turnId, events, parts: partsIn(events) };
}

/** Steers a turn; until the message joins, the turn shows that it waits. */
async function steerAndRead(id: string, turnId: string, message: string): Promise<void> {
  const path = `${server.url}/conversations/${id}/messages`;
  const steering = await openStream(path, { json: { message, on_busy: 'steer' } });
  const { json } = await request(`${server.url}/turns/${turnId}`);
  expect(asRecord(json)['steering']).toMatchObject([{ role: 'user', content: message }]);
  steering.close();
}

/** Has the same turn on a socket. */
async function onSocket(
  turn: Turn,
  { socket, id }: { socket: TestSocket; id: string },
  json: Record<string, unknown>,
) {
  const before = socket.frames.length;
  socket.send({ conversation_id: id, model: scripted(turn.script), ...json });
  await socket.next('typing', 20_000);
  if (turn.steering !== undefined)
    socket.send({ conversation_id: id, message: turn.steering, on_busy: 'steer' });
  const end = await socket.next('message_complete', 30_000);
  return { end, parts: partsInFrames(socket.frames.slice(before)) };
}

describe('every reading of a turn says the same', { timeout: 90_000 }, () => {
  it('every reading of a turn says the same: live, replayed, resumed, as text, and as JSON', async () => {
    for (const mode of ['open', 'rag']) {
      const { id, fileId } = await newUser(mode);
      let before: Part[] = [];
      for (const turn of turns.filter((one) => (one.mode ?? 'open') === mode)) {
        const said = await streamed(turn, id, turn.ask(before, fileId));
        before = said.parts;
        expect(
          said.parts.map(({ type }) => type),
          turn.name,
        ).toEqual(turn.answer);
        await everyReading(turn, id, said);
      }
    }
  });

  it('on a socket as well', async () => {
    for (const mode of ['open', 'rag']) {
      const [one, two] = [await newUser(mode), await newUser(mode)];
      const socket = await openWebSocket(`${server.url}/ws/${two.userId}`);
      let [before, beforeThere]: Part[][] = [[], []];
      for (const turn of turns.filter((each) => (each.mode ?? 'open') === mode)) {
        const said = await streamed(turn, one.id, turn.ask(before ?? [], one.fileId));
        const asked = turn.ask(beforeThere ?? [], two.fileId);
        const there = await onSocket(turn, { socket, id: two.id }, asked);
        expect(withoutIds(there.parts), turn.name).toEqual(withoutIds(said.parts));
        expect(there.end['valid'], turn.name).toBe(turn.valid);
        [before, beforeThere] = [said.parts, there.parts];
      }
      socket.close();
    }
  });
});

async function everyReading(turn: Turn, id: string, { turnId, events, parts }: Said) {
  const at = (path: string) => request<Record<string, MessageJson>>(server.url + path);
  const { json: shown } = await at(`/turns/${turnId}`);
  const { message, user_message: question } = shown;
  expect(message && partsInJson(message), turn.name).toEqual(parts);
  expect(message?.valid, turn.name).toBe(turn.valid);
  expect(
    question?.parts?.map(({ type }) => type),
    turn.name,
  ).toEqual(turn.question);
  expect(shown['steering'], turn.name).toBeUndefined();
  const end = asRecord(parseJson(events.at(-2)?.data ?? ''));
  expect(end['message'], turn.name).toEqual(message);
  expect(end['valid'], turn.name).toBe(turn.valid);
  const { json: list } = await request<MessageJson[]>(`${server.url}/conversations/${id}/messages`);
  expect(list.at(-1), turn.name).toEqual(message);
  expect(list.at(-2)?.parts, turn.name).toEqual(question?.parts);
  const ids = events.flatMap((event) => (event.hasOwnId ? [event.id] : []));
  const replayed = await openStream(`${server.url}/turns/${turnId}/events`);
  expect(partsIn((await replayed.collect()).events), turn.name).toEqual(parts);
  for (const [index, cursor] of ids.slice(0, -1).entries()) {
    const headers = { 'last-event-id': cursor };
    const rest = await openStream(`${server.url}/turns/${turnId}/events`, { headers });
    const whole = [...events.slice(0, index + 1), ...(await rest.collect()).events];
    expect(partsIn(whole), `${turn.name}, after event ${index}`).toEqual(parts);
    await textAfter(id, cursor, { turn, parts, had: partsIn(events.slice(0, index + 1)) });
  }
}

/** Reads the rest as text: the text, and what its reader has to know besides. */
async function textAfter(
  id: string,
  cursor: string,
  { turn, parts, had }: { turn: Turn; parts: Part[]; had: Part[] },
) {
  const path = `${server.url}/chat/conversations/${id}/stream`;
  const stream = await openStream(path, { headers: { 'last-event-id': cursor } });
  const { events } = await stream.collect();
  const text = events.filter(({ type }) => type === 'message').map(({ data }) => data);
  const textIn = (some: Part[]) =>
    some.flatMap((part) => (part.type === 'text' ? [asText(part['text'])] : [])).join('');
  expect(textIn(had) + text.slice(0, -1).join(''), turn.name).toBe(textIn(parts));
  const told = (some: Part[]) =>
    some.filter(({ type }) => type === 'steered' || type === 'tool_approval').length;
  const named = events.filter(({ type }) => type === 'steered' || type === 'tool.approval');
  expect(named.length, turn.name).toBe(told(parts) - told(had));
}
