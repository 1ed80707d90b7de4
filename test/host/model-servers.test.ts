/** Servers of one's own behind OPENAI_BASE_URL: what they have is what can be asked for. */
import { afterEach, describe, expect, it } from 'vitest';
import { request } from '../support/http.ts';
import {
  MODEL_SERVERS,
  startModelServer,
  type ModelServer,
  type ModelServerKind,
} from '../support/model-servers.ts';
import { freePort } from '../support/places.ts';
import { startServer, type Runtime, type TestServer } from '../support/server.ts';

const started: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of started.splice(0).toReversed()) await each.close();
});

interface Listing {
  default: string;
  models: { id: string; model?: string; provider: string }[];
}

async function serve(env: Record<string, string>, runtime: Runtime = 'node'): Promise<TestServer> {
  const server = await startServer({ env, runtime });
  started.push(server);
  return server;
}

async function modelServer(kind: ModelServerKind, models: readonly string[]): Promise<ModelServer> {
  const own = await startModelServer(kind, models);
  started.push(own);
  return own;
}

async function list({ url }: TestServer): Promise<Listing> {
  const { status, json } = await request<Listing>(`${url}/models`);
  expect(status).toBe(200);
  return json;
}

interface Answered {
  message: { content: string; status: string; model: string };
  code?: string;
}

function ask({ url }: TestServer, model?: string) {
  const json = { user_id: 'u', message: 'Count to three', ...(model && { model }) };
  return request<Answered>(`${url}/conversations`, { json });
}

const modelsOf: Record<ModelServerKind, string[]> = {
  ollama: ['llama3.2:latest', 'qwen2.5:7b', 'llama3.1:70b', 'nomic-embed-text:latest'],
  'llama.cpp': ['/models/Llama-3.2-1B-Instruct-Q8_0.gguf'],
  vllm: ['meta-llama/Llama-3.1-8B-Instruct'],
  'lm-studio': ['qwen2.5-7b-instruct', 'text-embedding-nomic-embed-text-v1.5'],
};

describe.each(MODEL_SERVERS)('%s', (kind) => {
  const models = modelsOf[kind];

  it('is listed, answers by alias and by name, and refuses a model that it lacks', async () => {
    const own = await modelServer(kind, models);
    const server = await serve({ OPENAI_BASE_URL: own.baseUrl });
    const listing = await list(server);
    const ids = listing.models.map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(models.map((id) => `openai/${id}`)));
    // What it does not have is not listed.
    expect(JSON.stringify(listing)).not.toContain('gpt-5');

    const [fast, smart] =
      kind === 'ollama' ? ['qwen2.5:7b', 'llama3.1:70b'] : [models[0], models[0]];
    expect(listing.models).toEqual(
      expect.arrayContaining([
        { id: 'fast', model: `openai/${fast}`, provider: 'openai', attachments: [] },
        { id: 'smart', model: `openai/${smart}`, provider: 'openai', attachments: [] },
      ]),
    );
    for (const [name, model] of [
      [undefined, smart],
      ['fast', fast],
      [models[0], models[0]],
    ] as const) {
      const { status, json } = await ask(server, name);
      expect([status, json.message]).toMatchObject([
        200,
        { content: 'One two three.', status: 'complete', model: `openai/${model}` },
      ]);
    }
    if (kind === 'llama.cpp') return;
    const refused = await ask(server, 'openai/no-such-model');
    expect(refused).toMatchObject({ status: 502, json: { code: 'model_not_found' } });
    await expect.poll(() => server.logs()).toMatch(/404.*check the model’s name/u);
  });

  it('is told apart from an address without /v1, with a hint', async () => {
    const own = await modelServer(kind, models);
    const server = await serve({ OPENAI_BASE_URL: own.baseUrl.replace('/v1', '') });
    await expect
      .poll(() => server.logs())
      .toMatch(/models of OPENAI_BASE_URL are not known.*lacks its \/v1/u);
    const { status, json } = await ask(server, `openai/${models[0]}`);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(json.message).toBeUndefined();
  });
});

it('DEFAULT_MODEL is understood as the server calls it', async () => {
  const own = await modelServer('ollama', modelsOf.ollama);
  const server = await serve({ OPENAI_BASE_URL: own.baseUrl, DEFAULT_MODEL: 'llama3.2' });
  expect((await list(server)).default).toBe('openai/llama3.2');
  expect((await ask(server)).json.message).toMatchObject({ content: 'One two three.' });
  // For a request, too: the server has it, with a tag.
  expect((await ask(server, 'llama3.2')).json.message.model).toBe('openai/llama3.2:latest');
  expect(await ask(server, 'llama9')).toMatchObject({
    status: 400,
    json: { code: 'unknown_model' },
  });
});

it('a server that is not there changes nothing', { timeout: 120_000 }, async () => {
  const port = await freePort();
  const begunAt = performance.now();
  const server = await serve({ OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1` });
  expect(server.logs()).toMatch(/listening on/u);
  expect(performance.now() - begunAt).toBeLessThan(30_000);
  expect((await list(server)).models.map(({ id }) => id)).toEqual(
    expect.arrayContaining(['fast', 'smart', 'offline']),
  );
  expect(await ask(server, 'fast')).toMatchObject({ status: 503 });
  expect(await ask(server, 'offline')).toMatchObject({ status: 200 });
  await expect.poll(() => server.logs()).toMatch(/OPENAI_BASE_URL are not known.*is it running/u);
});

it('on Workers it is listed, and aliases stand for what it has', { timeout: 180_000 }, async () => {
  const own = await modelServer('ollama', modelsOf.ollama);
  const server = await serve({ OPENAI_BASE_URL: own.baseUrl }, 'workerd');
  expect((await ask(server, 'fast')).json.message).toMatchObject({
    content: 'One two three.',
    model: 'openai/qwen2.5:7b',
  });
  expect((await list(server)).models.map(({ id }) => id)).toContain('openai/llama3.1:70b');
});
