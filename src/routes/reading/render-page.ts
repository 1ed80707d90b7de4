/**
 * Renders messages as a page that needs no script: to be read, printed and saved. It is loaded when
 * somebody first reads so.
 */
import german from '../../../web/languages/de.json' with { type: 'json' };
import english from '../../../web/languages/en.json' with { type: 'json' };
import type { Message } from '../../core/message.ts';
import { contentOf } from '../../core/parts.ts';
import { drawMarkdown } from './draw-markdown.ts';
import { make, write, type Element } from './markup.ts';

type Words = typeof english;

const LANGUAGES: Readonly<Record<string, Words>> = { en: english, de: german };

const STATES: Readonly<Record<string, keyof Words>> = {
  truncated: 'stateTruncated',
  filtered: 'stateFiltered',
  cancelled: 'stateCancelled',
  interrupted: 'stateInterrupted',
  failed: 'stateFailed',
  streaming: 'answering',
};

/**
 * UTF-16 units of answers that are drawn as Markdown on one page. What goes beyond is shown as it
 * is written: to draw it takes seconds.
 */
const MOST_MARKDOWN = 1_000_000;

export interface ReadingPage {
  title: string | null;
  messages: readonly Message[];
  language: string;
  /** The address of the page, which those of its links are relative to. */
  address: string;
  /** The paths of the messages before these, and after them; undefined where there are none. */
  earlier?: string | undefined;
  later?: string | undefined;
}

/** Returns the HTML of a page. Whatever was said is text, and what Markdown makes of it. */
export async function renderPage(page: ReadingPage): Promise<string> {
  const words = LANGUAGES[page.language] ?? english;
  const title = page.title ?? words.untitled;
  const main = make(
    'main',
    {},
    make('h1', { dir: 'auto' }, title),
    ...linkTo(page.earlier, words.earlier),
    ...(await drawMessages(page, words)),
    ...linkTo(page.later, words.later),
  );
  const html = make('html', { lang: page.language }, drawHead(title), make('body', {}, main));
  return `<!doctype html>\n${write(html)}\n`;
}

function drawHead(title: string): Element {
  return make(
    'head',
    {},
    make('meta', { charset: 'utf-8' }),
    make('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
    make('meta', { name: 'color-scheme', content: 'light dark' }),
    make('meta', { name: 'robots', content: 'noindex' }),
    make('title', {}, title),
    make('link', { rel: 'icon', type: 'image/svg+xml', href: '/assets/icon.svg' }),
    make('link', { rel: 'stylesheet', href: '/assets/reading.css' }),
  );
}

function linkTo(path: string | undefined, name: string): Element[] {
  return path === undefined ? [] : [make('p', {}, make('a', { href: path }, name))];
}

async function drawMessages(page: ReadingPage, words: Words): Promise<Element[]> {
  const { messages, language, address } = page;
  const style = { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' } as const;
  const times = new Intl.DateTimeFormat(language, style);
  const drawn: Element[] = [];
  let left = MOST_MARKDOWN;
  for (const message of messages) {
    const text = contentOf(message.parts);
    left -= text.length;
    const isDrawn = message.role === 'assistant' && left >= 0;
    const options = { base: address, task: words.task };
    const body = isDrawn
      ? make('div', { dir: 'auto', class: 'prose' }, ...(await drawMarkdown(text, options)))
      : make('div', { dir: 'auto', class: 'said' }, text);
    drawn.push(drawMessage(message, body, { words, times }));
  }
  return drawn;
}

function drawMessage(
  { role, status, createdAt }: Message,
  body: Element,
  { words, times }: { words: Words; times: Intl.DateTimeFormat },
): Element {
  const made = new Date(createdAt);
  const time = make('time', { datetime: made.toISOString() }, `${times.format(made)} UTC`);
  const who = role === 'user' ? words.question : words.answer;
  const state = STATES[status];
  const note = state ? [make('p', {}, words[state])] : [];
  return make('article', { class: role }, make('h2', {}, `${who} `, time), body, ...note);
}
