/** Who may call from a browser. Without identity the only protection of a server on loopback is that no page from elsewhere can speak to it. */
import { ParleyError } from '../core/errors.ts';
import { isLoopback } from '../config.ts';

export interface OriginPolicy {
  /** Undefined: localhost on any port. `*` allows everybody. */
  origins: readonly string[] | undefined;
}

/** True when pages of `origin` may call. @param host of the request: its own origin is always allowed */
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

/** @throws ParleyError `forbidden_origin` when a page from elsewhere tries to start or change something */
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

/** @throws ParleyError `forbidden_host` when a name that is not this machine's was used to reach it (DNS rebinding) */
export function refuseForeignHost(headers: Headers): void {
  const host = headers.get('host');
  if (host === null || isLoopback(host.replace(/:\d+$/, ''))) return;
  throw new ParleyError({
    code: 'forbidden_host',
    detail: 'This server answers to loopback names only',
  });
}
