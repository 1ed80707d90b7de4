/**
 * The floor: a bare `node:http` server. It pipes the upstream's bytes. A pipe requested as
 * `followed` is also sent to all its followers, in one shared buffer per write. It also replays a
 * recording. No server on Node can cost less.
 */
import { Agent, createServer, request, type ServerResponse } from 'node:http';

const upstream = new URL(process.env['OPENAI_BASE_URL'] ?? '');
const agent = new Agent({ keepAlive: true });
const EVENT_STREAM = { 'content-type': 'text/event-stream' };

/** The last pipe with followers: its bytes so far, and the followers that wait for more. */
let followed = newPipe();
let recording: Buffer = Buffer.alloc(0);

const server = createServer((incoming, outgoing) => {
  if (incoming.method === 'GET') {
    outgoing.writeHead(200, EVENT_STREAM);
    if (incoming.url === '/recording') return void outgoing.end(recording);
    outgoing.write(Buffer.concat(followed.said));
    return void followed.followers.push(outgoing);
  }
  if (incoming.method === 'PUT') {
    const pieces: Buffer[] = [];
    incoming.on('data', (piece: Buffer) => pieces.push(piece));
    return void incoming.on('end', () => {
      recording = Buffer.concat(pieces);
      outgoing.end();
    });
  }
  const { host: _, followed: isFollowed, ...headers } = incoming.headers;
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
    if (!isFollowed) return;
    const here = (followed = newPipe());
    answer.on('data', (said: Buffer) => {
      here.said.push(said);
      for (const follower of here.followers) follower.write(said);
    });
    answer.on('end', () => here.followers.forEach((follower) => follower.end()));
  });
  onward.on('error', () => outgoing.destroy());
  incoming.pipe(onward);
});

server.listen({ port: Number(process.env['PORT'] ?? 0), host: '127.0.0.1', backlog: 4096 }, () => {
  const address = server.address();
  if (typeof address === 'object' && address)
    console.log(`listening on http://127.0.0.1:${address.port}`);
});

function newPipe(): { said: Buffer[]; followers: ServerResponse[] } {
  return { said: [], followers: [] };
}

// Exits by itself, which lets V8 write its profile (see profile.ts).
process.on('SIGTERM', () => process.exit(0));
