/** The token counts of the offline models, which are estimates. */
import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import { estimateTokens } from '../../core/tokens.ts';

export function usageOf({ prompt }: LanguageModelV4CallOptions, answer: string) {
  const input = prompt.reduce(
    (sum, message) => sum + estimateTokens(JSON.stringify(message.content)),
    0,
  );
  const output = estimateTokens(answer);
  return {
    inputTokens: { total: input, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: output, text: output, reasoning: undefined },
  };
}
