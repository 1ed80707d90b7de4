/** What the operator says of the chat models' services. */
import type { HttpFetch } from '../http.ts';
import type { ProviderName } from './catalog.ts';

export interface ProviderSettings {
  apiKey?: string;
  baseURL?: string;
}

export interface ProvidersSettings {
  groq: ProviderSettings;
  openai: ProviderSettings;
  google: ProviderSettings;
  network: HttpFetch;
  /** Whether answers of nothing but text go around their providers. */
  fastPath: boolean;
  /** Milliseconds to wait for counts after a declared finish. */
  settleMs: number;
}

/** Many servers that are compatible with OpenAI's want no key; the provider insists on one. */
export function withPlaceholderKey({ apiKey = 'none', ...settings }: ProviderSettings) {
  return { ...settings, apiKey };
}

/** Returns the names of the providers that are on. */
export function enabledProviders({ groq, openai, google }: ProvidersSettings): ProviderName[] {
  const isOn: Record<ProviderName, boolean> = {
    groq: groq.apiKey !== undefined,
    openai: (openai.apiKey ?? openai.baseURL) !== undefined,
    google: google.apiKey !== undefined,
    offline: true,
  };
  return (['groq', 'openai', 'google', 'offline'] as const).filter((name) => isOn[name]);
}
