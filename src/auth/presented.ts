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
  const cookie = withoutCookie ? undefined : sessionIn(headers.get('cookie'));
  const found = [
    at('header', authorization === null ? undefined : bearerIn(authorization)),
    at('header', headers.get('x-api-key') ?? undefined),
    at('cookie', cookie),
    at('address', ticket),
  ].filter((presented) => presented !== undefined);
  const [first] = found;
  const isOne = found.every(({ text }) => text === first?.text);
  if (!first || !isOne) throw unauthenticated();
  return first;
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

function at(place: Presented['place'], text: string | undefined): Presented | undefined {
  return text === undefined ? undefined : { text, place };
}

/** Returns the credential of the scheme `Bearer`; for another scheme, a text that never holds. */
function bearerIn(authorization: string): string {
  return /^Bearer +(\S+)$/i.exec(authorization.trim())?.[1] ?? `not a bearer: ${authorization}`;
}

function sessionIn(cookies: string | null): string | undefined {
  const all = (cookies ?? '').split(';').map((cookie) => cookie.trim().split('='));
  const found = all.filter(([name]) => name === SESSION_COOKIE);
  // Two cookies of one name come from two paths or domains: none of them can be told to be ours.
  return found.length === 0 ? undefined : found.map(([, text]) => text).join(' ');
}
