/**
 * The answer that grows. Deltas are gathered and drawn once for each frame, so that ten thousand in
 * a second cost what sixty do.
 */
import type { Source, TurnEvent } from '../api/types.ts';
import { make } from '../shared/elements.ts';
import { say } from '../shared/words.ts';
import { AnswerBody } from './answer-body.ts';

/** Milliseconds between two drawings while nobody sees the page: then there are no frames. */
const UNSEEN_MS = 500;

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
  readonly #grew: () => void;

  /** @param grew is called after each drawing */
  constructor(grew: () => void) {
    this.#grew = grew;
    this.body.element.dir = 'auto';
    const dots = make('p', { class: 'waiting', role: 'img', 'aria-label': say('answering') });
    dots.append(...[1, 2, 3].map(() => make('span')));
    this.item.append(this.body.element, dots);
  }

  /** Takes an event of the turn. */
  take({ type, data }: TurnEvent): void {
    if (type === 'message.delta') this.#append('text', data.text);
    else if (type === 'reasoning.delta') this.#append('reasoning', data.text);
    else if (type === 'sources') this.sources = data.sources;
    else if (type === 'tool.call') this.#add({ type: 'tool_call', ...data });
    else if (type === 'tool.result') this.#add({ type: 'tool_result', ...data });
  }

  /** Draws what waits, and ends the text. */
  end(): void {
    this.#draw();
    this.body.end();
  }

  #append(type: 'text' | 'reasoning', text: string): void {
    if (type === 'text') this.text += text;
    const last = this.#waiting.at(-1);
    if (last?.type === type) last.text += text;
    else this.#waiting.push({ type, text });
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    if (document.hidden) setTimeout(() => this.#draw(), UNSEEN_MS);
    else requestAnimationFrame(() => this.#draw());
  }

  #add(part: Parameters<AnswerBody['add']>[0]): void {
    this.#draw();
    this.body.add(part);
    this.#grew();
  }

  #draw(): void {
    this.#isScheduled = false;
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    for (const part of waiting) this.body.add(part);
    this.#grew();
  }
}
