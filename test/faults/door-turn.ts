/** A turn at one of the doors, and what must be left of it: one turn, and one bill. */
import { setTimeout as sleep } from 'node:timers/promises';
import { listen, type Listening } from '../support/doors/listening.ts';
import { say, type Call, type Chat, type Door } from '../support/doors/door.ts';
import { DOORS, responsesSocket } from '../support/doors/speaking.ts';
import type { Behaviour } from '../support/upstream.ts';
import type { Rounds } from './case.ts';
import { mustBeConsistent } from './invariants.ts';
import type { StoredMessage } from './client.ts';
import { awkwardMessage, awkwardTokens } from './texts.ts';
import { must, mustEqual } from './violation.ts';
import { ownOf, type World } from './world.ts';

/** The doors at which a conversation can begin. */
export const BEGINNINGS = [...DOORS.filter(({ begins }) => begins), responsesSocket];

export interface DoorTurn {
  door: Door;
  chat: Chat;
  call: Call;
  message: string;
  /** All that the model says. */
  whole: string;
  /** The same in the pieces in which it says it. */
  said: readonly string[];
}

/** Makes a turn that can be asked for. */
export function doorTurn(
  { random }: Rounds,
  world: World,
  { door, tokens = 6, ...behaviour }: { door: Door; tokens?: number } & Omit<Behaviour, 'tokens'>,
): DoorTurn {
  const said = awkwardTokens(random, tokens);
  const model = world.model({ tokens: said, ...behaviour }) ?? '';
  const chat: Chat = { user: random.word(), model, name: random.word(), said: [] };
  const message = awkwardMessage(random);
  const call = door.call(chat, message);
  return { door, chat, call, message, whole: said.join(''), said };
}

/** Asks for a turn, for the first time. */
export function ask(url: string, { door, call }: DoorTurn): Promise<Listening> {
  return say(url, door, call);
}

/** Asks again as the client does by itself. */
export function askAgain(
  url: string,
  { door, call }: DoorTurn,
  headers: Record<string, string> = {},
): Promise<Listening> {
  return say(url, door, call, { ...door.again, ...headers });
}

/**
 * Comes back as a client that does not ask again: after the events that it has.
 * @returns undefined for a door whose clients ask again, and for a client that knows no turn
 */
export async function goOn(
  url: string,
  { door }: DoorTurn,
  { turnId, events }: Pick<Listening, 'turnId' | 'events'>,
): Promise<Listening | undefined> {
  if (!door.back || turnId === '') return undefined;
  const { path, hear } = door.back(turnId, events);
  return listen(url + path, {}, hear);
}

/**
 * Checks that there is one turn for all that was asked, which the model was called for once and
 * which is in the ledger once.
 * @returns the stored answer
 */
export async function mustBeOneTurn(
  rounds: Rounds,
  world: World,
  turn: DoorTurn,
  settleMs = 10_000,
): Promise<StoredMessage> {
  const { client } = world;
  const { chat, message, whole } = turn;
  const listed = await client.call(`/conversations?user_id=${chat.user}`);
  const found = [...listed.text.matchAll(/"conversation_id":"([^"]+)"/gu)].map(([, id = '']) => id);
  mustEqual(found.length, 1, 'conversations of one request');
  const [conversationId = ''] = found;
  await mustSettle(world, conversationId, settleMs);
  const answers = new Map([[message, whole]]);
  const expected = { conversationId, acknowledged: [message], answers, settleMs };
  const messages = await mustBeConsistent(client, expected, rounds.random);
  const [answer, ...others] = messages.filter(({ role }) => role === 'assistant');
  must(answer !== undefined && others.length === 0, `${others.length + 1} answers to one request`);
  mustEqual(ownOf(world).calls(chat.model), 1, 'calls of the model');
  const usage = await client.usage({ id: conversationId, userId: chat.user });
  mustEqual(usage?.turns, 1, 'turns in the ledger');
  return answer;
}

/** Waits until no turn runs in a conversation, whoever asked for it. */
async function mustSettle({ client }: World, id: string, settleMs: number): Promise<void> {
  const deadline = Date.now() + settleMs;
  for (;;) {
    const { path } = await client.tree(id);
    if (path.every(({ status }) => status !== 'streaming')) return;
    must(Date.now() < deadline, `a turn has no terminal state after ${settleMs} ms`);
    await sleep(50);
  }
}
