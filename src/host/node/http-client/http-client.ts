/**
 * The network on Node, to models and to databases, over the dispatcher of `undici`: the built-in `fetch` is built on one, too, and takes several times as long for what makes it a
 * browser's. This does what its callers ask of it and no more: a body that is at hand, an answer that is streamed, a signal that ends both.
 */
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { headerRecord, networkBy, type HttpFetch } from '../../../models/http.ts';
import { abortError, Exchange } from './dispatch-handler.ts';
import { watched } from './sockets.ts';

/** To services that do not say how long they keep a connection: it is closed before they are likely to, since what is sent on one that has just been closed is lost, and must not be sent twice. */
const IDLE_MS = 4_000;
/** However long a service says. */
const LONGEST_IDLE_MS = 60_000;

/** The built-in `fetch` goes through the proxy that the environment names, where Node was told to heed it. */
const HEEDS_PROXY =
  process.env['NODE_USE_ENV_PROXY'] === '1' ||
  [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' ').includes('--use-env-proxy');
/** What a header cannot hold. Refused by the library, such a request would take a place among its connections for good. */
const UNSENDABLE = /[^\t\x20-\x7e\x80-\xff]/;

/**
 * A redirect is an answer like any other: it is not followed, since it would carry a key to another address.
 * @param idleMs how long a connection is kept, unless the service says
 */
export function createNodeHttpFetch(idleMs = IDLE_MS): HttpFetch {
  const agent = new Agent({
    connect: watched(buildConnector({})),
    keepAliveTimeout: idleMs,
    keepAliveMaxTimeout: LONGEST_IDLE_MS,
    // How long an answer may take is for the caller to say; a connection has the library's ten seconds.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return async (input, init = {}, tap) => {
    const asked = input instanceof Request ? await partsOf(input, init) : { url: input, ...init };
    const { body = null, signal } = asked;
    if (HEEDS_PROXY || (body !== null && typeof body !== 'string'))
      return networkBy(fetch)(asked.url, asked, tap);
    const request = requestOf(asked, body);
    return new Promise((resolve, reject) => {
      if (signal?.aborted) throw abortError(signal);
      agent.dispatch(request, new Exchange({ resolve, reject, signal: signal ?? undefined, tap }));
    });
  };
}

/** The network to models. */
export const nodeHttpFetch = createNodeHttpFetch();

type Asked = RequestInit & { url: string | URL };

function requestOf(
  { url, method, headers }: Asked,
  body: string | null,
): Dispatcher.DispatchOptions {
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

/** A request as `fetch` would be given its parts. */
async function partsOf(request: Request, { signal = request.signal }: RequestInit): Promise<Asked> {
  const { url, method, headers } = request;
  return { url, method, headers, signal, body: request.body && (await request.text()) };
}
