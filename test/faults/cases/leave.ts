/**
 * Clients that go away and come back: nothing changes for the turn, and nothing is missing or twice
 * for the client.
 */
import { request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultCase, Rounds } from '../case.ts';
import { Client, partsOf, textOf, toldBy, type Ask, type Told } from '../client.ts';
import { openStream, type SseEvent } from '../../support/sse.ts';
import { mustAgree, mustBeConsistent } from '../invariants.ts';
import { awkwardMessage, awkwardTokens } from '../texts.ts';
import { must, mustEqual } from '../violation.ts';
import { ownOf, type World } from '../world.ts';

const TOKENS = 10;

const atEveryEvent: FaultCase = {
  name: 'leave-event-k',
  what: 'the client goes at event k, for every k, and comes back with its cursor again and again',
  runtimes: ['node', 'workerd'],
  remote: true,
  async run(rounds) {
    const world = await rounds.world();
    await leaveAtEach(rounds, world, [world.client]);
  },
};

const throughAnother: FaultCase = {
  name: 'leave-to-another-process',
  what: 'the same, coming back to another process on the same database',
  runtimes: ['node'],
  async run(rounds) {
    const world = await rounds.world();
    const other = new Client((await ownOf(world).another()).url);
    await leaveAtEach(rounds, world, [other, world.client]);
  },
};

async function leaveAtEach(rounds: Rounds, world: World, servers: Client[]): Promise<void> {
  const times = rounds.quick ? 1 : 6;
  for (let time = 0; time < times; time += 1) {
    const names = Array.from({ length: TOKENS + 3 }, (_, k) => `event ${k}`);
    await rounds.together(names, 5, (name) =>
      leaveAndReturn(rounds, world, { k: Number(name.slice(6)), servers }),
    );
  }
}

async function leaveAndReturn(
  rounds: Rounds,
  world: World,
  { k, servers }: { k: number; servers: Client[] },
): Promise<void> {
  const { random } = rounds;
  const { client } = world;
  const between = 30 + random.below(60);
  const { ask, whole } = await (random.below(3) === 0
    ? newAskWithParts(rounds, world, between)
    : newAsk(rounds, world, between));
  const stream = await client.openTurn(ask);
  mustEqual(stream.status, 200, 'status of a stream');
  const turnId = String(stream.headers['x-turn-id']);
  const beside = Promise.all(servers.map((server) => server.follow(turnId)));
  await eventsAtLeast(stream, k);
  stream.close();
  const first = toldBy(stream);
  const events = await returnUntilDone(rounds, { turnId, first, servers });
  const state = await client.ended(turnId, 10_000);
  mustEqual(state.status, 'complete', 'the turn that the client left');
  if (whole !== undefined) mustEqual(state.message.content, whole, 'the stored text');
  const text = textOf(events);
  mustEqual(text, state.message.content, 'the text of a client that left and came back (I4)');
  for (const told of await beside) {
    mustAgree(told, state.message);
    mustEqual(partsOf(events), partsOf(told.events), 'the parts that two readers have (I4)');
  }
  const settleMs = 5_000;
  await mustBeConsistent(client, { ...ask, acknowledged: [ask.message], settleMs }, random);
}

export async function newAsk({ random }: Rounds, world: World, between: number, body = {}) {
  const tokens = awkwardTokens(random, TOKENS);
  const model = world.model({ tokens, delayMs: { first: between, between } });
  const userId = random.word();
  const conversationId = await world.client.createConversation(userId);
  const ask: Ask & { conversationId: string } = {
    conversationId,
    userId,
    message: awkwardMessage(random),
    model,
    body,
  };
  return { ask, whole: world.own ? tokens.join('') : undefined };
}

/** An answer of many parts: the model thinks, looks something up, and speaks. */
async function newAskWithParts(rounds: Rounds, world: World, between: number) {
  const plain = await newAsk(rounds, world, between);
  if (!world.own) return plain;
  const { random } = rounds;
  const { ask } = plain;
  // There must be something to look up.
  const document = { user_id: ask.userId, text: 'Hello from a document. It says hello.' };
  const added = await world.client.call('/documents', { json: document });
  mustEqual(added.status, 200, 'POST /documents');
  const tokens = awkwardTokens(random, 5);
  const input = { query: `hello ${awkwardTokens(random, 1).join('')}` };
  const behaviour = {
    tokens,
    reasoning: awkwardTokens(random, 3),
    toolCalls: [[{ name: 'search_documents', input }]],
    delayMs: { first: between, between },
  };
  const model = world.model(behaviour, 'groq');
  return { ask: { ...ask, model }, whole: tokens.join('') };
}

async function eventsAtLeast(stream: Awaited<ReturnType<Client['openTurn']>>, count: number) {
  const over = () => stream.events.at(-1)?.type === 'done';
  for (let tries = 0; stream.events.length < count && !over() && tries < 3_000; tries += 1) {
    await sleep(3);
  }
}

/** Reads on from cursor to cursor, each time for one or a few events; answers all of them. */
async function returnUntilDone(
  { random }: Rounds,
  { turnId, first, servers }: { turnId: string; first: Told; servers: Client[] },
): Promise<SseEvent[]> {
  const all = [...first.events];
  let cursor = first.events.findLast((event) => event.hasOwnId)?.id ?? '';
  for (let time = 0; time < 40; time += 1) {
    const server = servers[time % servers.length] ?? servers[0];
    must(server !== undefined, 'no server');
    const stream = await openStream(`${server.url}/turns/${turnId}/events`, {
      lastEventId: cursor,
    });
    if (stream.status === 204) return all;
    mustEqual(stream.status, 200, 'status of a resume');
    await eventsAtLeast(stream, 1 + random.below(3));
    stream.close();
    const { events } = stream;
    must(cursor === '' || events[0]?.type !== 'turn.started', 'turn.started again after a cursor');
    all.push(...events);
    cursor = events.findLast((event) => event.hasOwnId)?.id ?? cursor;
    if (events.at(-1)?.type === 'done') return all;
  }
  throw new Error('forty resumes were not enough');
}

const cancels: FaultCase = {
  name: 'leave-cancels',
  what: 'on_disconnect=cancel: the client goes before the answer, at an event, as JSON; and with continue',
  runtimes: ['node', 'workerd'],
  async run(rounds) {
    const world = await rounds.world();
    const times = rounds.quick ? 1 : 5;
    for (let time = 0; time < times; time += 1) {
      const names = ['before the answer', 'event 0', 'event 1', 'event 3', 'JSON continue'];
      // Before the head of its answer workerd does not notice that a client has gone.
      if (rounds.runtime === 'node') names.push('JSON');
      await rounds.together(names, 3, (name) => leaveForGood(rounds, world, name));
    }
  },
};

async function leaveForGood(rounds: Rounds, world: World, how: string): Promise<void> {
  const continues = how.endsWith('continue');
  const body = { on_disconnect: continues ? 'continue' : 'cancel' };
  const { ask } = await newAsk(rounds, world, 250, body);
  const json = how.startsWith('JSON');
  await goAway(world.client, ask, {
    json,
    event: how.startsWith('event') ? Number(how.slice(6)) : -1,
  });
  const [, answer] = await waitForAnswer(world.client, ask.conversationId, 12_000);
  // The request may not have come far enough to be a turn at all.
  if (!answer) return;
  if (continues) mustEqual(answer.status, 'complete', 'the turn that the client left');
  else
    must(
      answer.status === 'cancelled',
      `status ${answer.status} after ${how}, on_disconnect=cancel`,
    );
}

async function waitForAnswer(client: Client, conversationId: string, withinMs: number) {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const messages = await client.messages(conversationId);
    if (messages.length === 0 && Date.now() > deadline - withinMs + 2_000) return messages;
    if (messages[1] && messages[1].status !== 'streaming') return messages;
    must(Date.now() < deadline, 'the turn has no terminal state (I2)');
    await sleep(100);
  }
}

/** @param event close after so many events; -1: after a moment, whatever came */
async function goAway(client: Client, ask: Ask, { json, event }: { json: boolean; event: number }) {
  if (event >= 0) {
    const stream = await client.openTurn(ask);
    await eventsAtLeast(stream, event);
    stream.close();
    return;
  }
  const text = JSON.stringify({
    user_id: ask.userId,
    message: ask.message,
    model: ask.model,
    ...ask.body,
  });
  const outgoing = httpRequest(`${client.url}/conversations/${ask.conversationId}/messages`, {
    method: 'POST',
    agent: false,
    headers: {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      ...(!json && { accept: 'text/event-stream' }),
    },
  });
  outgoing.on('error', () => undefined);
  outgoing.end(text);
  await sleep(json ? 400 : 3);
  outgoing.destroy();
}

export const leaving = [atEveryEvent, throughAnother, cancels];
