/**
 * The names by which a server on loopback is reached. A page from elsewhere could have a name of
 * its own point to this machine (DNS rebinding): requests by other names are refused.
 */
import { isLoopback } from '../core/loopback.ts';

/** UTF-16 units of a header that are shown to the operator. */
const LONGEST_SHOWN = 200;

export const REFUSED_HOST =
  'This server answers to loopback names only; behind a proxy, TRUSTED_HOSTS names others';

/** @param trusted names without ports; `*` is any */
export function isTrustedHost(host: string | undefined, trusted: readonly string[] = []): boolean {
  if (host === undefined) return true;
  const name = host.replace(/:\d+$/, '').toLowerCase();
  return isLoopback(name) || trusted.includes('*') || trusted.includes(name);
}

/** Returns what the operator is told of a request that came by another name. */
export function refusedHostMessage(host = ''): string {
  const name = host.replace(/:\d+$/, '').slice(0, LONGEST_SHOWN);
  return `a request to the host ${name} was refused; behind a proxy, set TRUSTED_HOSTS=${name}`;
}
