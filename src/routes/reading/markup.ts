/** Writes HTML of elements and texts. Whatever was said is a text, and is escaped here. */
import { escapeHtml } from '../../text/escape-html.ts';

/** An element with its content, or a text. */
export type Markup = Element | string;

export interface Element {
  /** Empty for content without an element around it. */
  tag: string;
  attributes: Record<string, string>;
  content: Markup[];
}

const VOID: ReadonlySet<string> = new Set(['br', 'hr', 'input', 'link', 'meta']);

/** Makes an element. An attribute that is undefined is left out. */
export function make(
  tag: string,
  attributes: Record<string, string | undefined> = {},
  ...content: Markup[]
): Element {
  const given = Object.entries(attributes).filter(([, value]) => value !== undefined);
  // What is undefined has been left out.
  return { tag, attributes: Object.fromEntries(given) as Record<string, string>, content };
}

/** Returns the HTML of an element or a text. */
export function write(markup: Markup): string {
  if (typeof markup === 'string') return escapeHtml(markup);
  const { tag, attributes, content } = markup;
  const inner = content.map(write).join('');
  if (tag === '') return inner;
  const named = Object.entries(attributes).map(
    ([name, value]) => ` ${name}="${escapeHtml(value)}"`,
  );
  return `<${tag}${named.join('')}>${VOID.has(tag) ? '' : `${inner}</${tag}>`}`;
}
