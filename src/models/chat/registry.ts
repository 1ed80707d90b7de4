/** Which chat models are on, and how to call them. Providers are loaded when first needed. */
import type { LanguageModelV4 } from '@ai-sdk/provider';
import { ParleyError } from '../../core/errors.ts';
import {
  ALIASES,
  OFFLINE_MODEL,
  windowOf,
  type ModelWindow,
  type ProviderName,
} from './catalog.ts';
import type { ChunkDialect } from '../fast-path/chat-completion-chunk.ts';
import { createFastPath } from '../fast-path/wrap-provider.ts';
import type { HttpFetch } from '../http.ts';
import { offlineModel } from '../offline/chat-model.ts';

/** One model that can be asked. */
export interface ChatModel {
  /** `provider/model`. */
  name: string;
  window: ModelWindow;
  load(): Promise<LanguageModelV4>;
}

export interface ModelListing {
  id: string;
  /** For an alias, the model it stands for now. */
  model?: string;
  provider: ProviderName;
}

export interface Registry {
  /** The name used where nobody names a model. */
  readonly defaultName: string;
  /**
   * The models behind a name, in the order in which they are tried.
   * @throws ParleyError `unknown_model` that names those which are on
   */
  resolve(name: string): readonly [ChatModel, ...ChatModel[]];
  list(): ModelListing[];
}

export interface ProviderSettings {
  apiKey?: string;
  baseURL?: string;
}

/** Many servers that are compatible with OpenAI's want no key; the provider insists on one. */
export function withPlaceholderKey({ apiKey = 'none', ...settings }: ProviderSettings) {
  return { ...settings, apiKey };
}

export interface RegistrySettings {
  groq: ProviderSettings;
  openai: ProviderSettings;
  google: ProviderSettings;
  defaultModel?: string;
  network: HttpFetch;
}

const GROQ: ChunkDialect = { thoughts: ['reasoning'], tellsThoughts: true, usage: 'x_groq' };

/** OpenAI itself shows no thoughts here; of the servers that are compatible with it, each names them in one of these ways. */
const OPENAI: ChunkDialect = {
  thoughts: ['reasoning_content', 'reasoning'],
  tellsThoughts: false,
  usage: 'usage',
};

type Provider = (modelId: string) => LanguageModelV4;

export function createRegistry(settings: RegistrySettings): Registry {
  const providers = enabledProviders(settings);
  const modelNamed = (name: string): ChatModel | undefined => {
    const slash = name.indexOf('/');
    const load = providers.get(name.slice(0, slash));
    const id = name.slice(slash + 1);
    if (slash < 1 || id === '' || !load) return undefined;
    return { name, window: windowOf(name), load: async () => (await load())(id) };
  };
  const chain = (name: string): ChatModel[] => {
    if (name === 'offline') return chain(OFFLINE_MODEL);
    const candidates = Object.hasOwn(ALIASES, name) ? (ALIASES[name] ?? []) : [name];
    const found = candidates.map(modelNamed).filter((model) => model !== undefined);
    return found.length === 0 && candidates.length > 1 ? chain(OFFLINE_MODEL) : found;
  };
  const resolve = (name: string): readonly [ChatModel, ...ChatModel[]] => {
    const [first, ...others] = chain(name);
    if (!first)
      throw unknownModel(name, [
        ...Object.keys(ALIASES),
        'offline',
        ...[...providers.keys()].map((on) => `${on}/…`),
      ]);
    return [first, ...others];
  };
  const defaultName =
    settings.defaultModel ?? (resolve('smart')[0].name === OFFLINE_MODEL ? 'offline' : 'smart');
  return {
    defaultName: resolve(defaultName) && defaultName,
    resolve,
    list: () => listModels(resolve, providers),
  };
}

function listModels(resolve: Registry['resolve'], providers: Map<string, unknown>): ModelListing[] {
  const aliases = [...Object.keys(ALIASES), 'offline'].map((id) => ({
    id,
    model: resolve(id)[0].name,
  }));
  const named = Object.values(ALIASES)
    .flat()
    .filter((name) => providers.has(providerOf(name)));
  return [
    ...aliases.map((alias) => ({ ...alias, provider: providerOf(alias.model) })),
    ...named.map((id) => ({ id, provider: providerOf(id) })),
  ];
}

function providerOf(name: string): ProviderName {
  // Names come from the catalogue, whose first word is a provider.
  return name.slice(0, name.indexOf('/')) as ProviderName;
}

function enabledProviders({
  groq,
  openai,
  google,
  network,
}: RegistrySettings): Map<string, () => Promise<Provider>> {
  const providers = new Map<string, () => Promise<Provider>>();
  const lane = createFastPath(network);
  if (groq.apiKey) {
    providers.set(
      'groq',
      once(async () => {
        const { createGroq } = await import('@ai-sdk/groq');
        const provider = createGroq({ ...groq, fetch: lane.fetch });
        return (id: string) => lane.wrap(provider(id), GROQ);
      }),
    );
  }
  if (openai.apiKey ?? openai.baseURL) {
    const settings = { ...withPlaceholderKey(openai), fetch: lane.fetch };
    providers.set(
      'openai',
      once(async () => {
        const { createOpenAI } = await import('@ai-sdk/openai');
        const provider = createOpenAI(settings);
        return (id: string) => lane.wrap(provider.chat(id), OPENAI);
      }),
    );
  }
  if (google.apiKey) {
    providers.set(
      'google',
      once(async () =>
        (await import('@ai-sdk/google')).createGoogle({ ...google, fetch: lane.fetch }),
      ),
    );
  }
  providers.set('offline', () => Promise.resolve(offlineModel));
  return providers;
}

function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  return () => (loaded ??= load());
}

function unknownModel(name: string, on: string[]): ParleyError {
  const detail = `Unknown model "${name.slice(0, 100)}"; on are: ${on.join(', ')}`;
  return new ParleyError({
    code: 'unknown_model',
    detail,
    errors: [{ path: 'model', message: detail }],
  });
}
