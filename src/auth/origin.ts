/**
 * Decides which web pages may call. Without identity, a server on loopback has no other protection
 * against pages of other sites.
 */
import { ParleyError } from '../core/errors.ts';
import { isLoopback } from '../core/loopback.ts';

export interface OriginPolicy {
  /**
   * The allowed origins; `*` allows all, `null` pages that are opened as files, and undefined
   * allows localhost on any port.
   */
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
  if (origins?.includes('*') || origins?.includes(origin)) return true;
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  if (!url) return false;
  if (url.host === host) return true;
  if (!origins) return isLoopback(url.hostname);
  return origins.some((allowed) => originOf(allowed) === url.origin);
}

/** Returns true when the operator has named this very origin, and not everybody. */
export function isNamedOrigin(origin: string, { origins = [] }: OriginPolicy): boolean {
  const isNamed = origins.some((allowed) => originOf(allowed) === origin);
  return isNamed && origin !== 'null';
}

function originOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).origin : undefined;
}

/** UTF-16 units of a header that are shown to the operator. */
const LONGEST_SHOWN = 200;

/** Returns the operator's notice of a refused origin, with the setting that would allow it. */
export function refusedOriginMessage(origin: string, { origins = [] }: OriginPolicy): string {
  const shown = origin.slice(0, LONGEST_SHOWN);
  const what = shown === 'null' ? 'null (a page that was opened as a file)' : shown;
  const line = `CORS_ORIGINS=${[...origins, shown].join()}`;
  return `pages of the origin ${what} may not call; to let them, set ${line}`;
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
