/**
 * Requests to the database of a turn at each door of other people's clients: one before the model
 * is called, one when the turn ends, and one more where ids of clients have to be found first.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { say, type Chat, type Door } from '../support/doors/door.ts';
import { DOORS } from '../support/doors/speaking.ts';
import { request } from '../support/http.ts';
import { slow, startCountedServer, type CountedServer } from './counted-server.ts';
import { suiteTarget, unique } from './target.ts';

const { runtime } = suiteTarget();
let counting: CountedServer;

beforeAll(async () => {
  counting = await startCountedServer(runtime);
  // What is loaded when a door is first used says nothing of the database.
  for (const door of begins) await count(door, newChat());
}, 150_000);

afterAll(() => counting.close());

/** On Node the opening and the closing of a socket are noted in the database, too. */
const begins = DOORS.filter(({ begins: isFirst, name }) => isFirst && !name.includes('socket'));

function newChat(): Chat {
  const model = counting.script(slow);
  return { user: unique('user'), model, name: unique('chat'), said: [] };
}

/** Says something, and counts; nothing may follow the end either. */
async function count(door: Door, chat: Chat) {
  const { database, server } = counting;
  database.reset();
  const listening = await say(server.url, door, door.call(chat, 'Hi'));
  expect(await listening.end()).toMatchObject({ text: 'One two', ending: 'whole' });
  await sleep(100);
  const { before, after } = counting.counted(chat.model);
  const { turnId, conversationId } = listening;
  return { counts: { before, after }, turn: { ...chat, turnId, conversationId } };
}

/** Doors that find the place of a message by what else they are sent. */
const LOOKS: Readonly<Record<string, { first: number; next: number }>> = {
  'POST /api/chat': { first: 0, next: 1 },
  'POST /ag-ui': { first: 0, next: 1 },
};

describe.each(begins)('$name', (door) => {
  it('costs one request before the model is called, and one at the end', async () => {
    const { first, next } = LOOKS[door.name] ?? { first: 0, next: 0 };
    const { counts, turn } = await count(door, newChat());
    expect(counts, 'a new conversation').toEqual({ before: 1 + first, after: 1 });
    const model = counting.script(slow);
    const { url } = counting.server;
    const read = await request<{ messages: Chat['said'] }>(
      `${url}/conversations/${turn.conversationId}`,
    );
    const { counts: again } = await count(door, { ...turn, model, said: read.json.messages });
    expect(again, 'an old conversation').toEqual({ before: 1 + next, after: 1 });
  });
});
