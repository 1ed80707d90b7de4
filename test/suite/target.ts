/** The server under test, the model service behind it, and names that no other test uses. */
import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import { request, type Answer, type RequestInit } from '../support/http.ts';
import type { Runtime } from '../support/server.ts';
import { upstreamControl, type UpstreamControl } from '../support/upstream/control.ts';
import { openStream, type OpenStream, type StreamInit } from '../support/sse.ts';
import { openWebSocket, type TestSocket } from '../support/websocket.ts';

export interface Target {
  runtime: Runtime;
  url: string;
  databaseUrl: string;
  /** The key that the server calls the model services with. */
  key: string;
  /** Scripts and reads the model service, which lives in another process. */
  upstream: UpstreamControl;
  /** A request to a path of the server; see `request`. */
  call<Body = unknown>(path: string, init?: RequestInit): Promise<Answer<Body>>;
  /** An event stream from a path of the server; see `openStream`. */
  stream(path: string, init?: StreamInit): Promise<OpenStream>;
  socket(path: string, options?: Parameters<typeof openWebSocket>[1]): Promise<TestSocket>;
}

/** The server that this run of the suite is for. */
export function suiteTarget(): Target {
  const { runtime, url, upstreamUrl, databaseUrl, key } = inject('suite');
  return {
    runtime,
    url,
    databaseUrl,
    key,
    upstream: upstreamControl(upstreamUrl),
    call: (path, init) => request(url + path, init),
    stream: (path, init) => openStream(url + path, init),
    socket: (path, options) => openWebSocket(url + path, options),
  };
}

/** A name that nothing else has: for users, models and keys, so that tests run side by side. */
export function unique(what = 'test'): string {
  return `${what}-${randomUUID().slice(0, 13)}`;
}
