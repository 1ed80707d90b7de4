/**
 * MCP servers over real HTTP, any number of them behind one port, each of which does as a test
 * says: they speak the protocol of today or of yesterday, and misbehave in every way.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { asRecord, asText, parseJson } from './json.ts';

/** What is done instead of an answer. */
export type McpFault =
  /** Nothing is answered, ever. */
  | 'hangs'
  /** The connection is cut. */
  | 'resets'
  /** The answer is no JSON. */
  | 'garbage'
  /** Status 500. */
  | 'fails'
  /** Status 401: it wants a token by OAuth. */
  | 'unauthorized'
  /** A redirect to another server. */
  | 'redirects'
  /** 100 MB of JSON. */
  | 'huge'
  /** An event stream that says nothing and never ends. */
  | 'silent-stream'
  /** An event stream of the answers to other requests, without end. */
  | 'endless-stream';

export interface McpBehaviour {
  /** As `tools/list` gives them. */
  tools?: unknown[];
  /** The protocol: without sessions, or with `initialize` and a session. */
  era?: 'modern' | 'legacy';
  /** Answers as an event stream. */
  streams?: boolean;
  /** Gives the same page of tools again and again, each naming a next one. */
  repeats?: boolean;
  call?: (name: string, input: unknown) => unknown;
  listFault?: McpFault | undefined;
  callFault?: McpFault | undefined;
  /** Milliseconds before it answers a call. */
  callDelayMs?: number;
}

export interface McpRequest {
  server: string;
  method: string;
  params: Record<string, unknown>;
  headers: IncomingMessage['headers'];
}

export interface McpServers {
  url(server: string): string;
  /** Sets what a server does from now on. */
  script(server: string, behaviour: McpBehaviour): void;
  requests(server: string, method?: string): McpRequest[];
  close(): Promise<void>;
}

export async function startMcpServers(): Promise<McpServers> {
  const behaviours = new Map<string, McpBehaviour>();
  const requests: McpRequest[] = [];
  const http = createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy());
  });
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const server = request.url?.slice(1) ?? '';
    if (request.method !== 'POST') return void response.writeHead(405).end();
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const message = asRecord(parseJson(Buffer.concat(pieces).toString()));
    const method = asText(message['method']);
    const params = asRecord(message['params']);
    requests.push({ server, method, params, headers: request.headers });
    const behaviour = behaviours.get(server) ?? {};
    if (message['id'] === undefined) return void response.writeHead(202).end();
    const isCall = method === 'tools/call';
    const fault = isCall ? behaviour.callFault : behaviour.listFault;
    if (fault) return misbehave(fault, response, message['id']);
    if (isCall && behaviour.callDelayMs !== undefined)
      await new Promise((resolve) => setTimeout(resolve, behaviour.callDelayMs));
    const said = resultOf(method, params, behaviour);
    const kind = behaviour.era === 'legacy' ? {} : { resultType: 'complete' };
    const result = said.result && { result: { ...kind, ...said.result } };
    const body = { jsonrpc: '2.0', id: message['id'], ...said, ...result };
    if (method === 'initialize') response.setHeader('mcp-session-id', 'session-1');
    if (!behaviour.streams) {
      response.writeHead(200, { 'content-type': 'application/json' });
      return void response.end(JSON.stringify(body));
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(`event: message\ndata: ${JSON.stringify(body)}\n\n`);
  }
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  return {
    url: (server) => `http://127.0.0.1:${port}/${server}`,
    script: (server, behaviour) => void behaviours.set(server, behaviour),
    requests: (server, method) =>
      requests.filter((one) => one.server === server && (!method || one.method === method)),
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
      }),
  };
}

function resultOf(
  method: string,
  params: Record<string, unknown>,
  behaviour: McpBehaviour,
): { result?: object; error?: object } {
  const { tools = [], era = 'modern', repeats } = behaviour;
  const capabilities = { tools: {} };
  switch (method) {
    case 'server/discover':
      return era === 'modern'
        ? { result: { supportedVersions: ['2026-07-28'], capabilities } }
        : { error: { code: -32601, message: 'Method not found' } };
    case 'initialize': {
      const serverInfo = { name: 'test', version: '1' };
      return { result: { protocolVersion: '2025-11-25', capabilities, serverInfo } };
    }
    case 'tools/list':
      return { result: { tools, ...(repeats && { nextCursor: `${Math.random()}` }) } };
    case 'tools/call': {
      const { call = () => ({ content: [{ type: 'text', text: 'Done.' }] }) } = behaviour;
      return { result: asRecord(call(asText(params['name']), params['arguments'])) };
    }
    default:
      return { error: { code: -32601, message: 'Method not found' } };
  }
}

function misbehave(fault: McpFault, response: ServerResponse, id: unknown): void {
  const stream = { 'content-type': 'text/event-stream' };
  switch (fault) {
    case 'hangs':
      return;
    case 'resets':
      return void response.destroy();
    case 'garbage':
      response.writeHead(200, { 'content-type': 'application/json' });
      return void response.end('<html>not what was asked for');
    case 'fails':
      return void response.writeHead(500).end('secret words of a stack trace');
    case 'unauthorized': {
      const metadata = 'https://mcp.example.com/.well-known/oauth-protected-resource';
      const challenge = `Bearer resource_metadata="${metadata}", scope="all"`;
      return void response.writeHead(401, { 'www-authenticate': challenge }).end();
    }
    case 'redirects':
      return void response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end();
    case 'huge':
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write(
        `{"jsonrpc":"2.0","id":${String(id)},"result":{"content":[{"type":"text","text":"`,
      );
      return pour(response, 100);
    case 'silent-stream':
      response.writeHead(200, stream).flushHeaders();
      return;
    case 'endless-stream': {
      response.writeHead(200, stream);
      const other = `data: {"jsonrpc":"2.0","id":987654,"result":{}}\n\n`;
      const timer = setInterval(() => response.write(other), 20);
      response.on('close', () => clearInterval(timer));
    }
  }
}

/** Writes so many megabytes, as fast as they are taken. */
function pour(response: ServerResponse, megabytes: number): void {
  const piece = 'x'.repeat(1024 * 1024);
  let left = megabytes;
  const more = () => {
    while (left-- > 0) if (!response.write(piece)) return void response.once('drain', more);
    response.end('"}]}}');
  };
  more();
}
