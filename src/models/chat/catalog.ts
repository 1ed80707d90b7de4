/**
 * Declares the known providers, aliases and the context windows of known models. Any other model of
 * an enabled provider is passed to that provider by name.
 */
export type ProviderName = 'groq' | 'openai' | 'google' | 'offline';

/**
 * Candidates in order: the first with an enabled provider answers, the others are its fallbacks.
 * `offline` is only used when no provider is enabled.
 */
export const ALIASES: Record<string, readonly string[]> = {
  fast: ['groq/llama-3.1-8b-instant', 'openai/gpt-5.4-mini', 'google/gemini-2.5-flash'],
  smart: ['groq/openai/gpt-oss-120b', 'openai/gpt-5.4', 'google/gemini-2.5-pro'],
};

export const OFFLINE_MODEL = 'offline/offline';
/**
 * A model that answers at length, and slowly enough to try cancelling, leaving and resuming by
 * hand.
 */
export const SLOW_OFFLINE_MODEL = 'offline/slow';

/** Returns true for the offline models, which are not language models. */
export function isOffline(name: string): boolean {
  return name.startsWith('offline/');
}

/** Most tokens that a model accepts in all, and how many of them are reserved for its answer. */
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

/** Small enough for most models behind an OpenAI-compatible server. */
const UNKNOWN_WINDOW: ModelWindow = { context: 32_768, answer: 4_096 };

/**
 * Returns the window of a model.
 * @param context what its service says that it takes
 */
export function windowOf(name: string, context?: number): ModelWindow {
  if (context === undefined) return WINDOWS[name] ?? UNKNOWN_WINDOW;
  return { context, answer: Math.min(UNKNOWN_WINDOW.answer, Math.ceil(context / 4)) };
}
