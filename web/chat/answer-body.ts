/** The content of an answer: its parts in their order, whether they are stored or still come. */
import type { Markdown } from '../../src/text/markdown.ts';
import type { Message, Part, Steering } from '../api/types.ts';
import { make } from '../shared/elements.ts';
import { say, type Word } from '../shared/words.ts';
import { drawFiles } from './files.ts';
import { createMarkdown } from './markdown.ts';

/** The names that people have for the tools of this server. */
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
  readonly element = make('div', { class: 'body', dir: 'auto' });
  #markdown: Markdown | undefined;
  #thoughts: HTMLElement | undefined;
  readonly #calls = new Map<string, HTMLElement>();

  add(part: Part): void {
    if (part.type === 'text') return this.#addText(part.text);
    if (part.type === 'reasoning') return this.#addThoughts(part.text);
    this.#close();
    if (part.type === 'steered') this.element.append(drawSteering(part.message));
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

/** UTF-16 units of text that are drawn at once: a longer text would hold the page up. */
const SLICE = 8_000;

/**
 * Draws the content of a stored answer. What is long comes in slices.
 * @returns the element, and a promise of the rest where there is one
 */
export function drawBody(message: Message): { element: HTMLElement; rest?: Promise<void> } {
  const body = new AnswerBody();
  const parts = message.parts ?? [{ type: 'text' as const, text: message.content }];
  const slices = parts.flatMap(sliced);
  for (const part of slices.splice(0, parts.length)) body.add(part);
  if (slices.length > 0) return { element: body.element, rest: drawRest(body, slices) };
  body.end();
  return { element: body.element };
}

async function drawRest(body: AnswerBody, slices: readonly Part[]): Promise<void> {
  // What grows out of sight costs no layout.
  body.element.hidden = true;
  for (const part of slices) {
    await new Promise((resolve) => setTimeout(resolve));
    body.add(part);
  }
  body.end();
  body.element.hidden = false;
}

function sliced(part: Part): Part[] {
  if (part.type !== 'text') return [part];
  const { type, text } = part;
  const count = Math.ceil(text.length / SLICE);
  return Array.from({ length: count }, (_, at) => ({
    type,
    text: text.slice(at * SLICE, (at + 1) * SLICE),
  }));
}

/** Draws a message that the reader has added to the answer while it came. */
function drawSteering({ content, parts = [] }: Steering): HTMLElement {
  const files = parts.filter((part) => part.type === 'file');
  return make(
    'div',
    { class: 'added', role: 'note', 'aria-label': say('youAdded') },
    make('p', { class: 'hint', 'aria-hidden': 'true' }, say('youAdded')),
    ...(files.length > 0 ? [drawFiles(files)] : []),
    make('p', { dir: 'auto' }, content),
  );
}

function fold(title: string, content: HTMLElement, kind = 'reasoning'): HTMLElement {
  return make('details', { class: `fold ${kind}` }, make('summary', {}, title), content);
}

function block(title: string, value: unknown): HTMLElement {
  const text = typeof value === 'string' ? value : JSON.stringify(value, undefined, 2);
  return make('div', {}, make('strong', {}, title), make('pre', { tabIndex: 0 }, text));
}
