/** Writes what a model says into the growing answer of its turn. */
import type { GrowingType } from '../../core/parts.ts';
import { SafeText } from '../../core/safe-text.ts';
import type { RunningTurn } from './running-turn.ts';

/** The longest answer, in UTF-16 units; a model that writes more is stopped. */
const LONGEST_ANSWER = 1_000_000;

/** The part of a step's result that tells what was written, as `model-step.ts` describes it. */
interface WrittenStep {
  spoke: boolean;
  tooLong?: true;
}

/** Makes deltas safe before they are added to the answer, and limits its length. */
export class SafeWriter {
  readonly #turn: RunningTurn;
  readonly #step: WrittenStep;
  readonly #safe = new SafeText();
  #type: GrowingType = 'text';
  #length = 0;

  constructor(turn: RunningTurn, step: WrittenStep) {
    this.#turn = turn;
    this.#step = step;
  }

  write(type: GrowingType, delta: string): void {
    if (type !== this.#type) {
      this.flush();
      this.#type = type;
    }
    const unitsLeft = LONGEST_ANSWER - this.#length;
    if (delta.length > unitsLeft) this.#step.tooLong = true;
    this.#append(this.#safe.push(delta.length > unitsLeft ? delta.slice(0, unitsLeft) : delta));
  }

  flush(): void {
    this.#append(this.#safe.flush());
  }

  #append(text: string): void {
    if (text === '') return;
    this.#length += text.length;
    this.#step.spoke = true;
    this.#turn.append(this.#type, text);
  }
}
