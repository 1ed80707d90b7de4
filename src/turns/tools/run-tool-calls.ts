/**
 * Runs the tool calls of a model. Each call and its result becomes a part of the message, and the
 * next prompt contains both.
 */
import type { LanguageModelV4Prompt, LanguageModelV4ToolCall } from '@ai-sdk/provider';
import type { z } from 'zod';
import type { Json, ProviderMetadata } from '../../core/parts.ts';
import { clean } from '../../core/safe-text.ts';
import type { Logger } from '../../core/logger.ts';
import type { RunningTurn } from '../run/running-turn.ts';
import { unlessAborted } from '../accept/conversation-queue.ts';
import type { OfferedTools, ToolDependencies } from './tool.ts';

export interface ToolContext extends Omit<ToolDependencies, 'signal'> {
  tools: OfferedTools;
  log: Logger;
}

export interface ToolResult {
  output: Json;
  isError: boolean;
}

/** The most calls in one step; further ones fail. */
const MOST_CALLS = 8;
/** The time limit of a tool in milliseconds, since a user waits for the answer. */
const TOOL_TIMEOUT_MS = 20_000;
/**
 * The longest results of one turn, in UTF-16 units of JSON: about half of a small model's context
 * window.
 */
const LONGEST_OUTPUT = 60_000;

/**
 * Runs the calls one after the other and adds each with its result to the answer. A call that fails
 * has a result that says so, from which the model may recover. No further call is run when the turn
 * is stopped.
 */
export async function runToolCalls(
  turn: RunningTurn,
  calls: readonly LanguageModelV4ToolCall[],
  context: ToolContext,
): Promise<ToolResult[]> {
  const results: ToolResult[] = [];
  for (const [index, call] of calls.entries()) {
    if (turn.stopReason) break;
    const input = parseInput(call.input);
    turn.add({
      type: 'tool_call',
      tool_call_id: call.toolCallId,
      name: clean(call.toolName),
      input: input ?? clean(call.input),
      ...metadataOf(call),
    });
    const result =
      index < MOST_CALLS
        ? withinLimit(await runOne(call.toolName, input, context, turn.stopSignal), turn)
        : failed('too many calls at once');
    turn.add({
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
  if (!parsed.success) return failed(`invalid input: ${describeIssues(parsed.error)}`);
  const limit = AbortSignal.timeout(TOOL_TIMEOUT_MS);
  const signal = AbortSignal.any([stopSignal, limit]);
  try {
    signal.throwIfAborted();
    const output = await unlessAborted(tool.run(parsed.data, { ...context, signal }), signal);
    return { output, isError: false };
  } catch (error) {
    if (stopSignal.aborted) return failed('the turn was stopped');
    context.log.error('a tool failed', { tool: name, error });
    return failed(limit.aborted ? 'the tool took too long' : 'the tool failed');
  }
}

/**
 * Fails a result that is too long: results are stored with the message and must leave room for the
 * conversation and the answer.
 */
function withinLimit(result: ToolResult, turn: RunningTurn): ToolResult {
  const before = turn.parts
    .all()
    .map((part) => (part.type === 'tool_result' ? lengthOf(part.output) : 0))
    .reduce((sum, length) => sum + length, 0);
  if (before + lengthOf(result.output) <= LONGEST_OUTPUT) return result;
  return failed('the result is too long: ask for less, or answer with what there is');
}

function lengthOf(output: Json): number {
  return JSON.stringify(output).length;
}

/**
 * Returns the provider's metadata of a call, which some services need back in later prompts (Gemini
 * signs the reasoning behind a call).
 */
function metadataOf({ providerMetadata }: LanguageModelV4ToolCall) {
  // The provider promises JSON, which its type does not express.
  return providerMetadata ? { provider_metadata: providerMetadata as ProviderMetadata } : {};
}

function describeIssues({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
}

function failed(error: string): ToolResult {
  return { output: { error }, isError: true };
}

/**
 * Parses the input and makes its strings safe to store. Returns undefined when it is not JSON, for
 * instance because the model was cut off.
 */
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

/**
 * Returns the prompt of the next step: the prompt of this one, the model's output, its calls and
 * their results.
 */
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
