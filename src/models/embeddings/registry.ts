/** Knows the enabled embedding models. Their providers are loaded when first needed. */
import type { EmbeddingModelV4, SharedV4ProviderOptions } from '@ai-sdk/provider';
import { ParleyError } from '../../core/errors.ts';
import { errorTypeOf, type Attributes } from '../../core/telemetry.ts';
import { estimateTokens } from '../../core/tokens.ts';
import { withNumbers } from './base64.ts';
import { embedTexts, type Attempt, type BatchSize, type EmbeddingLimits } from './embed.ts';
import type { HttpFetch } from '../http.ts';
import {
  HASHED_EMBEDDER,
  hashedEmbedder,
  OFFLINE_EMBEDDER,
  wordEmbedder,
} from '../offline/local-embedders.ts';
import { serviceAddress } from '../chat/service-address.ts';
import type { WordTable } from '../offline/word-table.ts';
import { workersAiModel, type WorkersAi } from './workers-ai.ts';
import { withPlaceholderKey, type ProviderSettings } from '../chat/registry.ts';

const DEFAULT_OPENAI = 'openai/text-embedding-3-small';

/** The purpose of a text: some models embed questions and documents differently. */
export type EmbeddingUse = 'query' | 'document';

/** One call of an embedding service: what it has used, and how it went. */
export interface EmbeddingCall {
  /** `provider/model`. */
  model: string;
  /** None for a call that failed. */
  inputTokens: number;
  /** True when the service reported no tokens, and they are our estimate. */
  isEstimated: boolean;
  /** Its beginning, in milliseconds since the epoch; then the time that it took. */
  startedAt: number;
  durationMs: number;
  /** The length of its vectors; undefined for a call that failed. */
  dimension?: number | undefined;
  /** The address of the service, as attributes of those who watch. */
  address?: Attributes;
  /** The kind of its error; undefined for a call that was answered. */
  errorType?: string | undefined;
}

export type OnEmbeddingCall = (call: EmbeddingCall) => void;

export interface EmbedOptions {
  use: EmbeddingUse;
  limits: EmbeddingLimits;
  signal?: AbortSignal | undefined;
  /** Called for each call of the service, whatever became of it. */
  onCall?: OnEmbeddingCall | undefined;
}

export interface Embedder {
  /** `provider/model`; together with the dimension it identifies the space of the vectors. */
  name: string;
  /** True when it needs no network. */
  isLocal: boolean;
  /**
   * Resolves to false while it does without a part; what it then embeds is to be embedded again.
   */
  isWhole(): Promise<boolean>;
  /** Returns how much of the meaning of a question it knows: 0 to 1. */
  knows(question: string): Promise<number>;
  /**
   * Returns one vector for each text, all of one dimension, none of them zero or not finite.
   * @throws ParleyError `model_…` when the service keeps failing
   */
  embed(texts: readonly string[], options: EmbedOptions): Promise<number[][]>;
}

/**
 * Most texts of one call, until a service refuses so many. Gemini accepts no more; for OpenAI this
 * many chunks are a sixth of the tokens that it accepts.
 */
const MOST_TEXTS = 100;

export interface EmbeddingRegistry {
  /** The embedder for documents and questions. */
  readonly configured: Embedder;
  /**
   * Returns the embedder of a name.
   * @throws ParleyError `unknown_model` that names the enabled providers
   */
  resolve(name: string): Embedder;
}

export interface EmbeddingSettings {
  openai: ProviderSettings;
  google: ProviderSettings;
  /** Workers AI, where the host has it. */
  workersAi?: WorkersAi | undefined;
  /**
   * `offline`, or `provider/model`. The default is OpenAI's model if it has a key, else `offline`.
   */
  embeddingModel?: string;
  /** The HTTP client of the runtime. */
  network: HttpFetch;
  /** The table of word vectors of the offline model. */
  wordTable: WordTable;
}

type Load = (id: string) => Promise<EmbeddingModelV4>;

export function createEmbeddingRegistry(settings: EmbeddingSettings): EmbeddingRegistry {
  const providers = enabledProviders(settings);
  const local = wordEmbedder(settings.wordTable);
  const secrets = [settings.openai, settings.google].flatMap(({ apiKey }) => apiKey ?? []);
  const batches = new Map<string, BatchSize>();
  const resolve = (name: string): Embedder => {
    if (name === 'offline' || name === OFFLINE_EMBEDDER) return local;
    if (name === HASHED_EMBEDDER) return hashedEmbedder;
    const slash = name.indexOf('/');
    const load = providers.get(name.slice(0, slash));
    const id = name.slice(slash + 1);
    if (slash < 1 || id === '' || !load) throw unknownModel(name, [...providers.keys()]);
    const batch = batches.get(name) ?? { most: MOST_TEXTS };
    batches.set(name, batch);
    const provider = name.slice(0, slash);
    const address = () => addressOf(provider, settings);
    return embedderOf({ name, address, secrets }, batch, () => load(id));
  };
  const fallback = settings.openai.apiKey ? DEFAULT_OPENAI : 'offline';
  return { configured: resolve(settings.embeddingModel ?? fallback), resolve };
}

function addressOf(provider: string, { openai, google }: EmbeddingSettings): Attributes {
  if (provider === 'openai') return serviceAddress(provider, openai.baseURL);
  return provider === 'google' ? serviceAddress(provider, google.baseURL) : {};
}

function embedderOf(
  { name, address, secrets }: { name: string; address: () => Attributes; secrets: string[] },
  batch: BatchSize,
  load: () => Promise<EmbeddingModelV4>,
): Embedder {
  return {
    name,
    isLocal: false,
    isWhole: () => Promise.resolve(true),
    knows: () => Promise.resolve(1),
    async embed(texts, { use, limits, signal, onCall }) {
      if (texts.length === 0) return [];
      const options = {
        values: [...texts],
        providerOptions: optionsFor(use),
        abortSignal: signal,
      };
      const onAttempt =
        onCall && ((attempt: Attempt) => onCall({ ...callOf(name, attempt), address: address() }));
      return embedTexts(await load(), options, { limits, batch, onAttempt, secrets });
    },
  };
}

function callOf(
  model: string,
  { values, answer, error, startedAt, durationMs }: Attempt,
): EmbeddingCall {
  const time = { startedAt, durationMs };
  if (!answer)
    return { model, inputTokens: 0, isEstimated: false, ...time, errorType: errorTypeOf(error) };
  const dimension = answer.embeddings[0]?.length;
  return { model, ...tokensOf(answer.usage?.tokens, values), ...time, dimension };
}

function tokensOf(
  reported: number | undefined,
  values: readonly string[],
): Pick<EmbeddingCall, 'inputTokens' | 'isEstimated'> {
  if (reported) return { inputTokens: reported, isEstimated: false };
  const inputTokens = values.reduce((sum, value) => sum + estimateTokens(value), 0);
  return { inputTokens, isEstimated: true };
}

/**
 * Returns the provider's options for a use. Only Gemini distinguishes them; the others ignore them.
 */
function optionsFor(use: EmbeddingUse): SharedV4ProviderOptions {
  return { google: { taskType: use === 'query' ? 'RETRIEVAL_QUERY' : 'RETRIEVAL_DOCUMENT' } };
}

function enabledProviders(settings: EmbeddingSettings): Map<string, Load> {
  const { openai, google, workersAi, network } = settings;
  const providers = new Map<string, Load>();
  if (workersAi)
    providers.set('workers-ai', (id) => Promise.resolve(workersAiModel(workersAi, id)));
  if (openai.apiKey ?? openai.baseURL) {
    const compatible = { ...withPlaceholderKey(openai), fetch: withNumbers(network) };
    providers.set('openai', async (id) =>
      (await import('@ai-sdk/openai')).createOpenAI(compatible).embeddingModel(id),
    );
  }
  if (google.apiKey) {
    providers.set('google', async (id) =>
      (await import('@ai-sdk/google'))
        .createGoogle({ ...google, fetch: network })
        .embeddingModel(id),
    );
  }
  return providers;
}

function unknownModel(name: string, on: string[]): ParleyError {
  const names = ['offline', ...on.map((provider) => `${provider}/…`)].join(', ');
  return new ParleyError({
    code: 'unknown_model',
    detail: `Unknown embedding model "${name.slice(0, 100)}"; on are: ${names}`,
  });
}
