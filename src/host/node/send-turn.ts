/** Sends turns to clients on Node, by writing them to the connection with no stream in between. */
import type { ServerResponse } from 'node:http';
import type { HttpBindings } from '@hono/node-server';
import type { Dependencies } from '../../routes/shared/dependencies.ts';
import { headersOfEveryAnswer } from '../../routes/shared/response-headers.ts';
import type { TurnStream } from '../../turns/turn-service.ts';
import { drainRequest } from './drain-request.ts';
import { takesComments } from './half-open.ts';
import { sinkOf, type WriteHead } from './response-sink.ts';

/**
 * Writes the head and the turn to the connection. The response that it returns is never sent: the
 * real head is on its way with every header.
 */
export const sendTurn: Dependencies['sendTurn'] = (c, stream, headers) => {
  const { outgoing } = c.env as HttpBindings;
  c.set('isSent', true);
  if (outgoing.destroyed) {
    stream.leave();
    return new Response(null);
  }
  drainRequest(c.env as HttpBindings);
  writeTurn(outgoing, stream, { ...headersOfEveryAnswer(c), ...headers });
  return new Response(null);
};

/**
 * Writes the head and a whole turn to the connection, for the price of one object. The response of
 * the framework would be made, read and made into this one again.
 */
export const sendWhole: Dependencies['sendWhole'] = (c, json, headers) => {
  const bindings = c.env as HttpBindings;
  const { outgoing } = bindings;
  c.set('isSent', true);
  if (outgoing.destroyed) return new Response(null);
  drainRequest(bindings);
  const length = Buffer.byteLength(json);
  const head = { ...headersOfEveryAnswer(c), ...headers, 'Content-Length': length };
  outgoing.writeHead(200, head).end(json);
  return new Response(null);
};

/** Writes a head and a turn to a connection. */
export function writeTurn(
  outgoing: ServerResponse,
  stream: TurnStream,
  head: Readonly<Record<string, string>>,
): void {
  takesComments(outgoing);
  const writeHead: WriteHead = (more) =>
    void outgoing.writeHead(200, more ? { ...head, ...more } : head);
  stream.pipe(sinkOf(outgoing, writeHead));
  // A reader that already has everything should still get the head at once.
  if (!outgoing.headersSent) {
    writeHead();
    outgoing.flushHeaders();
  }
}
