/** A value that others follow. */
export interface Signal<Value> {
  get(): Value;
  set(value: Value): void;
  /** Calls with the value now, and whenever it is set. */
  follow(reader: (value: Value) => void): void;
}

/** Makes a signal. */
export function createSignal<Value>(initial: Value): Signal<Value> {
  let current = initial;
  const readers: ((value: Value) => void)[] = [];
  return {
    get: () => current,
    set(value) {
      current = value;
      for (const read of readers) read(value);
    },
    follow(reader) {
      readers.push(reader);
      reader(current);
    },
  };
}
