/**
 * The HTTP client on Node, for models and databases: over the dispatcher of `undici`, or by the
 * built-in `fetch`. README.md beside this file says why there are two.
 */
import type { Dispatcher } from 'undici';
import type { Config } from '../../../config.ts';
import { headerRecord, networkBy, type HttpFetch } from '../../../models/http.ts';
import { abortError, Exchange } from './dispatch-handler.ts';

/**
 * The time for which an idle connection is kept when the service does not say, in milliseconds. It
 * is shorter than services keep theirs: a request on a connection that was just closed is lost and
 * must not be sent twice.
 */
const IDLE_MS = 4_000;
/** True when Node was told that its built-in `fetch` should use the proxy of the environment. */
const HEEDS_PROXY =
  process.env['NODE_USE_ENV_PROXY'] === '1' ||
  [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' ').includes('--use-env-proxy');
/**
 * Matches characters that a header cannot hold. The library would refuse them and lose a
 * connection.
 */
const UNSENDABLE = /[^\t\x20-\x7e\x80-\xff]/;

/**
 * Returns the HTTP client that the environment asks for (`HTTP_CLIENT`).
 * @param idleMs the time for which a connection is kept, unless the service says; `fetch` decides
 *   itself
 */
export function httpFetchOf({ HTTP_CLIENT }: Pick<Config, 'HTTP_CLIENT'>, idleMs?: number) {
  return HTTP_CLIENT === 'fetch' ? networkBy(fetch) : createUndiciFetch(idleMs);
}

/** Loads what the first request would wait for otherwise. */
export async function prepareHttpClient({ HTTP_CLIENT }: Pick<Config, 'HTTP_CLIENT'>) {
  if (HTTP_CLIENT !== 'fetch') await loadDispatcher();
}

const loadDispatcher = () => import('./dispatcher.ts');

/**
 * Returns a client over the dispatcher of `undici`. It does no more than its callers need: a body
 * that is a string or bytes, a response that is streamed and decoded, a signal that ends both. It
 * follows no redirect, which would carry a key to another address.
 * @param idleMs the time for which a connection is kept, unless the service says
 */
export function createUndiciFetch(idleMs = IDLE_MS): HttpFetch {
  let dispatcher: Dispatcher | undefined;
  const made = async () => (dispatcher ??= (await loadDispatcher()).createDispatcher(idleMs));
  return async (input, init = {}, interceptor) => {
    const asked = input instanceof Request ? await partsOf(input, init) : { url: input, ...init };
    const { body = null, signal } = asked;
    if (HEEDS_PROXY || !isSendable(body)) return networkBy(fetch)(asked.url, asked, interceptor);
    const request = requestOf(asked, body);
    const by = dispatcher ?? (await made());
    return new Promise((resolve, reject) => {
      if (signal?.aborted) throw abortError(signal);
      const exchange = new Exchange({ resolve, reject, signal: signal ?? undefined, interceptor });
      by.dispatch(request, exchange);
    });
  };
}

type Asked = RequestInit & { url: string | URL };
type Sendable = string | Uint8Array<ArrayBuffer> | null;

function isSendable(body: RequestInit['body']): body is Sendable {
  return typeof body === 'string' || body instanceof Uint8Array || !body;
}

function requestOf({ url, method, headers }: Asked, body: Sendable): Dispatcher.DispatchOptions {
  const { origin, pathname, search } = new URL(url);
  const given = headerRecord(headers);
  if (Object.values(given).some((value) => UNSENDABLE.test(value)))
    throw new TypeError('fetch failed', { cause: new Error('a header cannot be sent') });
  return {
    origin,
    path: pathname + search,
    method: method ?? 'GET',
    headers: { accept: '*/*', 'user-agent': 'parley', ...given, 'accept-encoding': 'identity' },
    body,
  };
}

/** Returns the arguments that `fetch` would take instead of the request. */
async function partsOf(request: Request, { signal = request.signal }: RequestInit): Promise<Asked> {
  const { url, method, headers } = request;
  return { url, method, headers, signal, body: request.body && (await request.text()) };
}
