/**
 * Messages that were written while an answer came, for each conversation: those that wait until it
 * is over, and those that the server has and that join it. They outlive the page.
 */
import { createSignal } from '../shared/signal.ts';
import { recall, remember, type Remembered } from '../shared/storage.ts';

type Texts = Readonly<Record<string, readonly string[]>>;

/** Is set whenever something waits, or waits no longer. */
export const waitingChanged = createSignal(undefined);

/** Texts that wait, by conversation; first come first. */
export class Waiting {
  readonly #name: Remembered;
  #texts: Texts;

  constructor(name: Remembered) {
    this.#name = name;
    this.#texts = readTexts(name);
  }

  /** Returns what waits in a conversation; in one that has no id yet where none is named. */
  in(id: string | undefined): readonly string[] {
    return this.#texts[id ?? ''] ?? [];
  }

  /** Replaces what waits in a conversation. */
  set(id: string | undefined, texts: readonly string[]): void {
    const { [id ?? '']: _, ...others } = this.#texts;
    this.#texts = texts.length > 0 ? { ...others, [id ?? '']: texts } : others;
    const isEmpty = Object.keys(this.#texts).length === 0;
    remember(this.#name, isEmpty ? '' : JSON.stringify(this.#texts));
    waitingChanged.set(undefined);
  }

  add(id: string | undefined, text: string): void {
    this.set(id, [...this.in(id), text]);
  }

  /** Takes a text out, where it waits. */
  drop(id: string | undefined, text: string): void {
    const at = this.in(id).indexOf(text);
    if (at >= 0) this.set(id, this.in(id).toSpliced(at, 1));
  }
}

function readTexts(name: Remembered): Texts {
  try {
    const stored: unknown = JSON.parse(recall(name) ?? '{}');
    return typeof stored === 'object' && stored !== null && !Array.isArray(stored)
      ? Object.fromEntries(Object.entries(stored).map(([id, texts]) => [id, textsIn(texts)]))
      : {};
  } catch {
    return {};
  }
}

function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((text) => typeof text === 'string') : [];
}

/** Messages that are sent when the answer is over. */
export const queued = new Waiting('queue');
/** Messages that the server has, and that join the answer at its next step or follow it. */
export const steering = new Waiting('steering');
