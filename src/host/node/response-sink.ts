/** The response to a client as the destination of a turn. */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Sink } from '../../turns/follow/sink.ts';

/** The length from which a text is converted to bytes, in UTF-16 units. */
const LONG = 4_096;
const LINE_BREAK = '\r\n';

export type WriteHead = (more?: { 'Content-Length': number }) => void;

/**
 * Returns a sink that sends the head together with the first text. What follows it is written to
 * the socket, as the chunks of HTTP/1.1 (RFC 9112 §7.1): the response would write each of them in
 * three pieces, and make them anew for each of a thousand followers.
 */
export function sinkOf(outgoing: ServerResponse, writeHead: WriteHead): Sink {
  /** The socket that wants no more for now, if the last text was written to it. */
  let full: Socket | undefined;
  return {
    write(text, bytes) {
      const socket = openChunks(outgoing);
      full = undefined;
      if (!socket) {
        if (!outgoing.headersSent) writeHead();
        return outgoing.write(prepare(text, bytes));
      }
      if (text === '') return true;
      const takesMore = socket.write(bytes ? sharedChunk(bytes) : prepare(chunkOf(text)));
      if (!takesMore) full = socket;
      return takesMore;
    },
    end(text, bytes) {
      const last = prepare(text, bytes);
      // Nothing was sent before, so this is the whole body, and it needs no chunks.
      if (!outgoing.headersSent) writeHead({ 'Content-Length': Buffer.byteLength(last) });
      outgoing.end(last);
    },
    fail: (error) => void outgoing.destroy(error instanceof Error ? error : undefined),
    onDrain: (callback) => void (full ?? outgoing).once('drain', callback),
    onClose: (callback) => void outgoing.once('close', callback),
  };
}

/**
 * Returns the socket of a response whose head is sent and whose body goes out in chunks; undefined
 * where the response has to write by itself.
 */
function openChunks(outgoing: ServerResponse): Socket | undefined {
  const { socket } = outgoing;
  const isOpen = outgoing.headersSent && outgoing.chunkedEncoding && !outgoing.writableEnded;
  return isOpen && socket?.writable ? socket : undefined;
}

/**
 * Returns what is written for a text. A long one waits for its client as bytes: as a string it
 * would be kept beside them, in twice the space.
 */
function prepare(text: string, bytes?: Uint8Array): string | Uint8Array {
  return bytes ?? (text.length > LONG ? Buffer.from(text) : text);
}

function chunkOf(text: string): string {
  return sizeLine(Buffer.byteLength(text)) + text + LINE_BREAK;
}

function sizeLine(size: number): string {
  return size.toString(16) + LINE_BREAK;
}

/** The last bytes that several readers shared, and their chunk: all of them write at once. */
let shared: { bytes: Uint8Array; chunk: Uint8Array } | undefined;

function sharedChunk(bytes: Uint8Array): Uint8Array {
  if (shared?.bytes !== bytes) {
    const [before, after] = [Buffer.from(sizeLine(bytes.length)), Buffer.from(LINE_BREAK)];
    shared = { bytes, chunk: Buffer.concat([before, bytes, after]) };
  }
  return shared.chunk;
}
