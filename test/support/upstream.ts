/**
 * A model service for tests: a real HTTP server that implements the APIs of OpenAI (chat,
 * Responses, embeddings), Groq and Gemini, and misbehaves as scripted for each model name.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerModel, failedInstead, send } from './upstream/answer.ts';
import { chooseBehaviour, type Script } from './upstream/behaviour.ts';
import { BodyOver } from './upstream/body-writer.ts';
import { answerControl } from './upstream/control.ts';
import { geminiEmbeddings, openaiEmbeddings } from './upstream/embeddings.ts';
import { geminiWire } from './upstream/gemini.ts';
import { chatWire } from './upstream/openai-chat.ts';
import { responsesWire } from './upstream/openai-responses.ts';
import { recordRequest, type RecordedRequest, type WireName } from './upstream/recorded-request.ts';
import type { Wire } from './upstream/wire.ts';

export type { Behaviour, Script } from './upstream/behaviour.ts';
export { upstreamWords } from './upstream/behaviour.ts';
export type { RecordedRequest } from './upstream/recorded-request.ts';

export interface Upstream {
  url: string;
  openaiBaseUrl: string;
  groqBaseUrl: string;
  googleBaseUrl: string;
  /** The key that `keyAccepted` looks for. */
  key: string;
  /** All variables that a product needs to use the three services here, including the key. */
  env: Record<string, string>;
  /** Oldest first. */
  requests: RecordedRequest[];
  /** Sets the behaviour of a model name; the count of its requests starts again. */
  script(model: string, script: Script): void;
  /** Lets the answers of a model go on that wait where `holdAt` says, and all later ones. */
  release(model: string): void;
  /** Waits for the first recorded request that fits; rejects after `timeoutMs` (default 15000). */
  waitForRequest(
    fits?: (request: RecordedRequest) => boolean,
    timeoutMs?: number,
  ): Promise<RecordedRequest>;
  /** Forgets scripts and requests; open answers go on. */
  reset(): void;
  /** Stops listening (connections are refused) and drops every connection. */
  down(): Promise<void>;
  /** Listens again on the same port. */
  up(): Promise<void>;
  close(): Promise<void>;
}

interface Route {
  name: WireName;
  wire: Wire;
  path: RegExp;
  embeds?: boolean;
}

const routes: Route[] = [
  { name: 'groq', wire: chatWire('groq'), path: /^\/groq\/openai\/v1\/chat\/completions$/u },
  { name: 'openai-chat', wire: chatWire('openai'), path: /^\/openai\/v1\/chat\/completions$/u },
  { name: 'openai-responses', wire: responsesWire, path: /^\/openai\/v1\/responses$/u },
  {
    name: 'gemini',
    wire: geminiWire,
    path: /^\/google\/v1beta\/models\/.+:(streamG|g)enerateContent$/u,
  },
  {
    name: 'openai-embeddings',
    wire: { ...chatWire('openai'), refuse: () => undefined },
    path: /^\/openai\/v1\/embeddings$/u,
    embeds: true,
  },
  {
    name: 'gemini-embeddings',
    wire: { ...geminiWire, refuse: () => undefined },
    path: /^\/google\/v1beta\/models\/.+:(e|batchE)mbedContents?$/u,
    embeds: true,
  },
];

/** Longer than a test takes, in milliseconds. */
const KEPT_ALIVE_MS = 300_000;

/** Starts the service on 127.0.0.1; `port` 0 (default) picks a free one. */
export async function startUpstream({
  port = 0,
  key = 'upstream-test-key',
}: { port?: number; key?: string } = {}): Promise<Upstream> {
  const state: State = {
    key,
    ...{ scripts: new Map(), counts: new Map(), holds: new Map(), requests: [] },
  };
  const script = (model: string, script: Script) => {
    state.scripts.set(model, script);
    state.counts.delete(model);
    state.holds.delete(model);
  };
  const release = (model: string) => holdOf(state, model).resolve();
  const { requests } = state;
  const server = createServer((request, response) => {
    const answer = async () => {
      if (await answerControl({ requests, script, release }, request, response)) return;
      await handle(state, request, response);
    };
    answer().catch((error: unknown) => {
      // Some tests are about clients that leave while they wait.
      if (!(error instanceof BodyOver)) console.error('the test upstream failed', error);
      response.destroy();
    });
  });
  // On a busy machine the end of an idle connection meets the next request.
  server.keepAliveTimeout = KEPT_ALIVE_MS;
  await listen(server, port);
  // A TCP server's address is always an object; only pipes have a string.
  const bound = (server.address() as AddressInfo).port;
  const url = `http://127.0.0.1:${bound}`;
  const down = async () => {
    server.closeAllConnections();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  return {
    url,
    ...baseUrls(url),
    key,
    env: serviceEnvironment(url, key),
    requests,
    script,
    release,
    waitForRequest: (fits = () => true, timeoutMs = 15_000) => waitFor(state, fits, timeoutMs),
    reset() {
      state.scripts.clear();
      state.counts.clear();
      state.holds.clear();
      state.requests.length = 0;
    },
    down,
    up: () => listen(server, bound),
    close: down,
  };
}

interface State {
  key: string;
  scripts: Map<string, Script>;
  /** Requests so far, by model. */
  counts: Map<string, number>;
  /** What answers wait for that are held, by model. */
  holds: Map<string, PromiseWithResolvers<void>>;
  requests: RecordedRequest[];
}

function holdOf({ holds }: State, model: string): PromiseWithResolvers<void> {
  const hold = holds.get(model) ?? Promise.withResolvers<void>();
  holds.set(model, hold);
  return hold;
}

async function handle(state: State, request: IncomingMessage, response: ServerResponse) {
  const record = await recordRequest({ request, response }, state.key);
  state.requests.push(record);
  const path = record.path.split('?')[0] ?? '';
  const route = routes.find((candidate) => candidate.path.test(path));
  if (route === undefined) {
    const body = JSON.stringify({ error: { message: `no such path: ${path}` } });
    return send({ response, record }, { code: 404, type: 'application/json', body });
  }
  const { model, stream } = route.wire.read(record.body, path);
  const { promise: released } = holdOf(state, model);
  Object.assign(record, { wire: route.name, model, stream, released });
  const count = state.counts.get(model) ?? 0;
  state.counts.set(model, count + 1);
  const behaviour = chooseBehaviour(state.scripts.get(model), record.body, count);
  const exchange = { wire: route.wire, behaviour, record, response, count };
  if (route.embeds !== true) return answerModel(exchange);
  if (await failedInstead(exchange)) return;
  const answer =
    route.name === 'openai-embeddings'
      ? openaiEmbeddings(record.body, behaviour)
      : geminiEmbeddings(record.body, path, behaviour);
  const { compressed } = behaviour;
  const body = JSON.stringify(answer);
  send(exchange, { code: 200, type: 'application/json', body, compressed });
}

async function waitFor(
  { requests }: State,
  fits: (request: RecordedRequest) => boolean,
  timeoutMs: number,
): Promise<RecordedRequest> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = requests.find(fits);
    if (found) return found;
    if (Date.now() > deadline) {
      throw new Error(`no such request within ${timeoutMs} ms; ${requests.length} others came`);
    }
    await sleep(5);
  }
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}

function baseUrls(url: string) {
  return {
    openaiBaseUrl: `${url}/openai/v1`,
    groqBaseUrl: `${url}/groq/openai/v1`,
    googleBaseUrl: `${url}/google/v1beta`,
  };
}

function serviceEnvironment(url: string, key: string): Record<string, string> {
  const { openaiBaseUrl, groqBaseUrl, googleBaseUrl } = baseUrls(url);
  return {
    OPENAI_API_KEY: key,
    OPENAI_BASE_URL: openaiBaseUrl,
    GROQ_API_KEY: key,
    GROQ_BASE_URL: groqBaseUrl,
    GOOGLE_GENERATIVE_AI_API_KEY: key,
    GOOGLE_BASE_URL: googleBaseUrl,
  };
}
