/** Answering a client that is still sending, so that it hears why it was refused. */
import type { Http2Bindings, HttpBindings } from '@hono/node-server';

/** How long a client may go on sending what nobody wants. */
const LINGER_MS = 5_000;

/**
 * Reads what is left of a body after the answer. Closed at once, the connection would be reset, which takes the answer with it on its way (RFC 9112 §9.6).
 * To be called before the answer is sent.
 */
export function drainRequest({ incoming, outgoing }: HttpBindings | Http2Bindings): void {
  // With HTTP/2, which this server does not speak, it would be something else.
  if (incoming.complete || !('shouldKeepAlive' in outgoing)) return;
  const { socket } = incoming;
  const isKept = outgoing.shouldKeepAlive;
  // Else it would be closed with the answer.
  outgoing.shouldKeepAlive = true;
  outgoing.once('finish', () => {
    const late = setTimeout(() => socket.destroy(), LINGER_MS);
    const hasCome = () => {
      clearTimeout(late);
      if (!isKept) socket.end();
    };
    if (incoming.closed) return hasCome();
    incoming.once('close', hasCome);
    // Whoever had begun to read it would keep what comes, and hold up the rest once it has enough.
    incoming.removeAllListeners('data').resume();
  });
}
