/** A conversation as a page that needs no script: to be read, printed and saved. */
import { html } from 'hono/html';
import type { Message } from '../../core/message.ts';
import { contentOf } from '../../core/parts.ts';
import type { Transcript } from '../../store/transcript.ts';
import { time } from '../../wire/views.ts';
import type { AppContext } from '../shared/dependencies.ts';

/** Nothing runs on the page, and it loads its own styles alone. */
const POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const PEOPLE = { user: 'You', assistant: 'Answer' } as const;

/** Returns true for a reader that wants a page before anything else. */
export function wantsPage(c: AppContext): boolean {
  return /^\s*text\/html\b/iu.test(c.req.header('accept') ?? '');
}

/** Answers with the page of a conversation. Whatever was said in it is text. */
export async function answerPage(c: AppContext, found: Transcript): Promise<Response> {
  const title = found.conversation.title ?? 'Conversation';
  const page = await html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>${title}</title>
        <link rel="icon" type="image/svg+xml" href="/assets/icon.svg" />
        <link rel="stylesheet" href="/assets/reading.css" />
      </head>
      <body>
        <main>
          <h1 dir="auto">${title}</h1>
          ${found.more ? html`<p>The newest messages of a longer conversation.</p>` : ''}
          ${found.messages.map(renderMessage)}
        </main>
      </body>
    </html>`;
  return c.html(page, 200, {
    'Content-Security-Policy': POLICY,
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',
  });
}

function renderMessage(message: Message) {
  const made = time(message.createdAt);
  const isWhole = message.status === 'complete';
  return html`<article class="${message.role}">
    <h2>
      ${PEOPLE[message.role]} <time datetime="${made}">${made.slice(0, 16).replace('T', ' ')}</time>
    </h2>
    <div dir="auto">${contentOf(message.parts)}</div>
    ${isWhole ? '' : html`<p>This answer is ${message.status}.</p>`}
  </article>`;
}
