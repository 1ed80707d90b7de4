/**
 * Connections whose client has ended its own sending side. It may be reading on (`nc -N`), or gone: only
 * writing tells. So the server keeps such a connection, and writes something harmless at once, which a
 * client that has gone answers by a reset.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** Answers that are event streams, in which a comment may stand anywhere between two events. */
const commentable = new WeakSet<ServerResponse>();

/** Says that an answer is an event stream, written event by event. */
export function takesComments(outgoing: ServerResponse): void {
  commentable.add(outgoing);
}

/** Lets clients of this server end their sending side, and finds out at once which of them have gone. */
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

function probe(outgoing: ServerResponse | undefined): void {
  if (!outgoing || outgoing.writableEnded) return;
  // An interim answer (RFC 9110 §15.2) before the real one; within an event stream, a comment.
  if (!outgoing.headersSent) outgoing.writeProcessing();
  else if (commentable.has(outgoing)) outgoing.write(':\n\n');
}
