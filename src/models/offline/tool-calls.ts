/**
 * Tool calls of the offline model. It understands no question, so it calls a tool only when the
 * message says which: `call get_weather {"city": "Rome"}`. That lets a client try its tools, and
 * what they need, without a model's service.
 */
import type {
  LanguageModelV4CallOptions,
  LanguageModelV4StreamPart,
  LanguageModelV4ToolCall,
} from '@ai-sdk/provider';
import { usageOf } from './usage.ts';

const COMMAND = /^\s*call\s+([\w-]+)\s*(\{[\s\S]*\})?\s*$/iu;

/** Returns the call that the last message asks for, of a tool that is offered. */
export function callIn({
  prompt,
  tools = [],
  toolChoice,
}: LanguageModelV4CallOptions): LanguageModelV4ToolCall | undefined {
  const last = prompt.at(-1);
  if (last?.role !== 'user' || toolChoice?.type === 'none') return undefined;
  const text = last.content.map((part) => (part.type === 'text' ? part.text : '')).join('');
  const [, toolName, input = '{}'] = COMMAND.exec(text) ?? [];
  if (!tools.some(({ name }) => name === toolName) || toolName === undefined) return undefined;
  return { type: 'tool-call', toolCallId: 'call_1', toolName, input };
}

/** Returns the stream of an answer that is one call. */
export function callOf(
  call: LanguageModelV4ToolCall,
  options: LanguageModelV4CallOptions,
): ReadableStream<LanguageModelV4StreamPart> {
  const finishReason = { unified: 'tool-calls', raw: 'tool_calls' } as const;
  return new ReadableStream({
    start(controller) {
      controller.enqueue({ type: 'stream-start', warnings: [] });
      controller.enqueue(call);
      controller.enqueue({ type: 'finish', finishReason, usage: usageOf(options, call.input) });
      controller.close();
    },
  });
}

/** Returns the results at the end of a prompt, as JSON a line; undefined when there are none. */
export function resultsIn({ prompt }: LanguageModelV4CallOptions): string | undefined {
  const last = prompt.at(-1);
  if (last?.role !== 'tool') return undefined;
  return last.content
    .flatMap((part) =>
      part.type === 'tool-result' ? [`${part.toolName}: ${shown(part.output)}`] : [],
    )
    .join('\n');
}

function shown(output: object): string {
  return JSON.stringify('value' in output ? output.value : output);
}
