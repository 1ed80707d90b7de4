/**
 * The ledger against what the model's service counted: equal where the service told all of it,
 * marked as an estimate where it did not, whatever happened to the turn.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { asArray, asRecord } from '../../support/json.ts';
import type { Behaviour } from '../../support/upstream.ts';
import type { FaultCase, Rounds } from '../case.ts';
import type { Ask, Client } from '../client.ts';
import { must, mustEqual } from '../violation.ts';
import { ownOf, type World } from '../world.ts';

interface Asked {
  ask: Ask & { conversationId: string; model: string };
}

const counts: FaultCase = {
  name: 'usage-is-what-was-counted',
  what: 'turns that end, break off, are cancelled, left, replayed and killed: the ledger is right',
  runtimes: ['node', 'workerd'],
  async run(rounds) {
    const world = await rounds.world();
    const times = rounds.quick ? 1 : 5;
    for (let time = 0; time < times; time += 1) await strike(rounds, world);
  },
};

const paced = { tokens: Array.from({ length: 30 }, (_, at) => `${at} `), delayMs: { between: 30 } };

async function strike(rounds: Rounds, world: World): Promise<void> {
  const { client } = world;
  const whole = await turnOf(rounds, world, { tokens: ['One ', 'two'] });
  await rounds.round('a whole turn, asked for and read again', async () => {
    const told = await client.streamTurn(whole.ask);
    await client.streamTurn(whole.ask);
    await client.follow(told.turnId);
    await mustBeCounted(world, whole);
  });
  const cut = await turnOf(rounds, world, { ...paced, fault: { how: 'reset', afterTokens: 5 } });
  await rounds.round('an answer that breaks off', async () => {
    await client.streamTurn(cut.ask);
    await mustBeEstimated(client, cut);
  });
  const left = await turnOf(rounds, world, paced);
  await rounds.round('a turn whose client leaves', async () => {
    const stream = await client.openTurn(left.ask);
    await stream.next('message.delta');
    stream.close();
    await client.ended(String(stream.headers['x-turn-id']), 20_000);
    await mustBeCounted(world, left);
  });
  await killMidway(rounds, world);
}

/** Some turns are at their beginning, some at their end when the process dies. */
async function killMidway(rounds: Rounds, world: World): Promise<void> {
  const { client, leaseMs } = world;
  const { server } = ownOf(world);
  const victims = await Promise.all(Array.from({ length: 6 }, () => turnOf(rounds, world, paced)));
  const streams = victims.map(async ({ ask }) => {
    await sleep(rounds.random.below(1_500));
    return client.openTurn(ask).catch(() => undefined);
  });
  await sleep(1_200);
  await server.kill();
  await Promise.all(streams);
  await server.restart();
  for (const victim of victims) {
    await rounds.round('a turn whose process is killed', async () => {
      const told = await client.streamTurn(victim.ask);
      await client.ended(told.turnId, leaseMs + 20_000);
      const { calls, estimated } = await counted(client, victim);
      must(calls === 1, `a turn has ${calls} entries`);
      if (!estimated) await mustBeCounted(world, victim);
    });
  }
}

async function turnOf({ random }: Rounds, world: World, behaviour: Behaviour): Promise<Asked> {
  const userId = random.word();
  const conversationId = await world.client.createConversation(userId);
  const model = world.model(behaviour) ?? '';
  return { ask: { conversationId, userId, model, message: 'Count', key: random.word() } };
}

/** The sums of the model of a turn, which no other turn asks. */
async function counted(client: Client, { ask }: Asked) {
  const answer = await client.call(`/usage?user_id=${ask.userId}&group_by=model`);
  mustEqual(answer.status, 200, 'status of GET /usage');
  const items = asArray(asRecord(answer.json)['items']).map(asRecord);
  const item = items.find(({ model }) => model === ask.model);
  must(item !== undefined, 'a call of a model is not in the ledger');
  return {
    calls: Number(item['calls']),
    input: Number(item['input_tokens']),
    output: Number(item['output_tokens']),
    estimated: item['estimated'] === true,
  };
}

async function mustBeCounted(world: World, asked: Asked): Promise<void> {
  const { calls, input, output, estimated } = await counted(world.client, asked);
  const { requests } = ownOf(world).upstream;
  const own = requests.filter(({ model }) => asked.ask.model.endsWith(`/${model}`));
  mustEqual(calls, own.length, 'calls in the ledger');
  must(!estimated, 'what the service has counted is called an estimate');
  const sum = (name: 'input' | 'output') =>
    own.reduce((total, { usage }) => total + Number(usage?.[name] ?? 0), 0);
  mustEqual([input, output], [sum('input'), sum('output')], 'the tokens of the ledger');
}

async function mustBeEstimated(client: Client, asked: Asked): Promise<void> {
  const { calls, output, estimated } = await counted(client, asked);
  mustEqual(calls, 1, 'calls in the ledger');
  must(estimated, 'an answer that broke off is not called an estimate');
  must(output > 0, 'what was said of an answer that broke off counts nothing');
}

export const usage = [counts];
