/**
 * Thoughts that a service leaves in the text, between tags at its start: `<think>` and `</think>`,
 * or the tags of other models.
 */

/** Models that open with them: Qwen and DeepSeek; Gemini; Bedrock's; Magistral; Kimi. */
const TAGS: readonly (readonly [open: string, close: string])[] = [
  ...['think', 'thinking', 'thought', 'reasoning'].map(
    (name) => [`<${name}>`, `</${name}>`] as const,
  ),
  ['[THINK]', '[/THINK]'],
  ['◁think▷', '◁/think▷'],
];

export interface Divided {
  thought: string;
  text: string;
}

/** Divides a text that arrives in deltas. Tags count at the very start only; they may be split. */
export class ThinkTags {
  #state: 'start' | 'thought' | 'gap' | 'text' = 'start';
  #close = '';
  /** Text that may turn out to be a part of a tag. */
  #held = '';

  /** True when all that follows is text, and nothing is held back. */
  get isText(): boolean {
    return this.#state === 'text';
  }

  push(delta: string): Divided {
    const divided = { thought: '', text: '' };
    this.#held += delta;
    if (this.#state === 'start') this.#readStart();
    if (this.#state === 'thought') divided.thought = this.#readThought();
    if (this.#state === 'gap') this.#readGap();
    if (this.#state === 'text') divided.text = this.#take(this.#held.length);
    return divided;
  }

  /** Returns what was held back when no more comes. */
  flush(): Divided {
    const held = this.#state === 'gap' ? '' : this.#take(this.#held.length);
    const isThought = this.#state === 'thought';
    return { thought: isThought ? held : '', text: isThought ? '' : held };
  }

  #readStart(): void {
    const start = this.#held.trimStart();
    const tag = TAGS.find(([open]) => start.startsWith(open));
    if (tag) {
      this.#held = start.slice(tag[0].length);
      this.#close = tag[1];
      this.#state = 'thought';
    } else if (!TAGS.some(([open]) => open.startsWith(start))) {
      this.#state = 'text';
    }
  }

  #readThought(): string {
    const end = this.#held.indexOf(this.#close);
    if (end < 0) return this.#take(this.#held.length - partOfTag(this.#held, this.#close));
    const thought = this.#take(end);
    this.#held = this.#held.slice(this.#close.length);
    this.#state = 'gap';
    return thought;
  }

  /** Blank space between thoughts and text belongs to neither. */
  #readGap(): void {
    this.#held = this.#held.trimStart();
    if (this.#held !== '') this.#state = 'text';
  }

  #take(length: number): string {
    const taken = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    return taken;
  }
}

/** Returns how many characters at the end of a text may be the beginning of a tag. */
function partOfTag(text: string, tag: string): number {
  for (let length = Math.min(tag.length - 1, text.length); length > 0; length--)
    if (text.endsWith(tag.slice(0, length))) return length;
  return 0;
}
