/**
 * Reads the Idempotency-Key of a request and makes the fingerprint that tells a repeat from another
 * request.
 */
import { invalid } from '../../core/errors.ts';
import { sha256 } from '../../core/sha256.ts';
import type { Key } from '../../store/idempotency-keys.ts';
import { unreadKey } from '../../store/unread-turns.ts';
import type { AppContext } from './dependencies.ts';

const LONGEST_KEY = 255;

/**
 * Reads the key of a request; undefined when it has none.
 * @param scope the owner of the key; the same key of another user is another key
 * @param fallback a key from the query, for clients that cannot set a header
 * @param said the content of the body, for bodies that differ each time
 */
export async function idempotencyKey(
  c: AppContext,
  { scope, fallback, said }: { scope: string; fallback?: string; said?: string },
): Promise<Key | undefined> {
  const key = c.req.header('idempotency-key') ?? fallback;
  if (key === undefined || key === '') return undefined;
  if (key.length > LONGEST_KEY)
    throw invalid('Idempotency-Key', `Idempotency-Key may have ${LONGEST_KEY} characters`);
  const url = new URL(c.req.url);
  // A ticket says who asks, not what is asked.
  if (url.search.includes('ticket=')) url.searchParams.delete('ticket');
  const request = [c.req.method, c.req.path, url.search, said ?? (await c.req.text())].join('\n');
  return { scope, key, fingerprint: await sha256(request) };
}

/**
 * Reads the key of a request whose answer is sent whole. Without one it finds the turn of the same
 * request where its client had gone, and nobody has read the answer.
 * @param request the hash of the body
 * @param said what tells the request from others with the same body
 */
export async function keyOrUnread(
  c: AppContext,
  { scope, request, said }: { scope: string; request: string; said: readonly unknown[] },
): Promise<Key> {
  const given = await idempotencyKey(c, { scope });
  return given ?? unreadKey(request, { scope, said: [c.req.path, ...said] });
}

/** Tells whether a client of OpenAI's package says that it has sent the request before. */
export function isRetry(c: AppContext): boolean {
  return Number(c.req.header('x-stainless-retry-count') ?? 0) > 0;
}
