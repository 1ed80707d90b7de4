/** The prompt of a step after tool calls. */
import type { LanguageModelV4Prompt } from '@ai-sdk/provider';
import { resultFiles, toolOutput, type Takes } from '../run/tool-output.ts';
import type { HandledCall } from './run-tool-calls.ts';

/**
 * Returns what follows the prompt of this step: the model's output, its calls and their results.
 */
export function continuePrompt({
  said,
  calls,
  takes,
}: {
  said: string;
  calls: readonly HandledCall[];
  takes: Takes;
}): LanguageModelV4Prompt {
  const text = said === '' ? [] : [{ type: 'text' as const, text: said }];
  const called = calls.map(({ part, isJson }) => ({
    type: 'tool-call' as const,
    toolCallId: part.tool_call_id,
    toolName: part.name,
    input: isJson ? part.input : {},
    ...(part.provider_metadata ? { providerOptions: part.provider_metadata } : {}),
  }));
  const answered = calls.map(({ part, result }) => ({
    type: 'tool-result' as const,
    toolCallId: part.tool_call_id,
    toolName: part.name,
    output: toolOutput(result ?? { output: null, isError: false }, takes),
  }));
  const files = calls.flatMap(({ result }) => result?.files ?? []);
  return [
    { role: 'assistant', content: [...text, ...called] },
    { role: 'tool', content: answered },
    ...resultFiles(files, takes),
  ];
}
