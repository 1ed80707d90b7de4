/**
 * The model service of the benchmark: `POST …/chat/completions` of OpenAI's API, in its own
 * process. It must never be the bottleneck, so it speaks HTTP on bare sockets, sends frames that
 * were encoded once, and paces all streams with one timer. The model's name chooses the answer (see
 * answer.ts).
 *
 * The answer to each message of the parent says when each request arrived and when its first token
 * was sent, on the shared clock.
 */
import { createServer, type Socket } from 'node:net';
import { parseModelName, sharedClock, tokenAt, type Answer } from './answer.ts';
import { readRequests } from './http-requests.ts';
import { PacedStreams } from './paced-streams.ts';

/** One model call. Times in ms of the shared clock. */
export type ModelCall = { arrivedAt: number; firstTokenAt: number; messages: number };
export type UpstreamMessage =
  | { kind: 'listening'; port: number }
  | { kind: 'report'; calls: ModelCall[] };

const RESPONSE_HEAD = Buffer.from(
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n' +
    'Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n',
);
const NOT_FOUND = 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n';
/** A block of a buffered burst: the size of one full socket read of most proxies. */
const BLOCK_BYTES = 16_384;

const streams = new PacedStreams();
const framesByModel = new Map<string, Buffer[]>();
let calls: ModelCall[] = [];

/** Returns one chunk of OpenAI's format with the given choice, as one SSE event. */
function event(model: string, choice: object | undefined, usage?: object): string {
  const choices = choice ? [{ index: 0, ...choice }] : [];
  const body = {
    id: 'chatcmpl-bench',
    object: 'chat.completion.chunk',
    created: 1,
    model,
    choices,
  };
  return `data: ${JSON.stringify(usage ? { ...body, usage } : body)}\n\n`;
}

/** Returns an HTTP chunk with one text. */
function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

/**
 * Returns the network writes of an answer: head and role, then one write per token (one in all for
 * a burst), then the end.
 */
function encode(model: string, answer: Answer): Buffer[] {
  const { tokens, paceMs, blocks } = answer;
  const role = event(model, { delta: { role: 'assistant', content: '' }, finish_reason: null });
  const deltas = Array.from({ length: tokens }, (_, index) =>
    event(model, { delta: { content: tokenAt(index) }, finish_reason: null }),
  );
  const usage = { prompt_tokens: 10, completion_tokens: tokens, total_tokens: tokens + 10 };
  const end = [
    event(model, { delta: {}, finish_reason: 'stop' }),
    event(model, undefined, usage),
    'data: [DONE]\n\n',
  ];
  const last = `${end.map(chunk).join('')}0\r\n\r\n`;
  if (paceMs > 0) {
    const [first = '', ...rest] = deltas.map(chunk);
    const head = Buffer.concat([RESPONSE_HEAD, Buffer.from(chunk(role) + first)]);
    return [head, ...rest.map((text) => Buffer.from(text)), Buffer.from(last)];
  }
  const body = blocks ? inBlocks(role + deltas.join('')) : [role, ...deltas];
  return [Buffer.concat([RESPONSE_HEAD, Buffer.from(body.map(chunk).join('') + last)])];
}

/** Cuts the text into blocks of about {@link BLOCK_BYTES}, regardless of the ends of events. */
function inBlocks(text: string): string[] {
  const characters = Array.from(text);
  const blocks: string[] = [];
  for (let at = 0; at < characters.length; at += BLOCK_BYTES) {
    blocks.push(characters.slice(at, at + BLOCK_BYTES).join(''));
  }
  return blocks;
}

function answerRequest(socket: Socket, head: string, body: string): void {
  const arrivedAt = sharedClock();
  const model = /"model"\s*:\s*"([^"]+)"/.exec(body)?.[1] ?? '';
  const answer = parseModelName(model);
  if (!answer || !/^POST \S*\/chat\/completions /.test(head)) {
    socket.write(NOT_FOUND);
    return;
  }
  let frames = framesByModel.get(model);
  if (!frames) framesByModel.set(model, (frames = encode(model, answer)));
  if (answer.held) streams.startHeld(socket, frames, answer.paceMs);
  else streams.start(socket, frames, answer.paceMs);
  calls.push({
    arrivedAt,
    firstTokenAt: sharedClock(),
    messages: body.split('"role":').length - 1,
  });
}

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  readRequests(socket, (head, body) => answerRequest(socket, head, body));
});

process.on('message', (question: { release?: boolean }) => {
  if (question.release) streams.release();
  process.send?.({ kind: 'report', calls } satisfies UpstreamMessage);
  calls = [];
});
process.on('disconnect', () => process.exit(0));
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  process.send?.({ kind: 'listening', port } satisfies UpstreamMessage);
});
