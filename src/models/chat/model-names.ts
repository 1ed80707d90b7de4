/**
 * Resolves names of models: with a provider, as an alias, or as a server of the operator's own
 * knows them.
 */
import type { FileKind } from '../../core/file.ts';
import { ALIASES, SLOW_OFFLINE_MODEL, type ProviderName } from './catalog.ts';
import type { ModelListing, Registry, RegistrySettings } from './registry.ts';
import { modelFor, type ServiceModels } from './service-models.ts';

/** Returns true for names that mean the same whatever a server has. */
export function isQualified(name: string, providers: ReadonlySet<string>): boolean {
  return name === 'offline' || providers.has(providerOf(name));
}

/** Returns the name with its provider, for a model that a server of the operator's own has. */
export function qualifiedName(
  name: string,
  providers: ReadonlySet<string>,
  service: ServiceModels | undefined,
): string {
  if (isQualified(name, providers)) return name;
  // Ollama leaves this tag out where it can.
  const found = service?.known?.find(({ id }) => id === name || id === `${name}:latest`);
  return found ? `openai/${found.id}` : name;
}

/**
 * Returns the default model with its provider. At a server of the operator's own, DEFAULT_MODEL may
 * be the name that the server knows.
 */
export function defaultNameOf(
  { defaultModel, openai }: RegistrySettings,
  providers: ReadonlySet<string>,
): string | undefined {
  if (defaultModel === undefined || openai.baseURL === undefined) return defaultModel;
  const isKnown = isQualified(defaultModel, providers) || Object.hasOwn(ALIASES, defaultModel);
  return isKnown ? defaultModel : `openai/${defaultModel}`;
}

/** Returns the candidates of an alias; those of a server of one's own are what it has. */
export function candidatesOf(alias: string, service: ServiceModels | undefined): readonly string[] {
  const candidates = ALIASES[alias] ?? [];
  const models = service?.known;
  if (!models) return candidates;
  return candidates.map((name) => {
    if (providerOf(name) !== 'openai' || models.some(({ id }) => `openai/${id}` === name))
      return name;
    const found = modelFor(alias, models);
    return found === undefined ? name : `openai/${found}`;
  });
}

export function contextOf(name: string, service: ServiceModels | undefined): number | undefined {
  return service?.known?.find(({ id }) => name === `openai/${id}`)?.contextTokens;
}

interface ListSettings {
  resolve: Registry['resolve'];
  providers: ReadonlySet<string>;
  service: ServiceModels | undefined;
  defaultName: string;
  kindsOf: (model: string) => readonly FileKind[];
}

export function listModels({
  resolve,
  providers,
  service,
  defaultName,
  kindsOf,
}: ListSettings): ModelListing[] {
  const aliases = [...Object.keys(ALIASES), 'offline'].map((id) => ({
    id,
    model: resolve(id)[0].name,
  }));
  const catalog = Object.values(ALIASES)
    .flat()
    .filter((name) => providers.has(providerOf(name)))
    // The catalogue knows OpenAI's own models, not those of another server.
    .filter((name) => !service || providerOf(name) !== 'openai');
  const own = service?.known?.map(({ id }) => `openai/${id}`) ?? [];
  const chosen = defaultName.includes('/') ? [defaultName] : [];
  const named = new Set([...chosen, ...own, ...catalog, SLOW_OFFLINE_MODEL]);
  const known = (id: string) => ({ provider: providerOf(id), attachments: kindsOf(id) });
  return [
    ...aliases.map((alias) => ({ ...alias, ...known(alias.model) })),
    ...[...named].map((id) => ({ id, ...known(id) })),
  ];
}

export function providerOf(name: string): ProviderName {
  // Names come from the catalogue and begin with a provider.
  return name.slice(0, name.indexOf('/')) as ProviderName;
}
