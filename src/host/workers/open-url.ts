/**
 * Asks for addresses that users name. A Worker cannot say which address of a name it connects to,
 * so the name is resolved before, and refused where any address is not public. Between the two a
 * name may change its address; but a deployed Worker has no private network to reach by one.
 */
import { resolve4, resolve6 } from 'node:dns/promises';
import { isPublicAddress } from '../../core/public-address.ts';
import type { OpenUrl } from '../../documents/fetch-file.ts';

export const openUrl: OpenUrl = async (url, { signal, trusted }) => {
  if (!trusted) await requirePublicName(url.hostname);
  const headers = { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'parley' };
  const response = await fetch(url, { signal, headers, redirect: 'manual' });
  return { status: response.status, headers: response.headers, body: response.body ?? NOTHING };
};

const NOTHING = new ReadableStream<Uint8Array>({ start: (controller) => controller.close() });

async function requirePublicName(host: string): Promise<void> {
  // What is an address already has been looked at.
  if (isPublicAddress(host)) return;
  const found = await Promise.all([resolve4(host).catch(none), resolve6(host).catch(none)]);
  const addresses = found.flat();
  if (addresses.length === 0 || !addresses.every(isPublicAddress))
    throw new Error('not a public address');
}

/** A name may have addresses of one kind alone. */
function none(): string[] {
  return [];
}
