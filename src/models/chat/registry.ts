/**
 * Knows which chat models are enabled and how to call them. Providers are loaded when first needed.
 */
import type { LanguageModelV4 } from '@ai-sdk/provider';
import { ParleyError } from '../../core/errors.ts';
import type { FileKind } from '../../core/file.ts';
import type { TurnParameters } from '../../core/parameters.ts';
import type { Attributes } from '../../core/telemetry.ts';
import {
  ALIASES,
  OFFLINE_MODEL,
  windowOf,
  type ModelWindow,
  type ProviderName,
} from './catalog.ts';
import type { FailureContext } from '../describe-failure.ts';
import { kindsTakenBy, takesFile, type FileKindsByModel } from './file-support.ts';
import {
  unsupportedBy,
  unsupportedByResponses,
  unsupportedParameter,
  type Unsupported,
} from './parameter-support.ts';
import {
  candidatesOf,
  contextOf,
  defaultNameOf,
  isQualified,
  listModels,
  providerOf,
  qualifiedName,
} from './model-names.ts';
import { memoized, once, rememberedWhile } from './remember.ts';
import { serviceAddress } from './service-address.ts';
import { ServiceModels } from './service-models.ts';
import { enabledProviders, type ProvidersSettings } from './settings.ts';

export { withPlaceholderKey, type ProviderSettings } from './settings.ts';

/** A model that can be called. */
export interface ChatModel {
  /** `provider/model`. */
  name: string;
  window: ModelWindow;
  /** Tells whether it takes a file of this type as it is; it reads the text of documents. */
  takes: (mimeType: string) => boolean;
  /** The names for the log of failures, and the secrets that it must hide. */
  failureContext?: FailureContext;
  /** Returns the address of its service, as attributes of those who watch. */
  address?: () => Attributes;
  load(): Promise<LanguageModelV4>;
}

export interface ModelListing {
  id: string;
  /** For an alias, the model that it currently stands for. */
  model?: string;
  provider: ProviderName;
  /** The kinds of files that it takes as they are; the text of documents any model reads. */
  attachments: readonly FileKind[];
}

export interface Registry {
  /** The model that is used when a request names none. */
  readonly defaultName: string;
  /**
   * Returns the models behind a name, in the order in which they are tried.
   * @param parameters what they must be able to honour
   * @throws ParleyError `unknown_model` that names the enabled ones, or `unsupported_parameter`
   *   when none of them can honour a parameter
   */
  resolve(name: string, parameters?: TurnParameters): readonly [ChatModel, ...ChatModel[]];
  /**
   * Does the same once it is known what a server has, on which the meaning of a name may depend.
   */
  find(name: string, parameters?: TurnParameters): Promise<readonly [ChatModel, ...ChatModel[]]>;
  list(): Promise<ModelListing[]>;
  /** Loads what the first turn would wait for otherwise. */
  prepare(): Promise<void>;
}

export interface RegistrySettings extends ProvidersSettings {
  defaultModel?: string;
  /** The kinds of files that models take, as the operator says. */
  fileKinds?: FileKindsByModel | undefined;
  /** Tells the operator what is wrong with a service. */
  warn?: (message: string) => void;
}

export function createRegistry(settings: RegistrySettings): Registry {
  const providers = new Set<string>(enabledProviders(settings));
  const load = once(async () => (await import('./providers.ts')).loadProviders(settings));
  const service = serviceOf(settings);
  const qualify = (name: string) => qualifiedName(name, providers, service);
  const failureContext = memoized((provider: ProviderName) => failureContextOf(provider, settings));
  const modelNamed = (given: string): ChatModel | undefined => {
    const name = qualify(given);
    const slash = name.indexOf('/');
    if (!providers.has(name.slice(0, slash)) || slash === name.length - 1) return undefined;
    return {
      name,
      window: windowOf(name, contextOf(name, service)),
      takes: (mimeType) => takesFile(name, kindsTakenBy(name, settings.fileKinds), mimeType),
      failureContext: failureContext(providerOf(name)),
      address: () => addressOf(providerOf(name), settings),
      load: once(async () => (await load())(name)),
    };
  };
  // A turn resolves its model twice, and what a name means seldom changes.
  const chain = rememberedWhile(
    () => service?.known,
    (name: string): readonly ChatModel[] => chainOf(name),
  );
  const chainOf = (name: string): readonly ChatModel[] => {
    if (name === 'offline') return chain(OFFLINE_MODEL);
    const candidates = Object.hasOwn(ALIASES, name) ? candidatesOf(name, service) : [name];
    const found = candidates.map(modelNamed).filter((model) => model !== undefined);
    return found.length === 0 && candidates.length > 1 ? chain(OFFLINE_MODEL) : found;
  };
  const refusal = (model: string, parameters: TurnParameters) =>
    unsupportedBy(model, parameters) ??
    (settings.openai.wire === 'responses' && providerOf(model) === 'openai'
      ? unsupportedByResponses(parameters)
      : undefined);
  const resolve: Registry['resolve'] = (name, parameters) => {
    const [first, ...others] = chain(name);
    if (!first)
      throw unknownModel(name, [
        ...Object.keys(ALIASES),
        'offline',
        ...[...providers].map((on) => `${on}/…`),
      ]);
    if (!parameters) return [first, ...others];
    return honouring([first, ...others], (model) => refusal(model, parameters));
  };
  const defaultName =
    defaultNameOf(settings, providers) ??
    (resolve('smart')[0].name === OFFLINE_MODEL ? 'offline' : 'smart');
  return {
    defaultName: resolve(defaultName) && defaultName,
    resolve,
    async find(name, parameters) {
      if (!isQualified(name, providers)) await service?.refresh();
      return resolve(name, parameters);
    },
    list: async () => {
      await service?.refresh();
      return listModels({
        ...{ resolve, providers, service, defaultName },
        kindsOf: (model) => kindsTakenBy(model, settings.fileKinds),
      });
    },
    prepare: async () => void (await Promise.all([load(), service?.refresh()])),
  };
}

/**
 * Returns those of the models that can honour the parameters, as far as is known.
 * @param refusal returns the parameter that a model cannot honour
 * @throws ParleyError `unsupported_parameter` that names the parameter and the first model
 */
function honouring(
  models: readonly [ChatModel, ...ChatModel[]],
  refusal: (model: string) => Unsupported | undefined,
): readonly [ChatModel, ...ChatModel[]] {
  const refused = refusal(models[0].name);
  const [first, ...others] = models.filter(({ name }) => !refusal(name));
  if (first) return [first, ...others];
  throw refused ? unsupportedParameter(models[0].name, refused) : new TypeError('no model');
}

/** Returns what a server of the operator's own has; undefined when there is none. */
function serviceOf(settings: RegistrySettings): ServiceModels | undefined {
  const { baseURL, apiKey } = settings.openai;
  if (baseURL === undefined) return undefined;
  const { network, warn = () => undefined } = settings;
  const failureContext = failureContextOf('openai', settings);
  return new ServiceModels({ baseURL, apiKey, network, warn, failureContext });
}

const VARIABLES: Partial<Record<ProviderName, [key: string, baseUrl: string]>> = {
  groq: ['GROQ_API_KEY', 'GROQ_BASE_URL'],
  openai: ['OPENAI_API_KEY', 'OPENAI_BASE_URL'],
  google: ['GOOGLE_GENERATIVE_AI_API_KEY', 'GOOGLE_BASE_URL'],
};

function failureContextOf(
  provider: ProviderName,
  { groq, openai, google }: ProvidersSettings,
): FailureContext {
  const [keyVariable, baseUrlVariable] = VARIABLES[provider] ?? [];
  const secrets = [groq, openai, google].flatMap(({ apiKey }) => apiKey ?? []);
  return { keyVariable, baseUrlVariable, secrets };
}

function addressOf(provider: ProviderName, settings: ProvidersSettings): Attributes {
  const { baseURL } = provider === 'offline' ? {} : settings[provider];
  return serviceAddress(provider, baseURL);
}

function unknownModel(name: string, on: string[]): ParleyError {
  const detail = `Unknown model "${name.slice(0, 100)}"; on are: ${on.join(', ')}`;
  return new ParleyError({
    code: 'unknown_model',
    detail,
    errors: [{ path: 'model', message: detail }],
  });
}
