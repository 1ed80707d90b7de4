/**
 * Trees: one Idempotency-Key many times, and messages that are deleted while their answer is told.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openStream } from '../../support/sse.ts';
import type { FaultCase, Rounds } from '../case.ts';
import { Client, readAll } from '../client.ts';
import { plant } from '../garden.ts';
import { mustBeConsistent, mustBeWhole } from '../invariants.ts';
import { awkwardTokens } from '../texts.ts';
import { mustBeTree, subtreeOf } from '../tree.ts';
import { perform, randomChange, type ChangeKind } from '../tree-changes.ts';
import { must, mustEqual } from '../violation.ts';
import { ownOf, type World } from '../world.ts';

const KEYED: ChangeKind[] = ['regenerate', 'edit', 'branch', 'begin', 'fork'];
const AT_ONCE = 20;

const keys: FaultCase = {
  name: 'tree-idempotency-20',
  what: 'twenty regenerations, edits, branches or forks with one key at once, from two processes',
  runtimes: ['node', 'workerd'],
  async run(rounds) {
    const isNode = rounds.runtime === 'node';
    const world = await rounds.world(isNode ? { database: 'sqld' } : {});
    const servers = [world.client];
    if (isNode) servers.push(new Client((await ownOf(world).another()).url));
    for (let time = 0; time < (rounds.quick ? 1 : 6); time += 1)
      for (const kind of KEYED)
        await rounds.round(`${kind} ${time}`, () => oneKey(rounds, world, { kind, servers }));
  },
};

async function oneKey(
  { random }: Rounds,
  world: World,
  { kind, servers }: { kind: ChangeKind; servers: Client[] },
): Promise<void> {
  const { client } = world;
  const garden = await plant(random, world, { deletes: false });
  const { before, userId, model } = garden;
  const options = { model, kinds: [kind], policies: ['reject'] } as const;
  const change = randomChange(random, before, options);
  const outcomes = await Promise.all(
    Array.from({ length: AT_ONCE }, (_, at) =>
      perform(servers[at % servers.length] ?? client, change),
    ),
  );
  outcomes.push(await perform(client, change));
  for (const { status, errorCode, told, forkId } of outcomes) {
    mustEqual(status, 200, `status of a ${kind} with the key of others (${errorCode})`);
    mustEqual(told?.message, outcomes[0]?.told?.message, 'the message of one key');
    mustEqual(forkId, outcomes[0]?.forkId, 'the fork of one key');
    if (told) mustBeWhole(told);
  }
  const other = await perform(client, { ...change, body: { ...change.body, on_busy: 'queue' } });
  mustEqual(other.errorCode, 'idempotency_key_reused', 'the key with another body');
  const after = await client.tree(before.id);
  mustBeTree(after, { isPruned: false });
  mustEqual(after.all.length, before.all.length + change.adds, 'messages after one key (I9)');
  const list = await client.call(`/conversations?user_id=${userId}`);
  const count = Array.isArray(list.json) ? list.json.length : 0;
  mustEqual(count, kind === 'fork' ? 2 : 1, 'conversations of the user (I9)');
}

const deletions: FaultCase = {
  name: 'tree-delete-running',
  what: 'an answer, its question or what they follow is deleted at any moment of its turn',
  runtimes: ['node', 'workerd'],
  async run(rounds) {
    const world = await rounds.world();
    const servers = [world.client];
    if (rounds.runtime === 'node') {
      servers.push(new Client((await ownOf(world).another()).url));
    }
    const names = Array.from({ length: rounds.quick ? 8 : 48 }, (_, at) => `time ${at}`);
    await rounds.together(names, 4, (name) => {
      const server = servers[Number(name.slice(5)) % servers.length] ?? world.client;
      return deleteRunning(rounds, world, server);
    });
  },
};

async function deleteRunning({ random }: Rounds, world: World, deleter: Client): Promise<void> {
  const { client } = world;
  const { before, userId } = await plant(random, world, { deletes: false });
  const tokens = awkwardTokens(random, 10);
  // It falls silent at last, so that the deletion comes before its end, however late.
  const fault = { how: 'stall' as const, afterTokens: tokens.length };
  const model = world.model({ tokens, delayMs: { first: 30, between: 200 }, fault });
  const kinds = ['say', 'branch', 'begin', 'regenerate', 'edit'] as const;
  const change = randomChange(random, before, { model, kinds, policies: ['reject'] });
  const stream = await openStream(client.url + change.path, { json: change.body });
  const turnId = String(stream.headers['x-turn-id']);
  const beside = deleter.follow(turnId);
  await sleep(random.below(1_500));
  const running = await client.tree(before.id);
  const { path } = running;
  const target = path[path.length - 1 - random.below(Math.min(4, path.length))];
  must(target !== undefined, 'a tree in which a turn runs has no path');
  const answer = await deleter.call(`/messages/${target.id}`, { method: 'DELETE' });
  mustEqual(answer.status, 200, 'DELETE of what runs');
  for (const told of [await readAll(stream), await beside]) {
    // A reader that comes when all is gone already finds nothing.
    if (told.status === 404) continue;
    mustBeWhole(told);
    mustEqual(told.terminal, 'turn.cancelled', 'the end of a turn that was deleted');
  }
  mustEqual((await client.call(`/turns/${turnId}`)).status, 404, 'a turn that was deleted');
  const gone = subtreeOf(running, target.id);
  const after = await client.tree(before.id);
  mustEqual(after.all.length, running.all.length - gone.size, 'messages that are left');
  must(!after.all.some(({ message }) => gone.has(message.id)), 'a deleted message is there');
  const [first, next] = [random.word(), random.word()];
  for (const message of [first, next]) {
    const ask = { conversationId: before.id, userId, message, model: world.model({}) };
    mustEqual((await client.streamTurn(ask)).message?.status, 'complete', 'the next turn');
  }
  const left = after.all.filter(({ message }) => message.role === 'user');
  const acknowledged = [...left.map(({ message }) => message.content), first, next];
  const conversationId = before.id;
  const expected = { conversationId, acknowledged, isPruned: true, settleMs: 2_000 };
  await mustBeConsistent(client, expected, random);
}

export const treeKeys = [keys, deletions];
