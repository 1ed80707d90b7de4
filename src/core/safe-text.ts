import type { Json } from './parts.ts';
import { isHighSurrogate } from './message-buffer.ts';

/**
 * Makes a model's deltas safe to send and to store. NUL is dropped, since SQLite would cut the text
 * there when it is read. Half of a surrogate pair waits for its other half in the next delta;
 * without one it becomes U+FFFD, since `sqld` refuses a batch that holds a lone half.
 */
export class SafeText {
  #held = '';

  /** Returns the part of `delta` that may be sent now. */
  push(delta: string): string {
    let text = this.#held === '' ? delta : this.#held + delta;
    this.#held = '';
    if (text.length > 0 && isHighSurrogate(text.charCodeAt(text.length - 1))) {
      this.#held = text.slice(-1);
      text = text.slice(0, -1);
    }
    return clean(text);
  }

  /**
   * Returns a replacement for what is still held back when the text ends; empty when nothing is.
   */
  flush(): string {
    const held = this.#held;
    this.#held = '';
    return held === '' ? '' : '\uFFFD';
  }
}

/** Returns the text without NUL and with lone surrogates replaced. */
export function clean(text: string): string {
  const whole = text.includes('\0') ? text.replaceAll('\0', '') : text;
  return whole.isWellFormed() ? whole : whole.toWellFormed();
}

/** Returns the value with each of its strings, and the names in it, as {@link clean} makes them. */
export function cleanJson(value: Json): Json {
  if (typeof value === 'string') return clean(value);
  if (Array.isArray(value)) return value.map(cleanJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [clean(name), cleanJson(inner)]),
  );
}
