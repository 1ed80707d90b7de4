/** What the registry knows by itself: providers, aliases, and how much the named models take. Any other name of a provider that is on is passed to it. */
export type ProviderName = 'groq' | 'openai' | 'google' | 'offline';

/** Tried in this order: the first whose provider is on answers, the others are its fallbacks. `offline` stands in only where no provider is on. */
export const ALIASES: Record<string, readonly string[]> = {
  fast: ['groq/llama-3.1-8b-instant', 'openai/gpt-5.4-mini', 'google/gemini-2.5-flash'],
  smart: ['groq/openai/gpt-oss-120b', 'openai/gpt-5.4', 'google/gemini-2.5-pro'],
};

export const OFFLINE_MODEL = 'offline/offline';
/** Says more, and slowly enough to be cancelled, left and come back to by hand. */
export const SLOW_OFFLINE_MODEL = 'offline/slow';

/** True for the models that are no language models: nothing can be asked of them. */
export function isOffline(name: string): boolean {
  return name.startsWith('offline/');
}

/** Tokens a model takes in all, and how many of them are kept free for its answer. */
export interface ModelWindow {
  context: number;
  answer: number;
}

const WINDOWS: Record<string, ModelWindow> = {
  'groq/llama-3.1-8b-instant': { context: 131_072, answer: 8_192 },
  'groq/openai/gpt-oss-120b': { context: 131_072, answer: 16_384 },
  'openai/gpt-5.4': { context: 400_000, answer: 32_768 },
  'openai/gpt-5.4-mini': { context: 400_000, answer: 32_768 },
  'google/gemini-2.5-flash': { context: 1_048_576, answer: 65_536 },
  'google/gemini-2.5-pro': { context: 1_048_576, answer: 65_536 },
};

/** Small enough for most models that somebody serves by an OpenAI-compatible server. */
const UNKNOWN_WINDOW: ModelWindow = { context: 32_768, answer: 4_096 };

export function windowOf(name: string): ModelWindow {
  return WINDOWS[name] ?? UNKNOWN_WINDOW;
}
