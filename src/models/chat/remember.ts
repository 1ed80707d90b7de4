/** Functions that remember what they made. */

/** The most names that are remembered: clients may name any model. */
const MOST_NAMES = 500;

/**
 * Returns a function that remembers what it made of each name.
 * @param basis returns what else the values depend on: they are forgotten when it is another
 */
export function rememberedWhile<Value>(
  basis: () => unknown,
  make: (name: string) => Value,
): (name: string) => Value {
  const made = new Map<string, Value>();
  let madeFrom: unknown;
  return (name) => {
    const current = basis();
    if (current !== madeFrom || made.size >= MOST_NAMES) made.clear();
    madeFrom = current;
    const known = made.get(name);
    if (known !== undefined) return known;
    const value = make(name);
    made.set(name, value);
    return value;
  };
}

/** Returns a function that remembers what it made of each key, for keys that are few. */
export function memoized<Key, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const made = new Map<Key, Value>();
  return (key) => {
    const known = made.get(key);
    if (known !== undefined) return known;
    const value = make(key);
    made.set(key, value);
    return value;
  };
}

/** Returns a function that loads once, when it is first called. */
export function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  return () => (loaded ??= load());
}
