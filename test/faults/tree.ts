/** What holds for every tree of messages, whatever was done to it and in whatever order. */
import type { StoredMessage, Tree } from './client.ts';
import { must, mustEqual } from './violation.ts';

/** @throws Violation unless messages, siblings and active path make one tree */
export function mustBeTree(tree: Tree, { isPruned }: { isPruned: boolean }): void {
  mustFollowEachOther(tree, isPruned);
  mustKnowSiblings(tree);
  mustShowPath(tree);
}

/** Each message has its parent, made before it; no answer is without its question. */
function mustFollowEachOther({ all }: Tree, isPruned: boolean): void {
  const made = new Map<string, StoredMessage>();
  let last = 0;
  for (const { message } of all) {
    const { id, sequenceNumber, parentId, role } = message;
    must(sequenceNumber > last, `message ${sequenceNumber} comes after message ${last} (I4)`);
    must(isPruned || sequenceNumber === last + 1, `a gap before message ${sequenceNumber} (I4)`);
    const parent = made.get(parentId);
    const hasParent = parentId === '' || parent !== undefined;
    must(hasParent, `message ${sequenceNumber} has no parent that was made before it`);
    const isAnswered = role === 'user' || parent?.role === 'user';
    must(isAnswered, `answer ${sequenceNumber} is without its question`);
    made.set(id, message);
    last = sequenceNumber;
  }
}

function mustKnowSiblings({ all }: Tree): void {
  const byParent = Map.groupBy(all, ({ message }) => message.parentId);
  for (const siblings of byParent.values()) {
    const count = siblings.length;
    const wanted = siblings.map((_, at) => ({ index: at + 1, count }));
    const got = siblings.map((one) => one.siblings);
    mustEqual(got, wanted, 'the places among siblings');
  }
}

/** The active path leads from a first message to the head, which has nothing below it. */
function mustShowPath(tree: Tree): void {
  const { all, path, headId, messageCount } = tree;
  if (all.length > 0) must(headId !== '', 'a conversation with messages has no head');
  mustEqual(path, pathTo(tree, headId), 'the active path');
  mustEqual(messageCount, path.length, 'the length of the active path');
  must(!all.some(({ message }) => message.parentId === headId && headId !== ''), 'head is no leaf');
}

/** The messages from the first one down to one, as their parents say. */
export function pathTo({ all }: Tree, id: string): StoredMessage[] {
  const byId = new Map(all.map(({ message }) => [message.id, message]));
  const path: StoredMessage[] = [];
  for (let at = byId.get(id); at !== undefined; at = byId.get(at.parentId)) path.unshift(at);
  return path;
}

/** The ids of a message and of all below it. */
export function subtreeOf({ all }: Tree, id: string): Set<string> {
  const found = new Set([id]);
  for (const { message } of all) if (found.has(message.parentId)) found.add(message.id);
  return found;
}
