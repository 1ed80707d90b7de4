/** A conversation with branches, what is done to it at once, and what must hold afterwards. */
import { setTimeout as sleep } from 'node:timers/promises';
import { asArray } from '../support/json.ts';
import type { Client, Tree } from './client.ts';
import { mustAgree, mustBeConsistent } from './invariants.ts';
import type { Random } from './random.ts';
import {
  mustKeep,
  mustRecallPaths,
  perform,
  randomChange,
  recalling,
  type Change,
  type ChangeKind,
  type Outcome,
} from './tree-changes.ts';
import { mustBeTree, pathTo, subtreeOf } from './tree.ts';
import { must, mustEqual } from './violation.ts';
import type { World } from './world.ts';

export interface Garden {
  client: Client;
  userId: string;
  model: string | undefined;
  /** Before anything is done at once. */
  before: Tree;
  changes: Change[];
  /** Messages that one of the changes would delete. */
  deletable: Set<string>;
}

type Kinds = readonly [ChangeKind, ...ChangeKind[]];
const GROWING: Kinds = [
  'say',
  'say',
  'branch',
  'begin',
  'regenerate',
  'regenerate',
  'edit',
  'edit',
];
const KEEPING: Kinds = [...GROWING, 'switch', 'switch', 'fork'];
const CUTTING: Kinds = [...KEEPING, 'delete', 'delete', 'delete'];

const AT_ONCE = 6;
const SETTLE_MS = 8_000;

/**
 * Makes a tree by changes one after the other, each of which must succeed, and chooses what comes
 * at once.
 */
export async function plant(
  random: Random,
  world: World,
  { deletes }: { deletes: boolean },
): Promise<Garden> {
  const { client } = world;
  const userId = random.word();
  const id = await client.createConversation(userId);
  const quick = world.model(recalling(0));
  for (let step = 0; step < 6; step += 1) {
    const tree = await client.tree(id);
    const options = { model: quick, kinds: GROWING, policies: ['reject'] } as const;
    const change = randomChange(random, tree, options);
    const { status, errorCode } = await perform(client, change);
    mustEqual(status, 200, `${change.kind} on a quiet tree (${errorCode})`);
  }
  const before = await client.tree(id);
  mustBeTree(before, { isPruned: false });
  const model = world.model(recalling(random.below(12)));
  const kinds = deletes ? CUTTING : KEEPING;
  const policies = ['queue', 'queue', 'interrupt', 'reject'] as const;
  const changes = Array.from({ length: AT_ONCE }, () =>
    randomChange(random, before, { model, kinds, policies }),
  );
  const cut = changes.filter(({ kind }) => kind === 'delete');
  const deletable = new Set(cut.flatMap(({ target }) => [...subtreeOf(before, target)]));
  return { client, userId, model, before, changes, deletable };
}

/** Asks for all changes within a moment, of these servers in turn. */
export function storm(random: Random, { changes }: Garden, servers: Client[]): Promise<Outcome[]> {
  return Promise.all(
    changes.map(async (change, at) => {
      await sleep(random.below(120));
      const server = servers[at % servers.length];
      must(server !== undefined, 'there is no server');
      return perform(server, change);
    }),
  );
}

/**
 * Asks for each change with a key again, after a crash: what was made must be found, and nothing
 * made twice.
 */
export async function repeatAll(
  garden: Garden,
  first: Outcome[],
  leaseMs: number,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const [at, change] of garden.changes.entries()) {
    const before = first[at];
    must(before !== undefined, 'a change has no outcome');
    if (change.method !== 'POST') {
      outcomes.push(before);
      continue;
    }
    const again = await onceFree(garden.client, change, leaseMs);
    // The head of a queued turn comes before it is accepted.
    const wasQueued = change.onBusy === 'queue' && before.told?.events.length === 0;
    if (before.status === 200 && again.status === 200 && !wasQueued) {
      mustEqual(again.told?.turnId, before.told?.turnId, `the turn of a ${change.kind}'s key (I9)`);
      // A fork whose answer was cut has no id yet.
      if (before.forkId !== '') mustEqual(again.forkId, before.forkId, 'the fork of a key (I9)');
    }
    if (before.told?.terminal && again.status === 200)
      mustEqual(again.told?.message, before.told.message, 'what had been told');
    outcomes.push(again);
  }
  return outcomes;
}

async function onceFree(client: Client, change: Change, leaseMs: number): Promise<Outcome> {
  const deadline = Date.now() + leaseMs + SETTLE_MS;
  for (;;) {
    const outcome = await perform(client, change);
    if (outcome.errorCode !== 'turn_in_progress') return outcome;
    must(Date.now() < deadline, 'a turn stands in the way for ever (I2)');
    await sleep(200);
  }
}

/**
 * What must hold once all is quiet: the tree, what was there, what was accepted, and that it goes
 * on.
 */
export async function mustSettle(
  random: Random,
  garden: Garden,
  outcomes: Outcome[],
): Promise<void> {
  const { client, userId, before, changes, deletable } = garden;
  changes.forEach((change, at) => mustBeAnswer(change, outcomes[at], deletable.size > 0));
  const texts = before.all.filter(({ message }) => message.role === 'user');
  const isPruned = deletable.size > 0;
  const old = texts.filter(({ message }) => !deletable.has(message.id));
  const expected = {
    conversationId: before.id,
    isPruned,
    settleMs: SETTLE_MS,
    acknowledged: old.map(({ message }) => message.content),
    unsure: [...texts.map(({ message }) => message.content), ...changes.map(({ text }) => text)],
  };
  await mustBeConsistent(client, expected, random);
  const after = await client.tree(before.id);
  mustKeep(before, after, deletable);
  mustRecallPaths(after);
  mustHoldOutcomes(garden, outcomes, after);
  await mustHoldForks(random, garden, outcomes);
  const next = random.word();
  const ask = { conversationId: before.id, userId, message: next, model: garden.model };
  const told = await client.streamTurn(ask);
  mustEqual(told.message?.status, 'complete', 'the next turn');
  const parent = after.all.find(({ message }) => message.id === after.headId);
  const asked = (await client.tree(before.id)).path.at(-2);
  mustEqual(asked?.parentId, parent?.message.id ?? '', 'what the next message follows');
}

function mustBeAnswer({ kind, onBusy }: Change, outcome: Outcome | undefined, isCut: boolean) {
  const { status = 0, errorCode = '' } = outcome ?? {};
  const wasKilled = status === 0 && (kind === 'switch' || kind === 'delete');
  const isBusy = status === 409 && errorCode === 'turn_in_progress' && onBusy === 'reject';
  const isGone = status === 404 && isCut;
  must(status === 200 || wasKilled || isBusy || isGone, `${kind} answered ${status} ${errorCode}`);
}

function mustHoldOutcomes(
  { changes, before, deletable }: Garden,
  outcomes: Outcome[],
  after: Tree,
) {
  const stored = new Map(after.all.map(({ message }) => [message.id, message]));
  let added = 0;
  for (const [at, change] of changes.entries()) {
    const outcome = outcomes[at];
    if (outcome?.status !== 200) continue;
    added += change.adds;
    if (change.kind === 'delete')
      for (const id of subtreeOf(before, change.target))
        must(!stored.has(id), 'a deleted message is there');
    const { told } = outcome;
    const message = told && stored.get(told.message?.id ?? '');
    if (told === undefined) continue;
    must(message !== undefined || deletable.size > 0, `an accepted ${change.kind} is not stored`);
    if (message === undefined) continue;
    mustAgree(told, message);
    const prompt = stored.get(message.parentId);
    if (change.kind === 'edit')
      mustEqual(prompt?.parentId, parentOf(before, change.target), 'where an edit stands');
    if (change.kind === 'branch') mustEqual(prompt?.parentId, change.target, 'where it branches');
    if (change.kind === 'begin') mustEqual(prompt?.parentId, '', 'a new beginning');
    if (change.kind === 'regenerate') {
      const named = before.all.find(({ message: { id } }) => id === change.target)?.message;
      const asked = named?.role === 'user' ? named.id : named?.parentId;
      mustEqual(message.parentId, asked, 'what is answered again');
    }
  }
  const isExact = deletable.size === 0;
  if (isExact) mustEqual(after.all.length - before.all.length, added, 'messages that were added');
}

function parentOf({ all }: Tree, id: string): string {
  return all.find(({ message }) => message.id === id)?.message.parentId ?? '';
}

/** A fork has a copy of the path to the message that it names, and there is one for each key. */
async function mustHoldForks(random: Random, garden: Garden, outcomes: Outcome[]): Promise<void> {
  const { client, before, changes, userId, deletable } = garden;
  const ids = new Set<string>();
  for (const [at, change] of changes.entries()) {
    const { status = 0, forkId = '' } = outcomes[at] ?? {};
    if (change.kind !== 'fork' || status !== 200) continue;
    ids.add(forkId);
    const original = pathTo(before, change.target);
    const acknowledged = original.filter(({ role }) => role === 'user').map((one) => one.content);
    const expected = { conversationId: forkId, acknowledged, settleMs: 1_000 };
    const copies = await mustBeConsistent(client, expected, random);
    mustEqual(copies.map(shown), original.map(shown), 'a copied path');
  }
  const list = await client.call(`/conversations?user_id=${userId}`);
  const count = asArray(list.json).length - 1;
  if (deletable.size === 0) mustEqual(count, ids.size, 'forks of one key each (I9)');
}

function shown({ role, content, status, tokensUsed }: Tree['path'][number]) {
  return { role, content, status, tokensUsed };
}
