/**
 * The answer that grows. Deltas are gathered and drawn once for each frame, so that ten thousand in
 * a second cost what sixty do.
 */
import type { Part, Source, TurnEvent } from '../api/types.ts';
import { make } from '../shared/elements.ts';
import { pause } from '../shared/pause.ts';
import { say } from '../shared/words.ts';
import { AnswerBody } from './answer-body.ts';

/** Milliseconds between two drawings: more of them cost more, and nobody reads faster. */
const PACE_MS = 40;
/** While nobody sees the page there are no frames. */
const UNSEEN_MS = 500;
/** The part of the time that drawing may take: a text that is slow to draw is drawn less often. */
const SHARE = 0.25;
/** The part that it may take while text waits that was not drawn in time. */
const SHARE_BEHIND = 0.6;
/** Milliseconds of a drawing, so that a key that is pressed meanwhile is heard. */
const SLICE_MS = 10;
/** UTF-16 units that are drawn before the clock is looked at. */
const PIECE = 4_000;
/** Milliseconds without anything new after which it is shown that more is to come. */
const QUIET_MS = 1_000;

export class GrowingAnswer {
  readonly item = make('li', {
    class: 'assistant',
    'aria-busy': 'true',
    'aria-label': say('answer'),
  });
  readonly body = new AnswerBody();
  sources: Source[] = [];
  /** The whole text so far. */
  text = '';
  readonly #waiting: Part[] = [];
  #isScheduled = false;
  /** The last drawing: its beginning, its time to the next task, and whether text was left. */
  #drawn = { at: 0, took: 0, isBehind: false };
  readonly #dots = make('p', { class: 'waiting', role: 'img', 'aria-label': say('answering') });

  constructor() {
    this.#dots.append(...[1, 2, 3].map(() => make('span')));
    this.item.append(this.body.element, this.#dots);
  }

  /** Takes an event of the turn. */
  take({ type, data }: TurnEvent): void {
    if (type === 'message.delta') this.#append('text', data.text);
    else if (type === 'reasoning.delta') this.#append('reasoning', data.text);
    else if (type === 'sources') this.sources = data.sources;
    else if (type === 'steered') this.#add({ type, ...data });
    else if (type === 'tool.call') this.#add({ type: 'tool_call', ...data });
    else if (type === 'tool.result') this.#add({ type: 'tool_result', ...data });
  }

  /** Resolves when all that waits is drawn; where nobody sees it, that is at once. */
  async drawn(): Promise<void> {
    while (this.#waiting.length > 0 && !document.hidden) await pause(PACE_MS);
  }

  /** Ends the text. */
  end(): void {
    this.#drawFor(Infinity);
    this.body.end();
    this.#dots.remove();
    this.item.removeAttribute('aria-busy');
  }

  #append(type: 'text' | 'reasoning', text: string): void {
    if (type === 'text') this.text += text;
    const last = this.#waiting.at(-1);
    if (last?.type === type) last.text += text;
    else this.#waiting.push({ type, text });
    this.#schedule();
  }

  #add(part: Part): void {
    this.#waiting.push(part);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    if (document.hidden) return void setTimeout(() => this.#draw(), UNSEEN_MS);
    const { at, took, isBehind } = this.#drawn;
    const share = isBehind ? took / SHARE_BEHIND : Math.max(PACE_MS, took / SHARE);
    const frame = () => requestAnimationFrame(() => this.#draw());
    const left = at + share - performance.now();
    if (left > 0) setTimeout(frame, left);
    else frame();
  }

  /** A timer that is set in a frame fires when its layout and painting are over. */
  #draw(): void {
    const at = performance.now();
    this.#isScheduled = false;
    const isBehind = this.#drawFor(document.hidden ? Infinity : SLICE_MS);
    this.#waitForMore();
    setTimeout(() => {
      this.#drawn = { at, took: performance.now() - at, isBehind };
      if (isBehind) this.#schedule();
    });
  }

  /** Text that grows says enough; what moves beside it would cost as much as the text. */
  #waitForMore(): void {
    if (this.#dots.hidden) return;
    this.#dots.hidden = true;
    const look = () => {
      const left = this.#drawn.at + QUIET_MS - performance.now();
      if (left > 0) setTimeout(look, left);
      else this.#dots.hidden = false;
    };
    setTimeout(look, QUIET_MS);
  }

  /** Draws for so many milliseconds. @returns true where something still waits */
  #drawFor(length: number): boolean {
    const end = performance.now() + length;
    while (this.#waiting.length > 0 && performance.now() < end) this.body.add(this.#takePiece());
    return this.#waiting.length > 0;
  }

  #takePiece(): Part {
    // It is called while something waits.
    const first = this.#waiting[0] as Part;
    if (!('text' in first) || first.text.length <= PIECE) {
      this.#waiting.shift();
      return first;
    }
    const text = first.text.slice(0, PIECE);
    first.text = first.text.slice(PIECE);
    return { ...first, text };
  }
}
