/** A turn on its way to a client on Node: written to the connection as it comes, with neither a stream nor the adapter between. */
import type { ServerResponse } from 'node:http';
import type { Http2Bindings, HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { pushTurn, type Sink } from '../../turns/follow/turn-reader.ts';
import { turnOf } from '../../wire/turn-response.ts';

/** UTF-16 units. */
const LONG = 4_096;

type Outgoing = (HttpBindings | Http2Bindings)['outgoing'];

/** Sends an answer that is the stream of a turn, and says that it is sent; any other is returned as it is. */
export function writeTurn(response: Response, outgoing: Outgoing): Response {
  const turn = turnOf(response);
  // A handshake brings no `outgoing`; with HTTP/2, which this server does not speak, it would be something else.
  if (!turn || !('chunkedEncoding' in outgoing) || outgoing.destroyed) return response;
  const writeHead = () => void outgoing.writeHead(response.status, turn.headers);
  if (!pushTurn(turn.body, sinkOf(outgoing, writeHead))) return response;
  // A reader who already has all there is shall know at once that it is heard.
  if (!outgoing.headersSent) {
    writeHead();
    outgoing.flushHeaders();
  }
  return RESPONSE_ALREADY_SENT;
}

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
