/** Counts of tokens, as services of chat completions report them. */
import type { LanguageModelV4Usage } from '@ai-sdk/provider';
import { isRecord, numberOf, recordOf } from '../../core/json.ts';

/** Tokens. A count that was not reported is undefined. */
export interface ChatUsage {
  input: number | undefined;
  output: number | undefined;
  cached: number | undefined;
  /** Of the input, what was written to a cache. */
  written: number | undefined;
  reasoning: number | undefined;
}

/** Returns the counts that a value holds; undefined when it holds none. */
export function usageIn(value: unknown): ChatUsage | undefined {
  if (!isRecord(value)) return undefined;
  const input = numberOf(value['prompt_tokens'] ?? value['input_tokens']);
  const output = numberOf(value['completion_tokens'] ?? value['output_tokens']);
  if (input === undefined && output === undefined) return undefined;
  const ofInput = recordOf(value['prompt_tokens_details'] ?? value['input_tokens_details']);
  const ofOutput = recordOf(value['completion_tokens_details'] ?? value['output_tokens_details']);
  return {
    input,
    output,
    cached: numberOf(ofInput['cached_tokens'] ?? value['prompt_cache_hit_tokens']),
    written: numberOf(ofInput['cache_write_tokens'] ?? value['cache_creation_input_tokens']),
    reasoning: numberOf(ofOutput['reasoning_tokens']),
  };
}

/** Returns counts with what they leave out and earlier ones have. */
export function withEarlier(usage: ChatUsage, earlier: ChatUsage | undefined): ChatUsage {
  if (!earlier) return usage;
  return {
    input: usage.input ?? earlier.input,
    output: usage.output ?? earlier.output,
    cached: usage.cached ?? earlier.cached,
    written: usage.written ?? earlier.written,
    reasoning: usage.reasoning ?? earlier.reasoning,
  };
}

/** Returns the counts in the SDK's form. */
export function sdkUsage(usage: ChatUsage | undefined): LanguageModelV4Usage {
  const { input, output, cached, written, reasoning } = usage ?? {};
  return {
    inputTokens: {
      total: input,
      noCache: input === undefined ? undefined : input - (cached ?? 0) - (written ?? 0),
      cacheRead: cached,
      cacheWrite: written,
    },
    outputTokens: {
      total: output,
      text: output === undefined ? undefined : Math.max(0, output - (reasoning ?? 0)),
      reasoning,
    },
  };
}
