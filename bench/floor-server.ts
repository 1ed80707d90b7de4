/**
 * The floor: a bare `node:http` pipe of the upstream's bytes. No server that streams through Node
 * can cost less.
 */
import { Agent, createServer, request } from 'node:http';

const upstream = new URL(process.env['OPENAI_BASE_URL'] ?? '');
const agent = new Agent({ keepAlive: true });

const server = createServer((incoming, outgoing) => {
  const { host: _, ...headers } = incoming.headers;
  const target = {
    agent,
    host: upstream.hostname,
    port: upstream.port,
    method: incoming.method,
    headers,
  };
  const onward = request({ ...target, path: incoming.url }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, {
      'content-type': answer.headers['content-type'],
    });
    answer.pipe(outgoing);
  });
  onward.on('error', () => outgoing.destroy());
  incoming.pipe(onward);
});

server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address)
    console.log(`listening on http://127.0.0.1:${address.port}`);
});

// Exits by itself, which lets V8 write its profile (see profile.ts).
process.on('SIGTERM', () => process.exit(0));
