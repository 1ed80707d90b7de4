/** A turn on its way to a client on Node: written to the connection as it comes, with no stream in between. */
import type { ServerResponse } from 'node:http';
import type { HttpBindings } from '@hono/node-server';
import type { Dependencies } from '../../routes/shared/dependencies.ts';
import { headersOfEveryAnswer } from '../../routes/shared/response-headers.ts';
import type { Sink } from '../../turns/follow/sink.ts';
import { drainRequest } from './drain-request.ts';
import { takesComments } from './half-open.ts';

/** UTF-16 units. */
const LONG = 4_096;

/**
 * Writes the head and the turn to the connection. The answer that is returned is never sent: the head of
 * the real one is on its way, so it has every header already.
 */
export const sendTurn: Dependencies['sendTurn'] = (c, stream, headers) => {
  const { outgoing } = c.env as HttpBindings;
  if (outgoing.destroyed) {
    stream.leave();
    return new Response(null);
  }
  drainRequest(c.env as HttpBindings);
  takesComments(outgoing);
  const head = { ...headersOfEveryAnswer(c), ...headers };
  const writeHead = () => void outgoing.writeHead(200, head);
  stream.pipe(sinkOf(outgoing, writeHead));
  // A reader who already has all there is shall know at once that it is heard.
  if (!outgoing.headersSent) {
    writeHead();
    outgoing.flushHeaders();
  }
  return new Response(null);
};

/** The head goes out together with the first text. */
function sinkOf(outgoing: ServerResponse, writeHead: () => void): Sink {
  const prepare = (text: string) => {
    if (!outgoing.headersSent) writeHead();
    // A long text waits for its client as bytes: as a string it would be kept beside them, in twice the space.
    return text.length > LONG ? Buffer.from(text) : text;
  };
  return {
    write: (text) => outgoing.write(prepare(text)),
    end: (text) => void outgoing.end(prepare(text)),
    fail: (error) => void outgoing.destroy(error instanceof Error ? error : undefined),
    onDrain: (callback) => void outgoing.once('drain', callback),
    onClose: (callback) => void outgoing.once('close', callback),
  };
}
