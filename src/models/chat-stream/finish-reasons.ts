/** The words by which services say that an answer is over. */
import type { LanguageModelV4FinishReason } from '@ai-sdk/provider';

/** The words of OpenAI, which every provider for chat completions understands. */
export type ChatFinish = 'stop' | 'length' | 'content_filter' | 'tool_calls';

/** A closed list: a word that is not here is no declared finish. Compared in lower case. */
const SYNONYMS: ReadonlyMap<string, ChatFinish> = new Map<string, ChatFinish>([
  ...of('stop', ['stop', 'eos', 'eos_token', 'eot', 'endoftext', 'stop_token', 'stop_sequence']),
  ...of('stop', ['end', 'end_turn', 'end_of_turn', 'end_of_message', 'complete', 'completed']),
  ...of('length', ['length', 'max_tokens', 'max_output_tokens', 'max_completion_tokens']),
  ...of('length', ['max_length', 'model_length', 'out_of_tokens', 'token_limit']),
  ...of('length', ['model_context_window_exceeded', 'context_length']),
  ...of('content_filter', ['content_filter', 'content-filter', 'content_filtered', 'sensitive']),
  ...of('content_filter', ['safety', 'recitation', 'prohibited_content', 'blocklist', 'blacklist']),
  ...of('content_filter', ['guardrail_intervened', 'error_toxic', 'refusal']),
  ...of('content_filter', ['language', 'spii', 'image_safety', 'model_armor']),
  ...of('tool_calls', ['tool_calls', 'tool_call', 'tool_use', 'tool-calls', 'function_call']),
]);

function of(finish: ChatFinish, words: string[]): [string, ChatFinish][] {
  return words.map((word) => [word, finish]);
}

const UNIFIED = {
  stop: 'stop',
  length: 'length',
  content_filter: 'content-filter',
  tool_calls: 'tool-calls',
} as const;

/** Returns OpenAI's word for a service's own; undefined when the word declares no finish. */
export function finishNamed(word: string): ChatFinish | undefined {
  return SYNONYMS.get(word) ?? SYNONYMS.get(word.toLowerCase());
}

/** Returns the SDK's form of a finish; of a word that is on no list, one that declares nothing. */
export function finishReasonOf(
  finish: ChatFinish | undefined,
  raw: string | undefined,
): LanguageModelV4FinishReason {
  return { unified: finish ? UNIFIED[finish] : 'other', raw };
}

/** Returns what a provider says of the finish, or what the service's own word for it means. */
export function declaredFinish({
  unified,
  raw,
}: LanguageModelV4FinishReason): LanguageModelV4FinishReason['unified'] {
  if (unified !== 'other' || raw === undefined) return unified;
  return finishReasonOf(finishNamed(raw), raw).unified;
}
