/** A model of a conversation's tree: what the contract says of trees, as simply as can be. */
import type { MessageJson } from './turns.ts';

export interface Node {
  id: string;
  parent: string | null;
  role: string;
  content: string;
  /** Of an answer: the turn that gave it. */
  turnId: string;
}

export class TreeModel {
  #nodes: Node[] = [];
  head: string | null = null;

  /** All messages, in the order in which they were made. */
  alive(): Node[] {
    return this.#nodes;
  }

  /** Adds messages, each below the one before it; the last of them is the head. */
  grow(messages: (MessageJson & { turn_id?: string })[], parent: string | null): void {
    let above = parent;
    for (const { id, role, content, turn_id: turnId = '' } of messages) {
      this.#nodes.push({ id, parent: above, role, content, turnId });
      above = id;
    }
    this.head = above;
  }

  newestLeaf(root: string): string {
    return this.#below(root).at(-1)?.id ?? root;
  }

  /** Removes a message with all below it, and moves the head where it was there. */
  remove(root: string): void {
    const gone = new Set(this.#below(root).map(({ id }) => id));
    const { parent = null } = this.#nodes.find(({ id }) => id === root) ?? {};
    this.#nodes = this.#nodes.filter(({ id }) => !gone.has(id));
    if (!gone.has(this.head ?? '')) return;
    const beside = this.#nodes
      .filter((node) => node.parent === parent)
      .flatMap(({ id }) => this.#below(id));
    const newest = this.#nodes.findLast((node) => beside.includes(node));
    this.head = newest?.id ?? parent;
  }

  /** The messages from the first one down to one; without an id, down to the head. */
  path(to = this.head): Node[] {
    const path: Node[] = [];
    let at = this.#nodes.find(({ id }) => id === to);
    while (at !== undefined) {
      path.unshift(at);
      const above = at.parent;
      at = this.#nodes.find(({ id }) => id === above);
    }
    return path;
  }

  /** Of each message: its id, its parent, its place among its siblings and their number. */
  shapes(): unknown[] {
    return this.#nodes.map(({ id, parent }) => {
      const siblings = this.#nodes.filter((other) => other.parent === parent);
      return [id, parent, siblings.findIndex((other) => other.id === id) + 1, siblings.length];
    });
  }

  #below(root: string): Node[] {
    const found = new Set([root]);
    for (const { id, parent } of this.#nodes) if (found.has(parent ?? '')) found.add(id);
    return this.#nodes.filter(({ id }) => found.has(id));
  }
}

/** A message as {@link TreeModel.shapes} tells of it. */
export function shapeOf({ id, parent_id, siblings }: MessageJson): unknown[] {
  return [id, parent_id, siblings.index, siblings.count];
}
