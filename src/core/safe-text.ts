import { isHighSurrogate } from './message-buffer.ts';

/**
 * Makes a model's deltas safe to send and to store: NUL is dropped (SQLite would cut the text there when it is read), half a surrogate pair
 * waits for its other half in the next delta, and one that never gets it becomes U+FFFD (`sqld` refuses a batch that holds it).
 */
export class SafeText {
  #held = '';

  /** The part of `delta` that may go out now. */
  push(delta: string): string {
    let text = this.#held === '' ? delta : this.#held + delta;
    this.#held = '';
    if (text.length > 0 && isHighSurrogate(text.charCodeAt(text.length - 1))) {
      this.#held = text.slice(-1);
      text = text.slice(0, -1);
    }
    return clean(text);
  }

  /** What was held back when no more is coming. */
  flush(): string {
    const held = this.#held;
    this.#held = '';
    return held === '' ? '' : '\uFFFD';
  }
}

/** Text without NUL, its lone surrogates replaced. */
export function clean(text: string): string {
  const whole = text.includes('\0') ? text.replaceAll('\0', '') : text;
  return whole.isWellFormed() ? whole : whole.toWellFormed();
}
