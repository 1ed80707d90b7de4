/** What the model is sent: instructions, then the context. */
import type { LanguageModelV4Prompt } from '@ai-sdk/provider';
import { chooseContext, type ContextLimits, type ContextMessage } from '../chat/context.ts';
import { estimateTokens } from '../chat/tokens.ts';
import type { ModelWindow } from '../models/catalog.ts';

/** The limits that the operator set; without a budget the model's own window decides. */
export interface ContextSettings extends Omit<ContextLimits, 'tokenBudget'> {
  tokenBudget?: number;
}

export function buildPrompt({
  history,
  instructions,
  window,
  settings,
}: {
  history: readonly ContextMessage[];
  instructions: string | null;
  window: ModelWindow;
  settings: ContextSettings;
}): LanguageModelV4Prompt {
  const tokenBudget = settings.tokenBudget ?? window.context - window.answer;
  const reserved = instructions ? estimateTokens(instructions) : 0;
  const messages = chooseContext({ history, limits: { ...settings, tokenBudget }, reserved });
  return [
    ...(instructions ? [{ role: 'system' as const, content: instructions }] : []),
    ...messages.map(({ role, text }) => ({ role, content: [{ type: 'text' as const, text }] })),
  ];
}

/** About how many tokens a prompt is, for when no provider counts. */
export function estimatePrompt(prompt: LanguageModelV4Prompt): number {
  let tokens = 0;
  for (const { content } of prompt) {
    if (typeof content === 'string') tokens += estimateTokens(content);
    else for (const part of content) if (part.type === 'text') tokens += estimateTokens(part.text);
  }
  return tokens;
}
