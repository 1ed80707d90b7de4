/**
 * Registers the providers of chat models in the SDK's registry. This file and its imports are
 * loaded lazily.
 */
import type { LanguageModelV4, ProviderV4 } from '@ai-sdk/provider';
import { createProviderRegistry, wrapLanguageModel, type LanguageModelMiddleware } from 'ai';
import { fastPath } from '../fast-path/middleware.ts';
import { ModelCalls } from '../model-calls.ts';
import { offlineProvider } from '../offline/chat-model.ts';
import {
  GROQ_CHUNKS,
  OPENAI_CHUNKS,
  type ChunkDialect,
} from '../provider-stream/canonical-chunk.ts';
import { geminiStream, providerStream, responsesStream } from '../provider-stream/middleware.ts';
import type { ProviderName } from './catalog.ts';
import { enabledProviders, withPlaceholderKey, type ProvidersSettings } from './settings.ts';

/**
 * Loads the enabled providers.
 * @returns a function from a name `provider/model` to the model, for any model of an enabled
 * provider
 */
export async function loadProviders(
  settings: ProvidersSettings,
): Promise<(name: string) => LanguageModelV4> {
  const calls = new ModelCalls(settings.network);
  const loaded = enabledProviders(settings).map(
    async (name) => [name, await LOADERS[name](settings, calls)] as const,
  );
  const providers: Record<string, ProviderV4> = Object.fromEntries(await Promise.all(loaded));
  const registry = createProviderRegistry(providers, { separator: '/' });
  return (name) => {
    const slash = name.indexOf('/');
    return registry.languageModel(`${name.slice(0, slash)}/${name.slice(slash + 1)}`);
  };
}

type Loader = (settings: ProvidersSettings, calls: ModelCalls) => Promise<ProviderV4>;

const LOADERS: Record<ProviderName, Loader> = {
  async groq(settings, calls) {
    const { createGroq } = await import('@ai-sdk/groq');
    const provider = createGroq({ ...settings.groq, fetch: calls.fetch });
    return withModels(provider, (id) => provider(id), chatStream(settings, calls, GROQ_CHUNKS));
  },
  async openai(settings, calls) {
    const { createOpenAI } = await import('@ai-sdk/openai');
    const provider = createOpenAI({ ...withPlaceholderKey(settings.openai), fetch: calls.fetch });
    if (settings.openai.wire === 'responses') {
      const middleware = responsesStream(calls, settings.settleMs);
      return withModels(provider, (id) => provider.responses(id), middleware);
    }
    const middleware = chatStream(settings, calls, OPENAI_CHUNKS);
    return withModels(provider, (id) => provider.chat(id), middleware);
  },
  async google(settings, calls) {
    const { createGoogle } = await import('@ai-sdk/google');
    const provider = createGoogle({ ...settings.google, fetch: calls.fetch });
    return withModels(provider, (id) => provider(id), geminiStream(calls, settings.settleMs));
  },
  offline: () => Promise.resolve(offlineProvider),
};

function chatStream(
  { fastPath: isFast, settleMs }: ProvidersSettings,
  calls: ModelCalls,
  dialect: ChunkDialect,
): LanguageModelMiddleware {
  return (isFast ? fastPath : providerStream)(calls, { dialect, settleMs });
}

/** Returns the provider with the given chat models, whose streams our middleware reads. */
function withModels(
  provider: ProviderV4,
  model: (id: string) => LanguageModelV4,
  middleware: LanguageModelMiddleware,
): ProviderV4 {
  return {
    specificationVersion: 'v4',
    languageModel: (id) => wrapLanguageModel({ model: model(id), middleware }),
    embeddingModel: (id) => provider.embeddingModel(id),
    imageModel: (id) => provider.imageModel(id),
  };
}
