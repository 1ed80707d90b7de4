/**
 * Handles connections whose client has closed its sending side. The client may still be reading
 * (`nc -N`) or be gone, and only writing tells which. So the server keeps such a connection and
 * writes something harmless: a client that is gone answers with a reset, which the next write
 * finds, since nothing is read any more.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** The responses that are event streams, which may hold a comment between any two events. */
const commentable = new WeakSet<ServerResponse>();

/** Marks a response as an event stream that is written event by event. */
export function takesComments(outgoing: ServerResponse): void {
  commentable.add(outgoing);
}

/** After how long the second write follows the first, in milliseconds; each next takes twice that. */
const SECOND_WRITE_MS = 100;

/** Lets clients close their sending side, and finds out soon which of them are gone. */
export function keepHalfOpen(server: Server): void {
  Object.assign(server, { httpAllowHalfOpen: true });
  const answering = new WeakMap<object, ServerResponse>();
  server.on('request', (incoming: IncomingMessage, outgoing: ServerResponse) => {
    answering.set(incoming.socket, outgoing);
  });
  server.on('connection', (socket) => {
    socket.on('end', () => probe(answering.get(socket)));
  });
}

/** Writes something harmless, again and again, until the response has ended. */
function probe(outgoing: ServerResponse | undefined, againAfterMs = SECOND_WRITE_MS): void {
  if (!outgoing || outgoing.writableEnded || outgoing.destroyed) return;
  // An interim response (RFC 9110 §15.2) may come before the real one; an event stream may hold a
  // comment.
  if (!outgoing.headersSent) outgoing.writeProcessing();
  else if (commentable.has(outgoing)) outgoing.write(':\n\n');
  setTimeout(probe, againAfterMs, outgoing, 2 * againAfterMs).unref();
}
