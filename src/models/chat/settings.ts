/** The operator's settings for the services of chat models. */
import type { HttpFetch } from '../http.ts';
import type { ProviderName } from './catalog.ts';

export interface ProviderSettings {
  apiKey?: string;
  baseURL?: string;
}

export interface OpenAISettings extends ProviderSettings {
  /** The API by which chat models are asked; chat completions unless it says otherwise. */
  wire?: 'chat' | 'responses';
}

export interface ProvidersSettings {
  groq: ProviderSettings;
  openai: OpenAISettings;
  google: ProviderSettings;
  network: HttpFetch;
  /** True when plain text answers bypass their provider. */
  fastPath: boolean;
  /** Milliseconds to wait for token counts after the answer has finished. */
  settleMs: number;
}

/** Sets a placeholder key. The provider requires one, but many OpenAI-compatible servers do not. */
export function withPlaceholderKey({ apiKey = 'none', ...settings }: ProviderSettings) {
  return { ...settings, apiKey };
}

/** Returns the names of the enabled providers. */
export function enabledProviders({ groq, openai, google }: ProvidersSettings): ProviderName[] {
  const isOn: Record<ProviderName, boolean> = {
    groq: groq.apiKey !== undefined,
    openai: (openai.apiKey ?? openai.baseURL) !== undefined,
    google: google.apiKey !== undefined,
    offline: true,
  };
  return (['groq', 'openai', 'google', 'offline'] as const).filter((name) => isOn[name]);
}
