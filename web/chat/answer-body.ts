/** The content of an answer: its parts in their order, whether they are stored or still come. */
import type { Message, Part } from '../api/types.ts';
import { make } from '../shared/elements.ts';
import { say, type Word } from '../shared/words.ts';
import { createMarkdown, type Markdown } from './markdown.ts';

/** What people call the tools of this server. */
const TOOLS: Readonly<Record<string, Word>> = {
  search_documents: 'toolSearchDocuments',
  search_conversations: 'toolSearchConversations',
};

/** Returns what people call a tool. */
export function toolName(name: string): string {
  const word = TOOLS[name];
  return word ? say(word) : name;
}

/** Draws parts as they come; `end` is called once after the last. */
export class AnswerBody {
  readonly element = make('div', { class: 'body' });
  #markdown: Markdown | undefined;
  #thoughts: HTMLElement | undefined;
  readonly #calls = new Map<string, HTMLElement>();

  add(part: Part): void {
    if (part.type === 'text') return this.#addText(part.text);
    if (part.type === 'reasoning') return this.#addThoughts(part.text);
    this.#close();
    if (part.type === 'tool_call') this.#addCall(part);
    if (part.type === 'tool_result') this.#addResult(part);
  }

  end(): void {
    this.#close();
  }

  #close(): void {
    this.#markdown?.end();
    this.#markdown = undefined;
    this.#thoughts = undefined;
  }

  #addText(text: string): void {
    if (!this.#markdown) {
      this.#close();
      const target = make('div', { class: 'text' });
      this.element.append(target);
      this.#markdown = createMarkdown(target);
    }
    this.#markdown.write(text);
  }

  #addThoughts(text: string): void {
    if (!this.#thoughts) {
      this.#close();
      this.#thoughts = make('div', { class: 'thoughts' });
      this.element.append(fold(say('thoughts'), this.#thoughts));
    }
    this.#thoughts.append(text);
  }

  #addCall({ tool_call_id: id, name, input }: Extract<Part, { type: 'tool_call' }>): void {
    const content = make('div', {}, block(say('toolInput'), input));
    this.#calls.set(id, content);
    this.element.append(fold(toolName(name), content, 'tool'));
  }

  #addResult(part: Extract<Part, { type: 'tool_result' }>): void {
    const title = say(part.is_error ? 'toolFailed' : 'toolOutput');
    this.#calls.get(part.tool_call_id)?.append(block(title, part.output));
  }
}

/** Draws the content of a stored answer. */
export function drawBody(message: Message): HTMLElement {
  const body = new AnswerBody();
  const parts = message.parts ?? [{ type: 'text' as const, text: message.content }];
  for (const part of parts) body.add(part);
  body.end();
  return body.element;
}

function fold(title: string, content: HTMLElement, kind = 'reasoning'): HTMLElement {
  return make('details', { class: `fold ${kind}` }, make('summary', {}, title), content);
}

function block(title: string, value: unknown): HTMLElement {
  const text = typeof value === 'string' ? value : JSON.stringify(value, undefined, 2);
  return make('div', {}, make('h4', {}, title), make('pre', { tabIndex: 0 }, text));
}
