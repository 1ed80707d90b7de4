/**
 * The answer that grows. Deltas are gathered and drawn once for each frame, so that ten thousand in
 * a second cost what sixty do.
 */
import type { Source, TurnEvent } from '../api/types.ts';
import { make } from '../shared/elements.ts';
import { say } from '../shared/words.ts';
import { AnswerBody } from './answer-body.ts';

/** Milliseconds between two drawings: more of them cost more, and nobody reads faster. */
const PACE_MS = 40;
/** While nobody sees the page there are no frames. */
const UNSEEN_MS = 500;
/** The part of the time that drawing may take: a text that is slow to draw is drawn less often. */
const SHARE = 0.25;

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
  #waiting: { type: 'text' | 'reasoning'; text: string }[] = [];
  #isScheduled = false;
  /** The last drawing: its beginning, and its time to the next task, in milliseconds. */
  #drawn = { at: 0, took: 0 };
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

  /** Draws what waits, and ends the text. */
  end(): void {
    this.#draw();
    this.body.end();
    this.#dots.remove();
    this.item.removeAttribute('aria-busy');
  }

  #append(type: 'text' | 'reasoning', text: string): void {
    if (type === 'text') this.text += text;
    const last = this.#waiting.at(-1);
    if (last?.type === type) last.text += text;
    else this.#waiting.push({ type, text });
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    if (document.hidden) return void setTimeout(() => this.#draw(), UNSEEN_MS);
    const { at, took } = this.#drawn;
    const pause = at + Math.max(PACE_MS, took / SHARE) - performance.now();
    setTimeout(() => requestAnimationFrame(() => this.#drawTimed()), pause);
  }

  /** The task after a frame comes when its layout and painting are over. */
  #drawTimed(): void {
    const at = performance.now();
    this.#draw();
    const { port1, port2 } = new MessageChannel();
    const later = () => (this.#drawn = { at, took: performance.now() - at });
    port1.addEventListener('message', later, { once: true });
    port1.start();
    port2.postMessage(undefined);
  }

  #add(part: Parameters<AnswerBody['add']>[0]): void {
    this.#draw();
    this.body.add(part);
  }

  #draw(): void {
    this.#isScheduled = false;
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    for (const part of waiting) this.body.add(part);
  }
}
