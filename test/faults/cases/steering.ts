/**
 * Steering: messages come at any moment of a turn, to its process or another one, and the process
 * is killed at any moment. Each message is there exactly once, in the answer or as a question.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { asArray, asRecord, asText } from '../../support/json.ts';
import type { FaultCase, Rounds } from '../case.ts';
import { Client, type Ask } from '../client.ts';
import { mustBeConsistent, mustBeWhole } from '../invariants.ts';
import { awkwardMessage } from '../texts.ts';
import { must, mustEqual } from '../violation.ts';
import { ownOf, type World } from '../world.ts';

interface Steered {
  ask: Ask & { conversationId: string };
  /** What comes while the turn runs. */
  steering: (Ask & { conversationId: string; key: string })[];
}

/** A restart of workerd takes its time, and so does each look at a conversation there. */
function conversationsOf({ quick, runtime }: Rounds): number {
  return quick && runtime === 'workerd' ? 3 : 8;
}

const kills: FaultCase = {
  name: 'steering-kill-9',
  what: 'kill -9 at any moment of turns that are steered, some with steps that a message can join',
  runtimes: ['node', 'workerd'],
  async run(rounds) {
    const world = await rounds.world();
    const isNode = rounds.runtime === 'node';
    const times = rounds.quick ? (isNode ? 2 : 1) : isNode ? 12 : 5;
    for (let time = 0; time < times; time += 1) await killInBurst(rounds, world);
  },
};

async function killInBurst(rounds: Rounds, world: World): Promise<void> {
  const { random } = rounds;
  const { server } = ownOf(world);
  const { client } = world;
  const all = await Promise.all(
    Array.from({ length: conversationsOf(rounds) }, () => steered(rounds, world)),
  );
  const sent = all.flatMap(({ ask, steering }) => [
    client.streamTurn(ask),
    ...steering.map(async (each) => {
      await sleep(50 + random.below(700));
      return client.streamTurn(each);
    }),
  ]);
  const moment = 100 + random.below(1_500);
  await sleep(moment);
  await server.kill();
  await Promise.all(sent);
  await server.restart();
  for (const one of all)
    await rounds.round(`killed after ${moment} ms`, () => mustBeThereOnce(rounds, world, one));
}

/** A turn of one step or two, and two messages that are to steer it. */
async function steered({ random }: Rounds, world: World): Promise<Steered> {
  const userId = random.word();
  const { client } = world;
  const isStepping = random.below(2) === 0;
  if (isStepping)
    await client.call('/documents', { json: { user_id: userId, title: 'M', text: 'Oil.' } });
  const call = { name: 'search_documents', input: { query: 'oil' } };
  const paced = { text: 'one two three four five six', delayMs: { between: 60 } };
  const calls = { headersDelayMs: 100 + random.below(400), toolCalls: [[call]] };
  const model = world.model(isStepping ? [calls, paced] : [paced, { text: 'And more' }]);
  const conversationId = await client.createConversation(userId);
  const base = { conversationId, userId, model };
  return {
    ask: { ...base, message: awkwardMessage(random), key: random.word() },
    steering: [1, 2].map(() => ({
      ...{ ...base, message: awkwardMessage(random), key: random.word() },
      body: { on_busy: 'steer' },
    })),
  };
}

/** Sends all again, as clients do that heard nothing, and counts. */
async function mustBeThereOnce(rounds: Rounds, world: World, { ask, steering }: Steered) {
  const { client } = world;
  const settleMs = world.leaseMs + 10_000;
  const { conversationId } = ask;
  mustBeWhole(await client.streamTurn(ask, settleMs));
  for (const one of steering) mustBeWhole(await client.streamTurn(one, settleMs));
  const joined = await joinedIn(client, conversationId);
  const texts = [ask, ...steering].map(({ message }) => message);
  for (const text of joined) must(texts.includes(text), 'a message joined that nobody sent (I1)');
  mustEqual(new Set(joined).size, joined.length, 'messages that joined twice (I1)');
  const acknowledged = texts.filter((text) => !joined.includes(text));
  await mustBeConsistent(client, { conversationId, acknowledged, settleMs }, rounds.random);
}

/** The texts of the messages that are in answers. */
async function joinedIn(client: Client, conversationId: string): Promise<string[]> {
  const { json } = await client.call(`/conversations/${conversationId}`);
  const messages = asArray(asRecord(json)['messages']).map(asRecord);
  return messages
    .flatMap((message) => asArray(message['parts']).map(asRecord))
    .filter(({ type }) => type === 'steered')
    .map(({ message }) => asText(asRecord(message)['content']));
}

const elsewhere: FaultCase = {
  name: 'steering-two-processes',
  what: 'messages that come to another process than the one that runs the turn',
  runtimes: ['node'],
  async run(rounds) {
    const world = await rounds.world();
    const other = new Client((await ownOf(world).another()).url);
    const names = Array.from({ length: rounds.quick ? 8 : 40 }, (_, at) => `steered ${at}`);
    await rounds.together(names, 4, () => steerFrom(rounds, world, other));
  },
};

async function steerFrom(rounds: Rounds, world: World, other: Client): Promise<void> {
  const { random } = rounds;
  const { ask, steering } = await steered(rounds, world);
  const running = world.client.openTurn(ask);
  await (await running).next('turn.started');
  const told = await Promise.all(
    steering.map(async (one) => {
      await sleep(random.below(700));
      return other.streamTurn(one);
    }),
  );
  for (const one of told) {
    mustBeWhole(one);
    mustEqual(one.message?.status, 'complete', 'status of what answers a message');
  }
  await mustBeThereOnce(rounds, { ...world, client: other }, { ask, steering });
}

export const steering = [kills, elsewhere];
