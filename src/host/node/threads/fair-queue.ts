/** A queue that serves its owners in turn, so that nobody waits behind all of another's items. */
export class FairQueue<Item> {
  /** The items of each owner, the owner who is served next first. */
  readonly #items = new Map<string, Item[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Returns how many items of an owner wait. */
  countOf(owner: string): number {
    return this.#items.get(owner)?.length ?? 0;
  }

  add(owner: string, item: Item): void {
    this.#size++;
    const list = this.#items.get(owner);
    if (list) list.push(item);
    else this.#items.set(owner, [item]);
  }

  /** Removes the first item of the owner whose turn it is, who then goes to the end. */
  take(): Item | undefined {
    const [first] = this.#items;
    if (!first) return undefined;
    const [owner, list] = first;
    const item = list.shift();
    this.#items.delete(owner);
    if (list.length > 0) this.#items.set(owner, list);
    this.#size--;
    return item;
  }

  /** Removes an item; false when it no longer waits. */
  remove(owner: string, item: Item): boolean {
    const list = this.#items.get(owner);
    const at = list?.indexOf(item) ?? -1;
    if (!list || at < 0) return false;
    list.splice(at, 1);
    if (list.length === 0) this.#items.delete(owner);
    this.#size--;
    return true;
  }
}
