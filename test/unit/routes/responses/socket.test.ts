import { expect, it } from 'vitest';
import type { ActionDependencies } from '../../../../src/actions/context.ts';
import { receiveResponseFrame } from '../../../../src/routes/responses/socket.ts';
import type { Socket } from '../../../../src/routes/websocket/frame-sink.ts';

it('refuses a frame, and closes, when the socket has been open for an hour', async () => {
  const sent: unknown[] = [];
  const hourAgo = JSON.stringify({ openedAt: Date.now() - 60 * 60_000 - 1, unkept: [] });
  let isClosed = false;
  const socket: Socket = {
    user: { kind: 'anyone', userId: 'someone' },
    gone: new AbortController().signal,
    api: 'responses',
    memory: { read: () => hourAgo, write: () => undefined },
    send: (frame) => void sent.push(JSON.parse(frame)),
    close: () => (isClosed = true),
  };
  // Nothing is asked of a server for a frame that is refused.
  const dependencies = {} as ActionDependencies;
  const contextFor = () => ({ principal: socket.user, dependencies, asker: new AbortController() });
  const frame = JSON.stringify({ type: 'response.create', input: 'Hi', stream_id: 'a' });
  await receiveResponseFrame(socket, frame, { contextFor, dependencies });
  const code = 'websocket_connection_limit_reached';
  const error: unknown = expect.objectContaining({ code, message: expect.any(String) });
  expect(sent).toEqual([{ type: 'error', status: 400, error, stream_id: 'a' }]);
  expect(isClosed).toBe(true);
});
