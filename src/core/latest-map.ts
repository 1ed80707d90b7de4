/**
 * A map of limited size, which forgets what was set or found longest ago. What was found while it
 * was less than half full counts from when it was set: nothing has to go then.
 */
export class LatestMap<Value> {
  readonly #most: number;
  /** The one that was used last is the last. */
  readonly #values = new Map<string, Value>();

  constructor(most: number) {
    this.#most = most;
  }

  get(key: string): Value | undefined {
    const value = this.#values.get(key);
    if (value !== undefined && this.#values.size * 2 >= this.#most) this.set(key, value);
    return value;
  }

  delete(key: string): void {
    this.#values.delete(key);
  }

  set(key: string, value: Value): void {
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size <= this.#most) return;
    const [oldest = ''] = this.#values.keys();
    this.#values.delete(oldest);
  }
}
