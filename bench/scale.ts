/**
 * Checks whether a full database is slower than an empty one: 100,000 conversations of 1,000 users
 * with 2 million messages in a file, and the same calls on a database with one user and 20
 * conversations. Takes a few minutes and about a gigabyte in the temporary folder. It is not part
 * of `npm run bench`.
 *
 * node bench/scale.ts [conversations] [messages in each]
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId } from '../src/core/ids.ts';
import { connectFile } from '../src/host/node/database/libsql-file.ts';
import { migrateFromFolder } from '../src/host/node/database/open.ts';
import { claimTurn } from '../src/store/turns/claim-turn.ts';
import { ANYONE } from '../src/core/principal.ts';
import { listConversations } from '../src/store/conversations.ts';
import { readTranscript } from '../src/store/transcript.ts';
import type { Database } from '../src/store/database.ts';
import { endTurn } from '../src/store/turns/end-turn.ts';
import { readTurn } from '../src/store/turns/read.ts';
import { sweep } from '../src/store/turns/sweep.ts';
import { median, percentile } from './figures.ts';

const [conversations = 100_000, messages = 20] = process.argv.slice(2).map(Number);
const USERS = 1_000;
const SMALL = { conversations: 20, messages, users: 1 };
/** Conversations filled in one transaction. */
const STEP = 1_000;
const CALLS = 200;
const LEASE_MS = 15_000;
const WORDS = 'It depends on what each token crosses on its way from the model to the client. ';

type Size = { conversations: number; messages: number; users: number };
type Call = (db: Database, size: Size) => Promise<unknown>;

function conversationId(number: number): string {
  return `conversation-${String(number).padStart(10, '0')}`;
}

/** Creates the conversations by SQL, alternating between the users. */
async function fill(db: Database, size: Size): Promise<void> {
  for (let from = 0; from < size.conversations; from += STEP) {
    const to = Math.min(from + STEP, size.conversations);
    const numbers = `WITH RECURSIVE n(n) AS (SELECT ${from} UNION ALL SELECT n + 1 FROM n WHERE n + 1 < ${to})`;
    const id = `printf('conversation-%010d', n)`;
    const parts = JSON.stringify([{ type: 'text', text: WORDS.repeat(2) }]).slice(1, -1);
    await db.batch(
      [
        {
          sql: `INSERT INTO conversations (id, user_id, title, mode, message_count, created_at, updated_at)
            ${numbers} SELECT ${id}, 'user-' || (n % CAST(? AS INTEGER)), 'A title', 'open', ?, n, n FROM n`,
          args: [size.users, size.messages],
        },
        {
          sql: `INSERT INTO messages (id, conversation_id, turn_id, role, status, sequence_number, parts, text_length, created_at)
            ${numbers}, s(s) AS (SELECT 1 UNION ALL SELECT s + 1 FROM s WHERE s < CAST(? AS INTEGER))
            SELECT ${id} || '-' || s, ${id}, ${id} || '-turn-' || (s / 2), CASE s % 2 WHEN 1 THEN 'user' ELSE 'assistant' END, 'complete', s, ?, 158, n FROM n, s`,
          args: [size.messages, parts],
        },
      ],
      'write',
      60_000,
    );
  }
}

function anyConversation({ conversations }: Size): { id: string; number: number } {
  const number = Math.floor(Math.random() * conversations);
  return { id: conversationId(number), number };
}

const CALLS_TO_TIME: Record<string, Call> = {
  'list 20 conversations of a user': (db, { users }) =>
    listConversations(db, { userId: `user-${Math.floor(Math.random() * users)}`, limit: 20 }),
  'read a conversation': (db, size) =>
    readTranscript(db, {
      id: anyConversation(size).id,
      principal: ANYONE,
      slice: { newest: 1_000 },
      leaseMs: LEASE_MS,
    }),
  'accept a turn and store its end': turn,
  'sweep what dead owners left': (db) => sweep(db, LEASE_MS),
};

async function turn(db: Database, size: Size): Promise<void> {
  const { id, number } = anyConversation(size);
  const ids = {
    turnId: newId(),
    assistantMessageId: newId(),
    instanceId: 'bench',
    answerClientId: null,
  };
  const text = 'What does it cost to stream one more token?';
  const messageId = newId();
  const verdict = await claimTurn(
    db,
    {
      ...ids,
      conversationId: id,
      principal: { kind: 'anyone', userId: `user-${number % size.users}` },
      input: {
        ...{ kind: 'message', messageId, parts: [{ type: 'text', text }] },
        ...{
          textLength: text.length,
          tokens: 9,
          parentId: undefined,
          parentMayBeQuestion: false,
          clientId: null,
          historyHash: null,
        },
      },
      ...{ title: 'x', model: null, defaultModel: 'offline' },
    },
    { leaseMs: LEASE_MS, windowMessages: 20 },
  );
  if (verdict.kind !== 'accepted') throw new Error(`a turn was ${verdict.kind}`);
  const { sequenceNumber, acceptedAt, conversation, prompt, siblings } = verdict;
  const head = {
    turnId: ids.turnId,
    conversationId: id,
    created: false,
    title: conversation.title,
    model: 'offline',
    userMessage: { ...prompt, id: messageId, text },
    assistantMessage: { id: ids.assistantMessageId, sequenceNumber, siblings },
    acceptedAt,
    conversationCreatedAt: conversation.createdAt,
  };
  const counts = { inputTokens: 9, outputTokens: 40, tokensEstimated: false };
  const times = { firstTokenMs: 1, durationMs: 2 };
  const ending = { status: 'complete', finishReason: 'stop', model: 'offline' } as const;
  const parts = [{ type: 'text' as const, text: WORDS.repeat(2) }];
  const whole = { ...ending, parts, ...counts, ...times, tokenRatio: null };
  await endTurn(db, { head, instanceId: 'bench', ending: whole, calls: [], retryForMs: 1_000 });
  await readTurn(db, { turnId: ids.turnId, principal: ANYONE, leaseMs: LEASE_MS });
}

async function timed(db: Database, size: Size, call: Call): Promise<number[]> {
  const times: number[] = [];
  for (let count = 0; count < CALLS; count++) {
    const startedAt = performance.now();
    await call(db, size);
    times.push(performance.now() - startedAt);
  }
  return times;
}

const folder = mkdtempSync(join(tmpdir(), 'parley-scale-'));
try {
  const sizes = { small: SMALL, large: { conversations, messages, users: USERS } };
  const figures: Record<string, { small?: number[]; large?: number[] }> = {};
  for (const [name, size] of Object.entries(sizes)) {
    const path = join(folder, `${name}.db`);
    const db = connectFile(`file:${path}`);
    await migrateFromFolder(db);
    await fill(db, size);
    const count = size.conversations * size.messages;
    console.error(`${name}: ${count} messages, ${Math.round(statSync(path).size / 2 ** 20)} MiB`);
    for (const [what, call] of Object.entries(CALLS_TO_TIME)) {
      await call(db, size);
      (figures[what] ??= {})[name === 'small' ? 'small' : 'large'] = await timed(db, size, call);
    }
    db.close();
  }
  console.log(
    '| | small: ms p50 | large: ms p50 | p99 | large / small |\n| --- | --- | --- | --- | --- |',
  );
  for (const [what, { small = [], large = [] }] of Object.entries(figures)) {
    const [before = Number.NaN, after = Number.NaN] = [median(small), median(large)];
    const p99 = percentile(large, 0.99) ?? Number.NaN;
    console.log(
      `| ${what} | ${before.toFixed(2)} | ${after.toFixed(2)} | ${p99.toFixed(2)} | ${(after / before).toFixed(2)} |`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
