/** Finds the credential of a request. Long-lived ones are taken from headers and cookies alone. */
import { invalid, unauthenticated, type ParleyError } from '../core/errors.ts';
import type { Presented } from './identity.ts';

/** The name of the cookie of a session. */
export const SESSION_COOKIE = 'parley_session';

/**
 * Parameters by which credentials are sent elsewhere: in an address they would be written to logs.
 */
const IN_ADDRESSES = new Set([
  'access_token',
  'api_key',
  'apikey',
  'authorization',
  'key',
  'token',
]);

interface Sent {
  headers: Headers;
  /** The parameter `ticket`. */
  ticket?: string | undefined;
  /** True when a session's cookie is not looked at. */
  withoutCookie?: boolean | undefined;
}

/**
 * Returns the credential that a request carries.
 * @throws ParleyError `unauthenticated` for none, and for two that differ
 */
export function presentedCredential({ headers, ticket, withoutCookie }: Sent): Presented {
  const authorization = headers.get('authorization');
  const cookies = withoutCookie ? null : headers.get('cookie');
  const bearer = authorization === null ? undefined : bearerIn(authorization);
  const key = headers.get('x-api-key') ?? undefined;
  const session = cookies === null ? undefined : sessionIn(cookies);
  const text = bearer ?? key ?? session ?? ticket;
  if (text === undefined) throw unauthenticated();
  for (const other of [key, session, ticket])
    if (other !== undefined && other !== text) throw unauthenticated();
  if (bearer !== undefined || key !== undefined) return { text, place: 'header' };
  return { text, place: session === undefined ? 'address' : 'cookie' };
}

/**
 * Refuses credentials in an address: it is kept in logs and histories.
 * @param names the parameters of the address
 * @throws ParleyError `invalid_request`
 */
export function refuseInAddress(names: readonly string[]): void {
  const name = names.find((given) => IN_ADDRESSES.has(given.toLowerCase()));
  if (name !== undefined) throw credentialInAddress(name);
}

function credentialInAddress(name: string): ParleyError {
  return invalid(
    name,
    'A credential does not belong in an address: send Authorization: Bearer, or a ticket',
  );
}

/** Returns the credential of the scheme `Bearer`; for another scheme, a text that never holds. */
function bearerIn(authorization: string): string {
  return /^Bearer +(\S+)$/i.exec(authorization.trim())?.[1] ?? `not a bearer: ${authorization}`;
}

function sessionIn(cookies: string): string | undefined {
  const all = cookies.split(';').map((cookie) => cookie.trim().split('='));
  const found = all.filter(([name]) => name === SESSION_COOKIE);
  // Two cookies of one name come from two paths or domains: none of them can be told to be ours.
  return found.length === 0 ? undefined : found.map(([, text]) => text).join(' ');
}
