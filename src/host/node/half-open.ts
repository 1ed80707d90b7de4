/**
 * Handles connections whose client has closed its sending side. The client may still be reading
 * (`nc -N`) or be gone, and only writing tells which. So the server keeps such a connection and
 * writes something harmless: a client that is gone answers with a reset, which the next write
 * finds, since nothing is read any more.
 */
import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Notes on the objects of a connection. They are properties, since a `WeakMap` costs each request
 * more than all else that is done here, most of it when garbage is collected.
 */
const ANSWER = Symbol('the response that is being written');
const TAKES_COMMENTS = Symbol('an event stream');

interface Noted {
  [ANSWER]?: ServerResponse;
  [TAKES_COMMENTS]?: boolean;
}

/**
 * Marks a response as an event stream that is written event by event: it may hold a comment between
 * any two events.
 */
export function takesComments(outgoing: ServerResponse & Noted): void {
  outgoing[TAKES_COMMENTS] = true;
}

/**
 * After how long the second write follows the first, in milliseconds; each next takes twice that.
 */
const SECOND_WRITE_MS = 100;

/** Lets clients close their sending side, and finds out soon which of them are gone. */
export function keepHalfOpen(server: Server): void {
  Object.assign(server, { httpAllowHalfOpen: true });
  server.on('request', ({ socket }: { socket: Socket & Noted }, outgoing: ServerResponse) => {
    socket[ANSWER] = outgoing;
  });
  server.on('connection', (socket: Socket & Noted) => {
    socket.on('end', () => probe(socket[ANSWER]));
  });
}

/** Writes something harmless, again and again, until the response has ended. */
function probe(
  outgoing: (ServerResponse & Noted) | undefined,
  againAfterMs = SECOND_WRITE_MS,
): void {
  if (!outgoing || outgoing.writableEnded || outgoing.destroyed) return;
  // An interim response (RFC 9110 §15.2) may come before the real one; an event stream may hold a
  // comment.
  if (!outgoing.headersSent) outgoing.writeProcessing();
  else if (outgoing[TAKES_COMMENTS]) outgoing.write(':\n\n');
  setTimeout(probe, againAfterMs, outgoing, 2 * againAfterMs).unref();
}
