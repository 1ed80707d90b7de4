/** A WebSocket client that keeps every JSON frame and waits for those that a test requests. */
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { asRecord, asText, parseJson } from './json.ts';

export interface SocketFrame {
  type: string;
  [field: string]: unknown;
}

export interface TestSocket {
  /** All frames so far; a frame that is no JSON object has an empty type and its `text`. */
  frames: SocketFrame[];
  /** Returns the next frame (of this type) after the one that `next` returned last. */
  next(type?: string, timeoutMs?: number): Promise<SocketFrame>;
  send(message: unknown): void;
  sendRaw(data: string | Uint8Array): void;
  /** Closes with a handshake. */
  close(code?: number): void;
  /** Drops the connection. */
  terminate(): void;
  closed: Promise<{ code: number; reason: string }>;
}

interface SocketOptions {
  headers?: Record<string, string>;
  origin?: string;
  /** The subprotocol that is asked for. */
  protocol?: string;
}

/** The headers of a sound handshake, for requests that are no client of this file. */
export const HANDSHAKE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

/** Opens a socket; rejects with `unexpected status N` when the server refuses the upgrade. */
export async function openWebSocket(
  url: string,
  { headers = {}, origin, protocol }: SocketOptions = {},
): Promise<TestSocket> {
  const address = url.replace(/^http/u, 'ws');
  const protocols = protocol === undefined ? [] : [protocol];
  const options = { headers, ...(origin !== undefined && { origin }) };
  const socket = new WebSocket(address, protocols, options);
  const frames: SocketFrame[] = [];
  let given = 0;
  let isClosed = false;
  const closed = Promise.withResolvers<{ code: number; reason: string }>();
  const opened = Promise.withResolvers<void>();
  socket.binaryType = 'nodebuffer';
  // With this binary type a message is one Buffer, text or not.
  socket.on('message', (data) => frames.push(readFrame((data as Buffer).toString())));
  socket.on('close', (code, reason) => {
    isClosed = true;
    closed.resolve({ code, reason: reason.toString() });
  });
  socket.on('open', () => opened.resolve());
  socket.on('error', (error) => opened.reject(error));
  socket.on('unexpected-response', (request, response) => {
    opened.reject(new Error(`unexpected status ${response.statusCode}`));
    request.destroy();
  });
  await opened.promise;
  const seen = () => frames.map((frame) => frame.type).join(', ') || 'nothing';

  return {
    frames,
    async next(type, timeoutMs = 10_000) {
      const deadline = performance.now() + timeoutMs;
      for (;;) {
        const frame = frames[given];
        if (frame !== undefined) given += 1;
        if (frame !== undefined && (type === undefined || frame.type === type)) return frame;
        if (frame !== undefined) continue;
        if (isClosed) throw new Error(`closed before ${type ?? 'a frame'}; seen: ${seen()}`);
        if (performance.now() > deadline) throw new Error(`no ${type ?? 'frame'}; seen: ${seen()}`);
        await sleep(3);
      }
    },
    send: (message) => socket.send(JSON.stringify(message)),
    sendRaw: (data) => socket.send(data),
    close: (code) => socket.close(code),
    terminate: () => socket.terminate(),
    closed: closed.promise,
  };
}

function readFrame(text: string): SocketFrame {
  const parsed = asRecord(parseJson(text));
  const type = asText(parsed['type']);
  return type === '' ? { type, text } : { ...parsed, type };
}
