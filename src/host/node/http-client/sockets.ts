/** Connections of `undici`, and what befalls them that it passes over. */
import type { Socket } from 'node:net';
import type { buildConnector } from 'undici';

/** The connection of which its listeners are just hearing, the library among them. */
let told: { socket: Socket; error?: Error } | undefined;

/** @param make the library's own way to make a connection */
export function watched(make: buildConnector.connector): buildConnector.connector {
  const over = () => (told = undefined);
  return (options, callback) =>
    make(options, (...made) => {
      const [, socket] = made;
      socket
        ?.on('readable', () => (told = { socket }))
        .on('error', (error) => {
          told = { socket, error };
          keepAbortToItself(error);
          // TLS tells of what it cannot read and leaves the connection open, for whose end the library would wait.
          socket.destroy();
        });
      // The library listens from here on.
      callback(...made);
      socket?.on('readable', over).on('error', over);
    });
}

/** By the code of its own error for an aborted request the library would connect anew, for a request that nobody wants any more. */
function keepAbortToItself(error: Error & { code?: string }): void {
  if (error.code === 'UND_ERR_INFO' && error.message === 'aborted') error.code = 'UND_ERR_SOCKET';
}

/** For who is told of the end of an answer: what broke the connection. The library takes a reset for the end of a body that lasts until the connection closes. */
export function brokenBy(): Error | undefined {
  return told?.error;
}

/** For who is told of the end of an answer: the connection is given up if its request has not gone out yet. The next one would stand behind what the service does not read. */
export function giveUpUnlessSent(): void {
  if (told && told.socket.writableLength > 0) told.socket.destroy();
}
