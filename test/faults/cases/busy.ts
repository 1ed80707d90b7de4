/** One turn at a time in a conversation, whoever asks, from however many processes. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultCase, Rounds } from '../case.ts';
import { Client, readAll, type Told } from '../client.ts';
import { mustAgree, mustBeConsistent, mustBeWhole } from '../invariants.ts';
import { awkwardMessage, awkwardTokens } from '../texts.ts';
import { must, mustEqual } from '../violation.ts';
import { ownOf, type World } from '../world.ts';

type OnBusy = 'reject' | 'interrupt' | 'queue';
const policies: OnBusy[] = ['reject', 'interrupt', 'queue'];

const onePlace: FaultCase = {
  name: 'busy',
  what: 'many turns at once in one conversation: reject, interrupt, queue',
  runtimes: ['node', 'workerd'],
  remote: true,
  async run(rounds) {
    const world = await rounds.world();
    await allPolicies(rounds, world, [world.client]);
  },
};

const twoProcesses: FaultCase = {
  name: 'busy-two-processes',
  what: 'the same from two processes on one sqld',
  runtimes: ['node'],
  async run(rounds) {
    const world = await rounds.world({ database: 'sqld' });
    const other = new Client((await ownOf(world).another()).url);
    await allPolicies(rounds, world, [world.client, other]);
  },
};

async function allPolicies(rounds: Rounds, world: World, servers: Client[]): Promise<void> {
  for (let time = 0; time < (rounds.quick ? 1 : 6); time += 1) {
    for (const policy of policies) {
      await rounds.round(`${policy} ${time}`, () => manyAtOnce(rounds, world, policy, servers));
    }
  }
}

async function manyAtOnce(rounds: Rounds, world: World, policy: OnBusy, servers: Client[]) {
  const { random } = rounds;
  const userId = random.word();
  const conversationId = await world.client.createConversation(userId);
  const count = policy === 'reject' ? 16 : 8;
  const answers = new Map<string, string>();
  const asks = Array.from({ length: count }, () => {
    const tokens = awkwardTokens(random, 3);
    const message = awkwardMessage(random);
    answers.set(message, tokens.join(''));
    const model = world.model({ tokens, delayMs: { first: 20, between: random.below(60) } });
    return { conversationId, userId, message, model, body: { on_busy: policy } };
  });
  const told = await Promise.all(
    asks.map(async (ask, at) => {
      const server = servers[at % servers.length] ?? world.client;
      await sleep(random.below(30));
      return server.streamTurn(ask);
    }),
  );
  const accepted = told.filter((one) => one.status === 200);
  for (const one of accepted) mustBeWhole(one);
  mustFollow(policy, told);
  const acknowledged = asks.filter((_, at) => told[at]?.status === 200).map((ask) => ask.message);
  const expected = { conversationId, acknowledged, settleMs: 5_000 };
  const stored = await mustBeConsistent(
    world.client,
    world.own ? { ...expected, answers } : expected,
    random,
  );
  for (const one of accepted) {
    const message = stored.find(({ id }) => id === one.message?.id);
    must(message !== undefined, 'an accepted turn is not stored');
    mustAgree(one, message);
  }
}

function mustFollow(policy: OnBusy, told: Told[]): void {
  const accepted = told.filter((one) => one.status === 200);
  const refused = told.filter((one) => one.status !== 200);
  const statuses = accepted.map((one) => one.message?.status);
  if (policy === 'reject') {
    for (const one of refused) mustEqual(one.errorCode, 'turn_in_progress', 'why it was refused');
    must(accepted.length > 0, 'no turn was accepted at all');
    must(
      statuses.every((status) => status === 'complete'),
      `statuses ${statuses.join()}`,
    );
    return;
  }
  mustEqual(
    refused.map((one) => `${one.status} ${one.errorCode}`),
    [],
    `refused under ${policy}`,
  );
  if (policy === 'queue') {
    must(
      statuses.every((status) => status === 'complete'),
      `statuses ${statuses.join()}`,
    );
    return;
  }
  const known = statuses.every((status) => status === 'complete' || status === 'cancelled');
  must(known && statuses.includes('complete'), `statuses ${statuses.join()}`);
}

const leavesQueue: FaultCase = {
  name: 'busy-leaves-queue',
  what: 'a client that waits in the queue goes away: its turn never starts',
  // Before the head of its answer workerd does not notice that a client has gone.
  runtimes: ['node'],
  async run(rounds) {
    const world = await rounds.world();
    const { client } = world;
    const { random } = rounds;
    const names = Array.from({ length: rounds.quick ? 2 : 10 }, (_, at) => `time ${at}`);
    await rounds.together(names, 2, async () => {
      const userId = random.word();
      const conversationId = await client.createConversation(userId);
      const ask = (count: number, between: number) => ({
        conversationId,
        userId,
        message: awkwardMessage(random),
        model: world.model({
          tokens: awkwardTokens(random, count),
          delayMs: { first: between, between },
        }),
        body: { on_busy: 'queue' },
      });
      const [one, two, three] = [ask(6, 250), ask(2, 5), ask(2, 5)];
      const first = await client.openTurn(one);
      const leaver = new AbortController();
      const second = fetch(`${client.url}/conversations/${conversationId}/messages`, {
        method: 'POST',
        signal: leaver.signal,
        headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
        body: JSON.stringify({
          user_id: userId,
          message: two.message,
          model: two.model,
          on_busy: 'queue',
        }),
      }).catch(() => undefined);
      await sleep(150);
      const third = client.streamTurn(three);
      await sleep(100);
      leaver.abort();
      await second;
      mustBeWhole(await readAll(first));
      mustEqual((await third).message?.status, 'complete', 'the turn behind the one that left');
      const acknowledged = [one.message, three.message];
      await mustBeConsistent(client, { conversationId, acknowledged, settleMs: 5_000 }, random);
    });
  },
};

const deletes: FaultCase = {
  name: 'delete-mid-turn',
  what: 'a conversation is deleted at any moment of its turn, from this process or another',
  runtimes: ['node', 'workerd'],
  remote: true,
  async run(rounds) {
    const world = await rounds.world();
    const servers = [world.client];
    if (world.own && rounds.runtime === 'node') {
      servers.push(new Client((await world.own.another()).url));
    }
    const names = Array.from({ length: rounds.quick ? 8 : 40 }, (_, at) => `time ${at}`);
    await rounds.together(names, 4, (name) => {
      const server = servers[Number(name.slice(5)) % servers.length] ?? world.client;
      return deleteAnywhere(rounds, world, server);
    });
  },
};

async function deleteAnywhere({ random }: Rounds, world: World, deleter: Client): Promise<void> {
  const { client } = world;
  const tokens = awkwardTokens(random, 10);
  // It falls silent at last, so that the deletion comes before its end, however late.
  const fault = { how: 'stall' as const, afterTokens: tokens.length };
  const model = world.model({ tokens, delayMs: { first: 30, between: 200 }, fault });
  const userId = random.word();
  const stream = await client.openTurn({ userId, message: awkwardMessage(random), model });
  const id = String(stream.headers['x-conversation-id']);
  const turnId = String(stream.headers['x-turn-id']);
  const beside = deleter.follow(turnId);
  await sleep(random.below(1_500));
  const answer = await deleter.call(`/conversations/${id}`, { method: 'DELETE' });
  mustEqual(answer.status, 200, 'DELETE');
  for (const told of [await readAll(stream), await beside]) {
    // A reader that comes when all is gone already finds nothing.
    if (told.status === 404) continue;
    mustBeWhole(told);
    // Somebody else's model may have been quicker than the deletion.
    const ends = world.own ? ['turn.cancelled'] : ['turn.cancelled', 'turn.completed'];
    must(ends.includes(told.terminal), `${told.terminal} ends a deleted turn`);
  }
  await sleep(1_200);
  const paths = [`/conversations/${id}`, `/conversations/${id}/messages`, `/turns/${turnId}`];
  for (const path of paths) {
    mustEqual(
      (await client.call(path)).status,
      404,
      `${path.split('/')[1]} of a deleted conversation`,
    );
  }
  const list = await client.call(`/conversations?user_id=${userId}`);
  mustEqual(list.json, [], 'the conversations of the user');
}

export const busy = [onePlace, twoProcesses, leavesQueue, deletes];
