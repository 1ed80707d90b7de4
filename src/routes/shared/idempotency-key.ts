/** The Idempotency-Key of a request, and a fingerprint by which a repeat is told from another request. */
import { invalid } from '../../core/errors.ts';
import { sha256 } from '../../core/sha256.ts';
import type { Key } from '../../store/idempotency-keys.ts';
import type { AppContext } from './dependencies.ts';

const LONGEST_KEY = 255;

/**
 * Reads the key of a request; undefined where it has none.
 * @param scope whose key it is: the same key of somebody else is another
 * @param fallback a key given in the query, for clients that cannot set a header
 * @param said what the body says, where the body itself would be another each time
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
  const request = [c.req.method, c.req.path, url.search, said ?? (await c.req.text())].join('\n');
  return { scope, key, fingerprint: await sha256(request) };
}
