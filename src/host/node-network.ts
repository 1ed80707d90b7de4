/**
 * The network on Node, to models and to databases, over the dispatcher of `undici`: the built-in `fetch` is built on one, too, and takes several times as long for what makes it a
 * browser's. This does what its callers ask of it and no more: a body that is at hand, an answer that is streamed, a signal that ends both.
 */
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { headerRecord, networkBy, type Network } from '../models/network.ts';
import { abortError, Exchange, noticingResets } from './exchange.ts';

/** An idle connection is closed before the other side is likely to: what is sent on one that has just been closed is lost, and must not be sent twice. */
const IDLE_MS = 4_000;

const agent = new Agent({
  connect: noticingResets(buildConnector({})),
  keepAliveTimeout: IDLE_MS,
  keepAliveMaxTimeout: IDLE_MS,
  // How long an answer may take is for the caller to say; a connection has the library's ten seconds.
  headersTimeout: 0,
  bodyTimeout: 0,
});

/** A redirect is an answer like any other: it is not followed, since it would carry a key to another address. */
export const nodeNetwork: Network = async (input, init = {}, tap) => {
  const asked = input instanceof Request ? await partsOf(input, init) : { url: input, ...init };
  const { body = null, signal } = asked;
  if (body !== null && typeof body !== 'string') return networkBy(fetch)(input, init, tap);
  const { origin, pathname, search } = new URL(asked.url);
  return new Promise((resolve, reject) => {
    if (signal?.aborted) throw abortError(signal);
    const request: Dispatcher.DispatchOptions = {
      origin,
      path: pathname + search,
      method: asked.method ?? 'GET',
      headers: { ...headerRecord(asked.headers), 'accept-encoding': 'identity' },
      body,
    };
    agent.dispatch(request, new Exchange({ resolve, reject, signal: signal ?? undefined, tap }));
  });
};

/** A request as `fetch` would be given its parts. */
async function partsOf(
  request: Request,
  { signal = request.signal }: RequestInit,
): Promise<RequestInit & { url: string }> {
  const { url, method, headers } = request;
  return { url, method, headers, signal, body: request.body && (await request.text()) };
}
