/** Running what a model asked for: each call and its result becomes a part of the message, and the prompt goes on with them. */
import type { LanguageModelV4Prompt, LanguageModelV4ToolCall } from '@ai-sdk/provider';
import type { Json, ProviderMetadata } from '../../core/parts.ts';
import { clean } from '../../core/safe-text.ts';
import type { Report } from '../../core/report.ts';
import type { RunningTurn } from '../run/running-turn.ts';
import { unlessAborted } from '../accept/conversation-queue.ts';
import type { OfferedTools, ToolServices } from './tool.ts';

export interface ToolContext extends Omit<ToolServices, 'signal'> {
  tools: OfferedTools;
  report: Report;
}

export interface ToolResult {
  output: Json;
  isError: boolean;
}

/** Calls of one step; more are refused. */
const MOST_CALLS = 8;
/** A tool that takes longer has failed; somebody waits for the answer. */
const TOOL_TIMEOUT_MS = 20_000;
/** UTF-16 units of the results of one turn, as JSON: about half of what a small model's window holds. */
const LONGEST_OUTPUT = 60_000;

/** Runs the calls one after the other and shows each with its result. A call that fails has a result that says so; the model may do better. Ends with the turn. */
export async function runToolCalls(
  live: RunningTurn,
  calls: readonly LanguageModelV4ToolCall[],
  context: ToolContext,
): Promise<ToolResult[]> {
  const results: ToolResult[] = [];
  for (const [index, call] of calls.entries()) {
    if (live.stopReason) break;
    const input = parseInput(call.input);
    live.add({
      type: 'tool_call',
      tool_call_id: call.toolCallId,
      name: clean(call.toolName),
      input: input ?? clean(call.input),
      ...metadataOf(call),
    });
    const result =
      index < MOST_CALLS
        ? withinLimit(await runOne(call.toolName, input, context, live.stopSignal), live)
        : failed('too many calls at once');
    live.add({
      type: 'tool_result',
      tool_call_id: call.toolCallId,
      output: result.output,
      ...(result.isError ? { is_error: true } : {}),
    });
    results.push(result);
  }
  return results;
}

async function runOne(
  name: string,
  input: Json | undefined,
  context: ToolContext,
  stopSignal: AbortSignal,
): Promise<ToolResult> {
  const tool = context.tools.byName.get(name);
  if (!tool) return failed(`there is no tool "${clean(name)}"`);
  const parsed = tool.input.safeParse(input);
  if (!parsed.success)
    return failed(
      `invalid input: ${parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')}`,
    );
  const limit = AbortSignal.timeout(TOOL_TIMEOUT_MS);
  const signal = AbortSignal.any([stopSignal, limit]);
  try {
    signal.throwIfAborted();
    const output = await unlessAborted(tool.run(parsed.data, { ...context, signal }), signal);
    return { output, isError: false };
  } catch (error) {
    if (stopSignal.aborted) return failed('the turn was stopped');
    context.report(`tool ${name} failed`, error);
    return failed(limit.aborted ? 'the tool took too long' : 'the tool failed');
  }
}

/** Results must leave room for the conversation and the answer, and are stored with the message. */
function withinLimit(result: ToolResult, live: RunningTurn): ToolResult {
  const before = live.parts
    .all()
    .map((part) => (part.type === 'tool_result' ? lengthOf(part.output) : 0))
    .reduce((sum, length) => sum + length, 0);
  if (before + lengthOf(result.output) <= LONGEST_OUTPUT) return result;
  return failed('the result is too long: ask for less, or answer with what there is');
}

function lengthOf(output: Json): number {
  return JSON.stringify(output).length;
}

/** Some services want back what they said of a call (Gemini signs the thought behind it). */
function metadataOf({ providerMetadata }: LanguageModelV4ToolCall) {
  // JSON by the provider's own word, which its type cannot see.
  return providerMetadata ? { provider_metadata: providerMetadata as ProviderMetadata } : {};
}

function failed(error: string): ToolResult {
  return { output: { error }, isError: true };
}

/** The input as JSON, its strings made safe to store; undefined when it is not JSON, as when the model was cut off. */
function parseInput(text: string): Json | undefined {
  try {
    const parsed: Json = JSON.parse(text === '' ? '{}' : text, (_, value: unknown) =>
      typeof value === 'string' ? clean(value) : value,
    );
    return parsed;
  } catch {
    return undefined;
  }
}

/** The prompt of the next step: what was said, what was called and what came of it. */
export function continuePrompt(
  prompt: LanguageModelV4Prompt,
  {
    said,
    calls,
    results,
  }: { said: string; calls: readonly LanguageModelV4ToolCall[]; results: readonly ToolResult[] },
): LanguageModelV4Prompt {
  const text = said === '' ? [] : [{ type: 'text' as const, text: said }];
  const called = calls.map(({ toolCallId, toolName, input, providerMetadata }) => ({
    type: 'tool-call' as const,
    toolCallId,
    toolName,
    input: parseInput(input) ?? {},
    // Some services want back what they said of a call (Gemini signs the thought behind it).
    ...(providerMetadata ? { providerOptions: providerMetadata } : {}),
  }));
  const answered = calls.map(({ toolCallId, toolName }, index) => {
    const { output = null, isError = false } = results[index] ?? {};
    const type = isError ? ('error-json' as const) : ('json' as const);
    return { type: 'tool-result' as const, toolCallId, toolName, output: { type, value: output } };
  });
  return [
    ...prompt,
    { role: 'assistant', content: [...text, ...called] },
    { role: 'tool', content: answered },
  ];
}
