/**
 * Decides which web pages may call. Without identity, a server on loopback has no other protection
 * against pages of other sites.
 */
import { ParleyError } from '../core/errors.ts';
import { isLoopback } from '../config.ts';

export interface OriginPolicy {
  /** The allowed origins; `*` allows all, and undefined allows localhost on any port. */
  origins: readonly string[] | undefined;
}

/**
 * Returns true when pages of `origin` may call.
 * @param host the host of the request, whose own origin is always allowed
 */
export function isAllowedOrigin(
  origin: string,
  host: string | undefined,
  { origins }: OriginPolicy,
): boolean {
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  if (!url) return false;
  if (url.host === host) return true;
  if (!origins) return isLoopback(url.hostname);
  return origins.includes('*') || origins.some((allowed) => new URL(allowed).origin === url.origin);
}

/**
 * Refuses a request of a page that may not call.
 * @throws ParleyError `forbidden_origin`
 */
export function refuseForeignOrigin(headers: Headers, policy: OriginPolicy): void {
  const origin = headers.get('origin');
  const host = headers.get('host') ?? undefined;
  if (origin !== null) {
    if (isAllowedOrigin(origin, host, policy)) return;
  } else if (headers.get('sec-fetch-site') !== 'cross-site') return;
  throw new ParleyError({
    code: 'forbidden_origin',
    detail: 'This origin may not call here; see CORS_ORIGINS',
  });
}

/**
 * Refuses a request that reached this machine by a name other than its loopback names, which is how
 * DNS rebinding works.
 * @throws ParleyError `forbidden_host`
 */
export function refuseForeignHost(headers: Headers): void {
  const host = headers.get('host');
  if (host === null || isLoopback(host.replace(/:\d+$/, ''))) return;
  throw new ParleyError({
    code: 'forbidden_host',
    detail: 'This server answers to loopback names only',
  });
}
