/** A proxy whose connections are cut all at once, as a failing network does. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Passes connections on, until all are cut at once; new ones are passed on again. */
export async function startCuttingProxy(target: URL) {
  const sockets = new Set<Socket>();
  let idPassedAt = Infinity;
  let toLose = 0;
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    const onward = connect(Number(target.port), target.hostname);
    for (const one of [socket, onward]) {
      sockets.add(one);
      one.on('error', () => undefined).on('close', () => sockets.delete(one));
    }
    socket.on('close', () => onward.destroy());
    onward.on('close', () => socket.destroy());
    onward.on('data', (bytes: Buffer) => {
      if (toLose > 0) {
        toLose -= 1;
        socket.resetAndDestroy();
      }
      if (bytes.includes('id: ')) idPassedAt = Math.min(idPassedAt, Date.now());
    });
    socket.pipe(onward).pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A TCP server's address is always an object; only pipes have a string.
  const { port } = server.address() as AddressInfo;
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    url: `http://127.0.0.1:${port}`,
    cut,
    /** Cuts so many connections as soon as the server answers, before a byte of that is passed. */
    loseAnswers: (count: number) => void (toLose = count),
    /** The number of connections that clients have opened. */
    connections: () => connections,
    /** The number of answers that are still to be lost. */
    leftToLose: () => toLose,
    /** The first id went through long enough ago for the browser to know it. */
    idIsOld: () => Date.now() > idPassedAt + 100,
    close() {
      server.close();
      cut();
    },
  };
}
