/** The result of a tool in the form that providers take. */
import type { LanguageModelV4ToolResultOutput } from '@ai-sdk/provider';
import type { Json } from '../../core/parts.ts';

/** Returns a result; a text, and an error that is one sentence, are sent as they are. */
export function toolOutput(output: Json, isError: boolean): LanguageModelV4ToolResultOutput {
  if (!isError && typeof output === 'string') return { type: 'text', value: output };
  if (!isError) return { type: 'json', value: output };
  const sentence = sentenceIn(output);
  return sentence === undefined
    ? { type: 'error-json', value: output }
    : { type: 'error-text', value: sentence };
}

function sentenceIn(output: Json): string | undefined {
  if (typeof output !== 'object' || output === null || Array.isArray(output)) return undefined;
  const { error, ...rest } = output;
  return typeof error === 'string' && Object.keys(rest).length === 0 ? error : undefined;
}
