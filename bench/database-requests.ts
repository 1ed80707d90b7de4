/** Counts the requests to the database with a proxy between the server and `sqld`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expectedText, modelName } from './answer.ts';
import { median, type Measured } from './figures.ts';
import { runLoad, type Rig } from './rig.ts';
import type { Server } from './servers.ts';
import { createConversation, post, QUESTION, turnIn, type TurnRequest } from './turns.ts';

const TURNS = 9;
/** A pause after each turn, so that its requests are not counted with the next one. */
const PAUSE_MS = 150;
/** A short turn, which ends before the first checkpoint. */
const ANSWER = { tokens: 20, paceMs: 2 };
const MODEL = modelName(ANSWER);

/**
 * Counts a turn in an existing conversation, one in a new conversation, the second one of a client
 * of chat completions, and one that answers from documents.
 */
export async function databaseRequests(rig: Rig, server: Server): Promise<Measured> {
  if (!server.database) return {};
  const conversation = await createConversation(server, 'bench-database');
  const plain = await count(rig, server, times(turnIn(conversation, MODEL)));
  const started = await count(rig, server, times(newConversationTurn()));
  const histories = await countHistories(rig, server);
  const documents = await countRag(rig, server);
  return {
    requestsBefore: plain.before,
    requestsAll: plain.all,
    newBefore: started.before,
    newAll: started.all,
    historyBefore: histories.before,
    historyAll: histories.all,
    ragBefore: documents?.before ?? Number.NaN,
    ragAll: documents?.all ?? Number.NaN,
  };
}

function newConversationTurn(): TurnRequest {
  const body = {
    user_id: 'bench-database',
    message: QUESTION,
    model: `openai/${MODEL}`,
    stream: true,
  };
  return { path: '/conversations', body: JSON.stringify(body) };
}

/** Counts turns of clients that know no ids, and send what was said before. */
async function countHistories(rig: Rig, server: Server): Promise<Requests> {
  const counts: Requests[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const asked = { model: `openai/${MODEL}`, user: `bench-history-${turn}` };
    const first = { role: 'user', content: QUESTION };
    const path = '/v1/chat/completions';
    await post(server, path, { ...asked, messages: [first] });
    await sleep(PAUSE_MS);
    await rig.upstream.ask({});
    await server.database?.ask({ kind: 'report' });
    const answer = { role: 'assistant', content: expectedText(ANSWER.tokens) };
    const next = { role: 'user', content: 'And two more?' };
    await post(server, path, { ...asked, messages: [first, answer, next] });
    await sleep(PAUSE_MS);
    const report = await rig.upstream.ask({});
    const [call] = report.kind === 'report' ? report.calls : [];
    const log = (await server.database?.ask({ kind: 'report' }))?.requests ?? [];
    const before = log.filter(({ arrivedAt }) => arrivedAt < (call?.arrivedAt ?? Number.NaN));
    counts.push({ before: before.length, all: log.length });
  }
  return {
    before: median(counts.map(({ before }) => before)) ?? Number.NaN,
    all: median(counts.map(({ all }) => all)) ?? Number.NaN,
  };
}

/** Returns undefined if documents are not served. */
async function countRag(rig: Rig, server: Server): Promise<Requests | undefined> {
  const userId = 'bench-documents';
  const text = 'What one more token costs depends on the streams that it crosses.\n\n'.repeat(20);
  try {
    await post(server, '/documents', { user_id: userId, title: 'Costs', text });
  } catch (error) {
    console.error(`no rag turn was measured: ${String(error)}`);
    return undefined;
  }
  // Each turn has a conversation of its own, because a follow-up question is first rewritten by
  // another call of the model.
  const turns: TurnRequest[] = [];
  while (turns.length < TURNS)
    turns.push(turnIn(await createConversation(server, userId, 'rag'), MODEL));
  return count(rig, server, turns);
}

function times(turn: TurnRequest): TurnRequest[] {
  return Array.from({ length: TURNS }, () => turn);
}

type Requests = { before: number; all: number };

/**
 * Returns medians over a few turns: the requests before the model was called, and those until the
 * next turn.
 */
async function count(rig: Rig, server: Server, turns: TurnRequest[]): Promise<Requests> {
  await rig.upstream.ask({});
  await server.database?.ask({ kind: 'report' });
  const run = await runLoad({ rig, server, answer: ANSWER, turns, spreadMs: PAUSE_MS });
  await sleep(PAUSE_MS);
  const report = await rig.upstream.ask({});
  const calls = report.kind === 'report' ? report.calls : [];
  const log = (await server.database?.ask({ kind: 'report' }))?.requests ?? [];
  const between = (from: number, to: number): number =>
    log.filter(({ arrivedAt }) => arrivedAt >= from && arrivedAt < to).length;
  const sent = run.turns.map(({ sentAt }) => sentAt);
  const before = sent.map((at, index) => between(at, calls[index]?.arrivedAt ?? Number.NaN));
  const all = sent.map((at, index) => between(at, sent[index + 1] ?? Number.POSITIVE_INFINITY));
  return { before: median(before) ?? Number.NaN, all: median(all) ?? Number.NaN };
}
