/**
 * Asks for addresses that users name. The connection goes to the very addresses that were looked
 * at, so a name that has another address a moment later changes nothing.
 */
import { lookup as resolve, type LookupAddress } from 'node:dns';
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import { isPublicAddress } from '../../core/public-address.ts';
import type { OpenUrl } from '../../documents/fetch-file.ts';

/** Finds the addresses of a name, as `dns.lookup` does for all of them. */
export type Resolve = (
  name: string,
  options: { all: true },
  done: (error: Error | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * Returns what asks for addresses.
 * @param find finds the addresses of a name
 * @param isPublic says which of them may be connected to
 */
export function createOpenUrl(find: Resolve = resolve, isPublic = isPublicAddress): OpenUrl {
  const pinned = publicLookup(find, isPublic);
  return (url, { signal, trusted }) => {
    const { promise, resolve: answered, reject } = Promise.withResolvers<IncomingMessage>();
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
      signal,
      // No connection is shared with another request, whose name may have meant something else.
      agent: false,
      headers: { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'parley' },
      ...(trusted ? {} : { lookup: pinned }),
    });
    request.on('response', answered).on('error', reject).end();
    return promise.then((response) => ({
      status: response.statusCode ?? 0,
      headers: new Headers(Object.entries(response.headers).map(textOf)),
      // Node's response is an async iterable of Buffers as long as no encoding is set.
      body: response as AsyncIterable<Uint8Array>,
    }));
  };
}

/** Names have their addresses only if all of them are public: none is chosen that may be. */
function publicLookup(find: Resolve, isPublic: typeof isPublicAddress): LookupFunction {
  return (name, options, done) =>
    find(name, { all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error || !first) return done(error ?? new Error('no address'), '');
      if (!addresses.every(({ address }) => isPublic(address)))
        return done(new Error('not a public address'), '');
      if (options.all) return done(null, addresses);
      done(null, first.address, first.family);
    });
}

function textOf([name, value]: [string, string | string[] | undefined]): [string, string] {
  return [name, Array.isArray(value) ? value.join(', ') : (value ?? '')];
}
