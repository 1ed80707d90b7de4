/**
 * kill -9: what had been stored stays, the turn is interrupted, the conversation goes on, and
 * nothing is there twice.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openStream, type OpenStream } from '../../support/sse.ts';
import type { FaultCase, Rounds } from '../case.ts';
import { textOf, toldBy, type Ask } from '../client.ts';
import { mustBeConsistent, mustBeWhole } from '../invariants.ts';
import { awkwardMessage, awkwardTokens } from '../texts.ts';
import { must, mustEqual } from '../violation.ts';
import { ownOf, type World } from '../world.ts';

/** Older than this, text must have been stored: a checkpoint a second, and time to write it. */
const CHECKPOINTED_MS = 2_500;
const TOKENS = 8;

interface Victim {
  ask: Ask & { conversationId: string };
  whole: string;
  /** How many tokens the model says before it is silent; more than there are: it finishes. */
  k: number;
  stream: OpenStream | undefined;
}

const atEveryEvent: FaultCase = {
  name: 'kill-9-event-k',
  what: 'kill -9 while streams stand at event k, for every k, then a start on the same data',
  runtimes: ['node', 'workerd'],
  async run(rounds) {
    const world = await rounds.world();
    // Milliseconds between the last event and the kill: before, around and after checkpoints.
    const waits = rounds.quick ? [0, CHECKPOINTED_MS] : [0, 300, 1_000, CHECKPOINTED_MS, 3_500];
    for (const waitMs of waits) await killAll(rounds, world, waitMs);
  },
};

/** One kill hits a conversation at each event. */
async function killAll(rounds: Rounds, world: World, waitMs: number): Promise<void> {
  const { server } = ownOf(world);
  const victims = await Promise.all(
    Array.from({ length: TOKENS + 2 }, (_, k) => startVictim(rounds, world, k)),
  );
  await Promise.all(victims.map(reach));
  await sleep(waitMs);
  await server.kill();
  await server.restart();
  for (const victim of victims) {
    await rounds.round(`killed ${waitMs} ms after event ${victim.k}`, () =>
      mustSurvive(rounds, world, victim, waitMs),
    );
  }
}

async function startVictim({ random }: Rounds, world: World, k: number): Promise<Victim> {
  const tokens = awkwardTokens(random, TOKENS);
  // Some think first: an answer of more than one part.
  const reasoning = random.below(3) === 0 ? awkwardTokens(random, 3) : [];
  const stall = { fault: { how: 'stall' as const, afterTokens: reasoning.length + k } };
  const behaviour = { tokens, reasoning, ...(k <= TOKENS && stall) };
  const model = world.model(behaviour, reasoning.length > 0 ? 'groq' : 'openai');
  const userId = random.word();
  const conversationId = await world.client.createConversation(userId);
  const message = awkwardMessage(random);
  const ask = { conversationId, userId, message, model, key: random.word() };
  return { ask, whole: tokens.join(''), k, stream: await world.client.openTurn(ask) };
}

/** Waits until the client has all that the model says (a cut pair's half is held back). */
async function reach({ stream, k, whole }: Victim): Promise<void> {
  const deadline = Date.now() + 10_000;
  const wanted = k > TOKENS ? 'done' : k === 0 ? 'turn.started' : 'message.delta';
  await stream?.next(wanted);
  while (k > 0 && stream && Date.now() < deadline) {
    const text = textOf(stream.events);
    if (k >= TOKENS ? text === whole : text.startsWith(whole.slice(0, k))) break;
    await sleep(10);
  }
  await sleep(50);
}

async function mustSurvive({ random }: Rounds, world: World, victim: Victim, waitMs: number) {
  const { client } = world;
  const { ask, whole, k, stream } = victim;
  must(stream !== undefined, 'the turn was not accepted');
  const told = toldBy(stream);
  stream.close();
  const settleMs = world.leaseMs + 5_000;
  const state = await client.ended(told.turnId, settleMs);
  mustEqual(state.status, k > TOKENS ? 'complete' : 'interrupted', 'status after kill -9');
  if (k > TOKENS) mustEqual(state.message.content, whole, 'a complete answer');
  if (waitMs >= CHECKPOINTED_MS)
    mustEqual(state.message.content, told.text, 'text older than a checkpoint');
  must(told.text.startsWith(state.message.content), 'stored text that nobody was sent (I3)');
  await mustResumeAfterCrash(world, told, state.message);
  await mustGiveGoodIds(world, ask, told);
  const retried = await client.streamTurn(ask);
  mustEqual(retried.turnId, told.turnId, 'a retry with the key after the crash (I9)');
  mustBeWhole(retried);
  const next = { ...ask, message: awkwardMessage(random), key: random.word() };
  const model = world.model({ tokens: ['and on'] });
  const after = await client.streamTurn({ ...next, model });
  mustEqual(after.message?.status, 'complete', 'the next turn');
  const acknowledged = [ask.message, next.message];
  const answers = new Map([[ask.message, whole]]);
  const conversationId = ask.conversationId;
  await mustBeConsistent(client, { conversationId, acknowledged, answers, settleMs }, random);
}

/**
 * Whatever cursor a client has, it comes to the stored text: by what is left, or by the terminal
 * event that replaces all.
 */
async function mustResumeAfterCrash(
  { client }: World,
  told: ReturnType<typeof toldBy>,
  stored: { content: string; status: string },
): Promise<void> {
  for (const [at, event] of told.events.entries()) {
    if (!event.hasOwnId) continue;
    const rest = await client.follow(told.turnId, event.id);
    if (rest.status === 204) {
      must(event.type.startsWith('turn.c'), `204 after ${event.type}`);
      continue;
    }
    mustBeWhole(rest, true);
    const before = textOf(told.events.slice(0, at + 1));
    if (stored.content.startsWith(before)) {
      mustEqual(
        before + rest.text,
        stored.content,
        'text before and after a cursor, after a crash',
      );
    } else mustEqual(rest.text, '', 'text after a cursor that is ahead, after a crash');
    mustEqual(rest.message?.content, stored.content, 'the message of the terminal event');
  }
}

/**
 * Each id that an EventSource is given when it comes back after the crash is one that it may come
 * back with again.
 */
async function mustGiveGoodIds(
  { client }: World,
  ask: Victim['ask'],
  told: ReturnType<typeof toldBy>,
) {
  const path = `/conversations/${ask.conversationId}/stream?message=x`;
  const lastEventId = told.events.findLast((event) => event.hasOwnId)?.id ?? '';
  const stream = await openStream(`${client.url}${path}`, { lastEventId });
  await stream.collect();
  const lines = stream.bytes().toString().split('\n');
  for (const line of lines.filter((one) => one.startsWith('id: '))) {
    const id = line.slice(4);
    const again = await openStream(`${client.url}${path}`, { lastEventId: id });
    await again.collect();
    must(
      [200, 204].includes(again.status),
      `status ${again.status} for the id ${id} that was given`,
    );
  }
}

const atAnyMoment: FaultCase = {
  name: 'kill-9-any-moment',
  what: 'kill -9 at a random moment of twenty short turns',
  runtimes: ['node', 'workerd'],
  async run(rounds) {
    const world = await rounds.world();
    const times = rounds.quick ? 2 : rounds.runtime === 'node' ? 15 : 5;
    for (let time = 0; time < times; time += 1) await killInBurst(rounds, world);
  },
};

async function killInBurst(rounds: Rounds, world: World): Promise<void> {
  const { random } = rounds;
  const { client } = world;
  const { server } = ownOf(world);
  const asks = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const userId = random.word();
      const tokens = awkwardTokens(random, 3);
      const model = world.model({ tokens, delayMs: { between: random.below(10) } });
      const conversationId = await client.createConversation(userId);
      const ask = {
        conversationId,
        userId,
        message: awkwardMessage(random),
        model,
        key: random.word(),
      };
      return { ask, whole: tokens.join('') };
    }),
  );
  const telling = asks.map(async ({ ask }) => {
    await sleep(random.below(100));
    return client.streamTurn(ask);
  });
  const moment = random.below(250);
  await sleep(moment);
  await server.kill();
  const told = await Promise.all(telling);
  await server.restart();
  await Promise.all(
    asks.map(({ ask, whole }, at) =>
      rounds.round(`killed after ${moment} ms`, async () => {
        const before = told[at];
        const retried = await client.streamTurn(ask);
        mustBeWhole(retried);
        if (before?.turnId) mustEqual(retried.turnId, before.turnId, 'the turn of the key (I9)');
        if (before?.terminal) mustEqual(retried.message, before.message, 'what had been told');
        const acknowledged = [ask.message];
        const answers = new Map([[ask.message, whole]]);
        const settleMs = world.leaseMs + 5_000;
        const { conversationId } = ask;
        await mustBeConsistent(client, { conversationId, acknowledged, answers, settleMs }, random);
      }),
    ),
  );
}

export const kill = [atEveryEvent, atAnyMoment];
