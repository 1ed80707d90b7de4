/** Answers with messages as a page that needs no script. */
import type { Transcript } from '../../store/transcript.ts';
import type { AppContext } from '../shared/dependencies.ts';
import { languageFor } from '../shared/languages.ts';

/** Nothing runs on the page, and it loads its own styles alone. */
const POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The most messages of a page that is not the newest. */
const PAGE = 200;

/** Returns true for a reader that wants a page before anything else. */
export function wantsPage(c: AppContext): boolean {
  return /^\s*text\/html\b/iu.test(c.req.header('accept') ?? '');
}

/**
 * Answers with the page of some messages, in the reader's language.
 * @param after the number that they come after; undefined for the newest messages
 */
export async function answerPage(
  c: AppContext,
  { conversation, messages, more }: Transcript,
  after?: number,
): Promise<Response> {
  const { renderPage } = await c.get('dependencies').loadReading();
  const [first, last] = [messages[0], messages.at(-1)];
  const end = after ?? (more ? (first?.sequenceNumber ?? 1) - 1 : 0);
  const path = `/conversations/${conversation.id}/messages`;
  const linkAfter = (cursor: number) => addressOf(c, path, cursor);
  const html = await renderPage({
    title: conversation.title,
    messages,
    language: languageFor(c.req.header('cookie'), c.req.header('accept-language')),
    address: c.req.url,
    earlier: end > 0 ? linkAfter(Math.max(0, end - PAGE)) : undefined,
    later: after !== undefined && more && last ? linkAfter(last.sequenceNumber) : undefined,
  });
  c.res.headers.append('Vary', 'Accept-Language, Cookie');
  return c.html(html, 200, {
    'Content-Security-Policy': POLICY,
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',
  });
}

/** The path of a page, for the same user. */
function addressOf(c: AppContext, path: string, cursor: number): string {
  const query = new URLSearchParams({ limit: String(PAGE), cursor: String(cursor) });
  const user = c.req.query('user_id');
  if (user !== undefined) query.set('user_id', user);
  return `${path}?${query}`;
}
