/**
 * The smallest HTTP/1.1 server that the benchmark's upstream needs: it reads whole requests from a
 * socket.
 */
import type { Socket } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');
const CHUNKED_END = Buffer.from('0\r\n\r\n');

/**
 * Calls `onRequest` with the head and the body of each request on the connection, one after the
 * other. Clients do not pipeline. A body has a length or comes in chunks, whose framing is left in,
 * because the reader only searches for words.
 */
export function readRequests(
  socket: Socket,
  onRequest: (head: string, body: string) => void,
): void {
  let received: Buffer = Buffer.alloc(0);
  socket.on('data', (data: Buffer) => {
    received = received.length ? Buffer.concat([received, data]) : data;
    const headEnd = received.indexOf(HEAD_END);
    if (headEnd < 0) return;
    const head = received.toString('latin1', 0, headEnd);
    const body = received.subarray(headEnd + HEAD_END.length);
    if (!isWhole(head, body)) return;
    received = Buffer.alloc(0);
    onRequest(head, body.toString('utf8'));
  });
}

function isWhole(head: string, body: Buffer): boolean {
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) return body.length >= Number(length);
  if (!/\r\ntransfer-encoding: *chunked/i.test(head)) return true;
  return body.subarray(-CHUNKED_END.length).equals(CHUNKED_END);
}
