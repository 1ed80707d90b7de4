/**
 * Servers of one's own as they answer on the wire: Ollama, llama.cpp, vLLM and LM Studio. Each
 * lists its models, streams, and refuses in its own way.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { asRecord, asText, parseJson } from './json.ts';

export const MODEL_SERVERS = ['ollama', 'llama.cpp', 'vllm', 'lm-studio'] as const;
export type ModelServerKind = (typeof MODEL_SERVERS)[number];

export interface ModelServer {
  /** With `/v1`, as OPENAI_BASE_URL. */
  baseUrl: string;
  /** Paths of the requests so far. */
  paths: string[];
  /** The models that it has from now on. */
  setModels(models: readonly string[]): void;
  close(): Promise<void>;
}

interface Wire {
  list(models: readonly string[]): unknown;
  /** The JSON of each event of a stream with this text. */
  chunks(model: string, words: readonly string[]): unknown[];
  /** Says that there is no such model; undefined where any name is taken. */
  unknownModel?(model: string): { status: number; body: unknown };
  /** Answers a path that does not exist. */
  unknownPath(method: string, path: string): { status: number; type: string; body: string };
}

const created = 1_764_000_000;
const usage = { prompt_tokens: 26, completion_tokens: 3, total_tokens: 29 };
const json = (body: unknown, status = 200) => ({
  status,
  type: 'application/json',
  body: JSON.stringify(body),
});

const WIRES: Record<ModelServerKind, Wire> = {
  ollama: {
    // An empty list is null.
    list: (models) => ({
      object: 'list',
      data:
        models.length === 0
          ? null
          : models.map((id) => ({ id, object: 'model', created, owned_by: 'library' })),
    }),
    chunks(model, words) {
      const chunk = (delta: object, finish_reason: string | null) => ({
        id: 'chatcmpl-277',
        object: 'chat.completion.chunk',
        created,
        model,
        system_fingerprint: 'fp_ollama',
        choices: [{ index: 0, delta: { role: 'assistant', ...delta }, finish_reason }],
      });
      const last = { ...chunk({}, null), choices: [], usage };
      return [
        ...words.map((content) => chunk({ content }, null)),
        chunk({ content: '' }, 'stop'),
        last,
      ];
    },
    unknownModel: (model) => ({
      status: 404,
      body: {
        error: {
          message: `model '${model}' not found`,
          type: 'not_found_error',
          param: null,
          code: null,
        },
      },
    }),
    unknownPath: () => ({ status: 404, type: 'text/plain', body: '404 page not found' }),
  },
  'llama.cpp': {
    list: (models) => ({
      models: models.map((name) => ({ name, model: name, type: 'model', details: {} })),
      object: 'list',
      data: models.map((id) => ({
        id,
        object: 'model',
        created,
        owned_by: 'llamacpp',
        meta: { vocab_type: 2, n_vocab: 128_256, n_ctx_train: 131_072, n_params: 1_235_814_432 },
      })),
    }),
    chunks(model, words) {
      const chunk = (delta: object, finish_reason: string | null) => ({
        choices: [{ finish_reason, index: 0, delta }],
        created,
        id: 'chatcmpl-x9',
        model,
        system_fingerprint: 'b6000-abcdef',
        object: 'chat.completion.chunk',
      });
      return [
        chunk({ role: 'assistant', content: null }, null),
        ...words.map((content) => chunk({ content }, null)),
        chunk({}, 'stop'),
        { ...chunk({}, null), choices: [], usage, timings: { predicted_n: 3 } },
      ];
    },
    unknownPath: () =>
      json({ error: { code: 404, message: 'File Not Found', type: 'not_found_error' } }, 404),
  },
  vllm: {
    list: (models) => ({
      object: 'list',
      data: models.map((id) => ({
        id,
        object: 'model',
        created,
        owned_by: 'vllm',
        root: id,
        parent: null,
        max_model_len: 8192,
        permission: [{ id: 'modelperm-1', object: 'model_permission', allow_sampling: true }],
      })),
    }),
    chunks(model, words) {
      const chunk = (delta: object, finish_reason: string | null) => ({
        id: 'chatcmpl-1f',
        object: 'chat.completion.chunk',
        created,
        model,
        choices: [{ index: 0, delta, logprobs: null, finish_reason, stop_reason: null }],
      });
      return [
        chunk({ role: 'assistant', content: '' }, null),
        ...words.map((content) => chunk({ content }, null)),
        chunk({ content: '' }, 'stop'),
        { ...chunk({}, null), choices: [], usage },
      ];
    },
    unknownModel: (model) => ({
      status: 404,
      body: {
        error: {
          message: `The model \`${model}\` does not exist.`,
          type: 'NotFoundError',
          param: 'model',
          code: 404,
        },
      },
    }),
    unknownPath: () => json({ detail: 'Not Found' }, 404),
  },
  'lm-studio': {
    list: (models) => ({
      data: models.map((id) => ({ id, object: 'model', owned_by: 'organization_owner' })),
      object: 'list',
    }),
    chunks(model, words) {
      const chunk = (delta: object, finish_reason: string | null) => ({
        id: 'chatcmpl-q7',
        object: 'chat.completion.chunk',
        created,
        model,
        system_fingerprint: model,
        choices: [{ index: 0, delta, logprobs: null, finish_reason }],
      });
      return [
        ...words.map((content) => chunk({ role: 'assistant', content }, null)),
        chunk({}, 'stop'),
        { ...chunk({}, null), choices: [], usage },
      ];
    },
    unknownModel: (model) => ({
      status: 404,
      body: {
        error: {
          message: `Model "${model}" not found. Please specify a valid model.`,
          type: 'invalid_request_error',
          param: 'model',
          code: 'model_not_found',
        },
      },
    }),
    // It answers 200 whatever was asked.
    unknownPath: (method, path) =>
      json({ error: `Unexpected endpoint or method. (${method} ${path}). Returning 200 anyway` }),
  },
};

/** Starts a server of this kind on a free port. */
export async function startModelServer(
  kind: ModelServerKind,
  initial: readonly string[],
): Promise<ModelServer> {
  const wire = WIRES[kind];
  let models = initial;
  const paths: string[] = [];
  const server = createServer((incoming, outgoing) => {
    void answer(incoming, outgoing);
  });
  async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = '', url = '' } = incoming;
    paths.push(url);
    const send = ({ status, type, body }: { status: number; type: string; body: string }) =>
      void outgoing.writeHead(status, { 'content-type': type }).end(body);
    if (method === 'GET' && url === '/v1/models') return send(json(wire.list(models)));
    if (method !== 'POST' || url !== '/v1/chat/completions')
      return send(wire.unknownPath(method, url));
    const model = asText(asRecord(parseJson(await textOf(incoming)))['model']);
    const isKnown = models.some((id) => id === model || id === `${model}:latest`);
    const refusal = isKnown ? undefined : wire.unknownModel?.(model);
    if (refusal) return send(json(refusal.body, refusal.status));
    outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const chunk of wire.chunks(model, ['One ', 'two ', 'three.']))
      outgoing.write(`data: ${JSON.stringify(chunk)}\n\n`);
    outgoing.end('data: [DONE]\n\n');
  }
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  // A TCP server's address is always an object.
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    paths,
    setModels: (others) => (models = others),
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of incoming.setEncoding('utf8')) text += String(piece);
  return text;
}
