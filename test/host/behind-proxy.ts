/** What has to hold behind any proxy: uploads, sockets, streams, silence and restarts. */
import { join } from 'node:path';
import { expect } from 'vitest';
import { request } from '../support/http.ts';
import type { OwnServers } from '../support/own-servers.ts';
import { temporaryDirectory } from '../support/places.ts';
import type { TestServer } from '../support/server.ts';
import { openStream, type OpenStream } from '../support/sse.ts';
import { openWebSocket } from '../support/websocket.ts';
import { restartInTurn, type RestartLoad } from './rolling-restart.ts';

/** Time for a large upload on a busy machine, in milliseconds. */
const UPLOAD_LIMIT_MS = 100_000;

/** Sends a large document and a message on a socket. @param url the proxy's address */
export async function uploadsAndSocketsPass(url: string): Promise<void> {
  const text = `The blue valve. ${'A long manual says much of it.\n'.repeat(40_000)}`;
  const json = { user_id: 'u', text };
  const made = await request(`${url}/documents`, { json, timeoutMs: UPLOAD_LIMIT_MS });
  expect(made.status).toBe(200);

  const socket = await openWebSocket(`${url.replace('http', 'ws')}/ws/u`);
  socket.send({ message: 'hello' });
  await socket.next('message_complete');
  socket.close();
}

/**
 * Reads a stream that has no end until it is cancelled: what arrives was not kept back.
 * @returns the stream, which has ended
 */
export async function streamArrives({ upstream }: OwnServers, url: string): Promise<OpenStream> {
  upstream.script('slow', {
    tokens: ['one ', 'two '],
    infinite: true,
    delayMs: { between: 50 },
  });
  const json = { user_id: 'u', message: 'go', model: 'openai/slow' };
  const stream = await openStream(`${url}/conversations`, { json });
  await stream.next('message.delta');
  await stream.next('message.delta');
  const turn = `${url}/turns/${String(stream.headers['x-turn-id'])}`;
  const cancelled = await request(`${turn}/cancel`, { method: 'POST' });
  expect(cancelled.json).toMatchObject({ status: 'cancelled' });
  expect(await stream.collect()).toMatchObject({ ended: 'end' });
  return stream;
}

/** Lets a message wait behind a turn in which nothing is said for seconds. */
export async function silentQueueSurvives({ upstream }: OwnServers, url: string): Promise<void> {
  upstream.script('silent', { text: 'at last', delayMs: { first: 2_500 } });
  const json = { user_id: 'u', message: 'go', model: 'openai/silent' };
  const first = await openStream(`${url}/conversations`, { json });
  const id = String(first.headers['x-conversation-id']);
  const queued = await openStream(`${url}/conversations/${id}/messages`, {
    json: { ...json, on_busy: 'queue' },
  });
  for (const stream of [first, queued])
    expect(await stream.collect()).toMatchObject({
      ended: 'end',
      text: expect.stringContaining('turn.completed'),
    });
}

/**
 * Restarts three processes on one database, one after the other, while clients call them.
 * @param proxy puts a proxy before the servers, and returns its address
 */
export async function restartsLoseNothing(
  own: OwnServers,
  load: RestartLoad,
  proxy: (servers: TestServer[]) => Promise<string>,
): Promise<void> {
  const database = `file:${join(temporaryDirectory('rolling'), 'parley.db')}`;
  const env = { DATABASE_URL: database };
  const servers = [await own.serve(env), await own.serve(env), await own.serve(env)];
  const url = await proxy(servers);
  const report = await restartInTurn(servers, { upstream: own.upstream, url, load });
  expect(report.problems).toEqual([]);
  expect(report.messages).toBeGreaterThanOrEqual(4 * load.messages);
  expect(report.exits).toEqual([0, 0, 0]);
  for (const turn of report.turns)
    expect(turn).toEqual({ ended: 'end', last: 'turn.completed', isWhole: true });
}
