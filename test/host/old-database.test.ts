/**
 * A database that was made before messages were a tree: it is brought up to date by the start, and
 * nothing in it is lost.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServerProcess } from '../support/child-process.ts';
import { request, type RequestInit } from '../support/http.ts';
import { removeDirectory, repository, temporaryDirectory } from '../support/places.ts';
import { openStream } from '../support/sse.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { addressOf, startProgram } from './program.ts';

/** The migrations that there were when every conversation was one line. */
const OLD_MIGRATIONS = [
  '0000_core',
  '0001_documents',
  '0002_search',
  '0003_no_stale_index',
  '0004_checkpoints',
];

const NOW = Date.now();
const LINE = '01932f3e-7c1a-7000-8000-000000000001';
const LOST = '01932f3e-7c1a-7000-8000-000000000002';
const EMPTY = '01932f3e-7c1a-7000-8000-000000000003';
const TITLES = { [LINE]: 'Old line', [LOST]: 'Lost turn', [EMPTY]: null };

/** Ids that say where they belong; a turn's last six digits are the tag of its cursors. */
const idOf = (kind: string, conversation: string, number: number) =>
  `01932f3e-7c1a-7${kind}-8000-${conversation.slice(-2)}${String(number).padStart(4, '0')}000000`;
const turnId = (conversation: string, number: number) => idOf('aaa', conversation, number);
const messageId = (conversation: string, number: number) => idOf('bbb', conversation, number);

interface OldAnswer {
  question: string;
  answer: string;
  status: string;
  error?: { code: string; detail: string };
}

const LINE_TURNS: OldAnswer[] = [
  { question: 'What is one?', answer: 'One is the first.', status: 'complete' },
  {
    question: 'And two?',
    answer: '',
    status: 'failed',
    error: { code: 'model_unavailable', detail: 'AI service temporarily unavailable' },
  },
  { question: 'And three?', answer: 'Three is next.', status: 'complete' },
];
const LOST_TURNS: OldAnswer[] = [
  { question: 'Where were we?', answer: 'We were he', status: 'streaming' },
];

/** The request that made the third turn, with its key. */
const KEYED = { user_id: 'old-user', message: 'And three?' };
const KEY = 'old-key';

/** Makes the file as the program did that had these migrations. */
function makeOldDatabase(path: string): void {
  const db = new Libsql(path);
  db.exec('CREATE TABLE parley_migrations (name TEXT PRIMARY KEY, applied_at INTEGER NOT NULL)');
  for (const name of OLD_MIGRATIONS) {
    const sql = readFileSync(join(repository, 'migrations', `${name}.sql`), 'utf8');
    for (const text of sql.split('--> statement-breakpoint')) db.exec(text);
    db.prepare('INSERT INTO parley_migrations VALUES (?, ?)').run(name, NOW);
  }
  addConversation(db, LINE, LINE_TURNS);
  addConversation(db, LOST, LOST_TURNS);
  addConversation(db, EMPTY, []);
  const asked = ['POST', `/conversations/${LINE}/messages`, '', JSON.stringify(KEYED)].join('\n');
  const fingerprint = createHash('sha256').update(asked).digest('hex');
  db.prepare('INSERT INTO idempotency_keys VALUES (?, ?, ?, ?, ?)').run(
    ...[KEYED.user_id, KEY, fingerprint, turnId(LINE, 3), NOW],
  );
  db.close();
}

function addConversation(db: Libsql.Database, id: string, turns: OldAnswer[]): void {
  const title = TITLES[id as keyof typeof TITLES];
  db.prepare(
    `INSERT INTO conversations (id, user_id, title, mode, model, message_count, created_at, updated_at)
      VALUES (?, 'old-user', ?, 'open', NULL, ?, ?, ?)`,
  ).run(id, title, turns.length * 2, NOW - 60_000, NOW - 60_000);
  turns.forEach((turn, index) => addTurn(db, id, { ...turn, number: index + 1 }));
}

function addTurn(db: Libsql.Database, id: string, turn: OldAnswer & { number: number }): void {
  const { number, question, answer, status, error } = turn;
  const sequence = number * 2;
  const asked = messageId(id, sequence - 1);
  const answered = messageId(id, sequence);
  const state = status === 'streaming' ? 'running' : 'ended';
  db.prepare(
    `INSERT INTO turns (id, conversation_id, owner_id, state, sequence_number, user_message_id, assistant_message_id,
        model, created, heartbeat_at, error, started_at, ended_at)
      VALUES (?, ?, 'gone', ?, ?, ?, ?, 'openai/old', ?, ?, ?, ?, ?)`,
  ).run(
    ...[turnId(id, number), id, state, sequence, asked, answered, number === 1 ? 1 : 0],
    ...[NOW - 50_000, error ? JSON.stringify(error) : null, NOW - 60_000, NOW - 50_000],
  );
  const insert = db.prepare(
    `INSERT INTO messages (id, conversation_id, turn_id, role, status, sequence_number, parts, text_length, model,
        output_tokens, tokens_estimated, finish_reason, created_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?)`,
  );
  const parts = (text: string) => (text === '' ? '' : JSON.stringify({ type: 'text', text }));
  insert.run(
    ...[asked, id, turnId(id, number), 'user', 'complete', sequence - 1, parts(question)],
    ...[question.length, null, 5, null, NOW - 60_000],
  );
  insert.run(
    ...[answered, id, turnId(id, number), 'assistant', status, sequence, parts(answer)],
    ...[answer.length, 'openai/old', 7, status === 'complete' ? 'stop' : null, NOW - 60_000],
  );
}

interface Message {
  id: string;
  role: string;
  content: string;
  status: string;
  sequence_number: number;
  parent_id: string | null;
  siblings: { index: number; count: number };
}

interface Conversation {
  title: string | null;
  message_count: number;
  head_message_id: string | null;
  messages: Message[];
}

let folder: string;
let upstream: Upstream;
let program: ServerProcess;
let url: string;

beforeAll(async () => {
  folder = temporaryDirectory('old');
  makeOldDatabase(join(folder, 'parley.db'));
  upstream = await startUpstream();
  program = startProgram('start', {
    ...upstream.env,
    PORT: '0',
    DATABASE_URL: `file:${join(folder, 'parley.db')}`,
    DEFAULT_MODEL: 'openai/new',
    TURN_LEASE_MS: '3000',
  });
  url = await addressOf(program);
});

afterAll(async () => {
  await program.kill();
  await upstream.close();
  removeDirectory(folder);
});

const call = <Body>(path: string, init?: RequestInit) => request<Body>(url + path, init);
const read = async (id: string) => (await call<Conversation>(`/conversations/${id}`)).json;

/** What the old program would have shown of a conversation, as a tree of one line. */
function lineOf(id: string, turns: OldAnswer[]) {
  const shown = turns.flatMap(({ question, answer, status }) => [
    { role: 'user', content: question, status: 'complete' },
    { role: 'assistant', content: answer, status },
  ]);
  return shown.map((message, index) => ({
    ...message,
    id: messageId(id, index + 1),
    sequence_number: index + 1,
    parent_id: index === 0 ? null : messageId(id, index),
    siblings: { index: 1, count: 1 },
  }));
}

describe('before anything is said', () => {
  it('lists the conversations with their titles and lengths', async () => {
    const { json } = await call<object[]>('/conversations?user_id=old-user');
    expect(json).toMatchObject([
      { conversation_id: EMPTY, title: null, message_count: 0, head_message_id: null },
      { conversation_id: LOST, title: 'Lost turn', message_count: 2 },
      { conversation_id: LINE, title: 'Old line', message_count: 6 },
    ]);
  });

  it('shows each message where it was, after the one before it', async () => {
    const stored = await read(LINE);
    expect(stored.head_message_id).toBe(messageId(LINE, 6));
    expect(stored.messages).toMatchObject(lineOf(LINE, LINE_TURNS));
    const { json } = await call<Message[]>(`/conversations/${LINE}/messages?tree=true`);
    expect(json).toEqual(stored.messages);
  });

  it('ends the turn that ran when the old program stopped, and keeps its text', async () => {
    const turns = LOST_TURNS.map((turn) => ({ ...turn, status: 'interrupted' }));
    expect((await read(LOST)).messages).toMatchObject(lineOf(LOST, turns));
    const { json } = await call(`/turns/${turnId(LOST, 1)}`);
    expect(json).toMatchObject({ status: 'interrupted', error: { code: 'turn_lost' } });
  });

  it('finds old turns, with their failures', async () => {
    const { json } = await call(`/turns/${turnId(LINE, 2)}`);
    expect(json).toMatchObject({ status: 'failed', error: { code: 'model_unavailable' } });
    const stream = await openStream(`${url}/turns/${turnId(LINE, 1)}/events`);
    const { events } = await stream.collect();
    expect(JSON.parse(events[0]?.data ?? 'null')).toMatchObject({
      conversation_id: LINE,
      user_message: { id: messageId(LINE, 1), sequence_number: 1 },
      assistant_message: { id: messageId(LINE, 2), sequence_number: 2 },
    });
    expect(events.map(({ type }) => type)).toContain('turn.completed');
  });

  it('goes on after cursors that the old program gave out', async () => {
    const path = `/conversations/${LINE}/stream?message=x`;
    const rest = await openStream(url + path, { lastEventId: 'AAAA6.6' });
    const { events } = await rest.collect();
    const [delta] = events.filter(({ type }) => type === 'message.delta');
    expect(JSON.parse(delta?.data ?? 'null')).toEqual({ text: 'is next.' });
    expect((await openStream(url + path, { lastEventId: 'AAAA6.-' })).status).toBe(204);
  });

  it('knows old idempotency keys', async () => {
    const path = `/conversations/${LINE}/messages`;
    const headers = { 'idempotency-key': KEY };
    const same = await call(path, { headers, json: KEYED });
    expect(same.headers['x-turn-id']).toBe(turnId(LINE, 3));
    const other = await call(path, { headers, json: { ...KEYED, message: 'And four?' } });
    expect(other).toMatchObject({ status: 409, json: { code: 'idempotency_key_reused' } });
    expect(await read(LINE)).toMatchObject({ message_count: 6 });
  });
});

describe('what is said now', () => {
  const say = (path: string, json: object) => call<{ message: Message }>(path, { json });
  const pathOf = async (id: string) => (await read(id)).messages.map((message) => message.id);

  it('goes on after the last message, and the model is sent what was said before', async () => {
    const { json, status } = await say(`/conversations/${LINE}/messages`, { message: 'And four?' });
    expect(status).toBe(200);
    expect(json.message).toMatchObject({ sequence_number: 8, siblings: { index: 1, count: 1 } });
    const sent = JSON.stringify(
      upstream.requests.findLast(({ method }) => method === 'POST')?.body,
    );
    for (const text of ['What is one?', 'One is the first.', 'And two?', 'Three is next.'])
      expect(sent).toContain(text);
    expect(await pathOf(LINE)).toHaveLength(8);
  });

  it('goes on where a turn was lost, and where nothing was said', async () => {
    for (const [id, sequence_number] of [
      [LOST, 4],
      [EMPTY, 2],
    ] as const) {
      const { json } = await say(`/conversations/${id}/messages`, { message: 'Go on' });
      expect(json.message).toMatchObject({ sequence_number, status: 'complete' });
    }
  });

  it('answers an old question again, beside the answer that failed', async () => {
    const { json } = await say(`/messages/${messageId(LINE, 4)}/regenerate`, {});
    expect(json.message).toMatchObject({
      parent_id: messageId(LINE, 3),
      siblings: { index: 2, count: 2 },
      status: 'complete',
    });
    const before = [1, 2, 3].map((number) => messageId(LINE, number));
    expect(await pathOf(LINE)).toEqual([...before, json.message.id]);
  });

  it('edits an old question, also the first', async () => {
    const { json } = await say(`/messages/${messageId(LINE, 1)}/edit`, { message: 'What is 1?' });
    const [asked, answered] = (await read(LINE)).messages;
    expect(asked).toMatchObject({ parent_id: null, siblings: { index: 2, count: 2 } });
    expect(answered?.id).toBe(json.message.id);
  });

  it('branches off an old answer', async () => {
    const parent_message_id = messageId(LINE, 2);
    await say(`/conversations/${LINE}/messages`, { message: 'And 2?', parent_message_id });
    const [first, second, asked] = (await read(LINE)).messages;
    expect([first?.id, second?.id]).toEqual([messageId(LINE, 1), messageId(LINE, 2)]);
    expect(asked).toMatchObject({ content: 'And 2?', siblings: { index: 2, count: 2 } });
  });

  it('switches back to the old line, copies it and deletes a part of it', async () => {
    const head_message_id = messageId(LINE, 6);
    const path = `/conversations/${LINE}`;
    await call(path, { method: 'PATCH', json: { head_message_id } });
    const line = (await read(LINE)).messages;
    expect(line.slice(0, 6)).toMatchObject(lineOf(LINE, LINE_TURNS).map(({ id }) => ({ id })));
    const { json: fork } = await call<{ conversation_id: string }>(`${path}/fork`, {
      json: { message_id: head_message_id },
    });
    const contents = line.slice(0, 6).map(({ content }) => content);
    const copies = (await read(fork.conversation_id)).messages;
    expect(copies.map(({ content }) => content)).toEqual(contents);
    const gone = await call(`/messages/${messageId(LINE, 5)}`, { method: 'DELETE' });
    expect(gone.status).toBe(200);
    expect(await pathOf(LINE)).not.toContain(messageId(LINE, 6));
  });
});
