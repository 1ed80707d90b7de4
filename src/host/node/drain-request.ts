/** Reads the rest of a request after its response, so that the client learns why it was refused. */
import type { Http2Bindings, HttpBindings } from '@hono/node-server';

/** The time for which a refused client may continue to send, in milliseconds. */
const LINGER_MS = 5_000;

/**
 * Reads the rest of a body after the response. Closing the connection at once would reset it and
 * might lose the response on its way (RFC 9112 §9.6). Call it before the response is sent.
 */
export function drainRequest({ incoming, outgoing }: HttpBindings | Http2Bindings): void {
  // `shouldKeepAlive` is missing with HTTP/2, which this server does not speak.
  if (incoming.complete || !('shouldKeepAlive' in outgoing)) return;
  const { socket } = incoming;
  const isKept = outgoing.shouldKeepAlive;
  // The connection would otherwise be closed with the response.
  outgoing.shouldKeepAlive = true;
  outgoing.once('finish', () => {
    const late = setTimeout(() => socket.destroy(), LINGER_MS);
    const hasCome = () => {
      clearTimeout(late);
      if (!isKept) socket.end();
    };
    if (incoming.closed) return hasCome();
    incoming.once('close', hasCome);
    // A reader that had begun would keep the data and block the rest once its buffer is full.
    incoming.removeAllListeners('data').resume();
  });
}
