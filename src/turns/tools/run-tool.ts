/** Runs one of our tools, within a limit of time. It never throws. */
import type { z } from 'zod';
import { unlessAborted } from '../accept/conversation-queue.ts';
import type { ReadCall } from './read-call.ts';
import type { Tool, ToolContext } from './tool.ts';
import { failed, type ToolResult } from './tool-result.ts';

/** The time limit of a tool in milliseconds, since a user waits for the answer. */
const TOOL_TIMEOUT_MS = 20_000;

/** Returns the result of a call, or the failure that the model is told. */
export async function runTool(
  { part, isJson }: ReadCall,
  context: ToolContext,
  stopSignal: AbortSignal,
): Promise<ToolResult> {
  const { name } = part;
  const tool = context.tools.byName.get(name);
  if (!tool) return failed(`there is no tool "${name}"`);
  const parsed = tool.input.safeParse(isJson ? part.input : undefined);
  if (!parsed.success) return failed(`invalid input: ${describeIssues(parsed.error)}`);
  const run = () => runWithin(tool, parsed.data, context, stopSignal);
  const { trace } = context;
  const named = { name, callId: part.tool_call_id };
  return trace ? trace.tool(named, run, ({ isError }) => isError) : run();
}

async function runWithin(
  tool: Tool,
  input: unknown,
  context: ToolContext,
  stopSignal: AbortSignal,
): Promise<ToolResult> {
  const limit = AbortSignal.timeout(TOOL_TIMEOUT_MS);
  const signal = AbortSignal.any([stopSignal, limit]);
  try {
    signal.throwIfAborted();
    const output = await unlessAborted(tool.run(input, { ...context, signal }), signal);
    return { output, isError: false };
  } catch (error) {
    if (stopSignal.aborted) return failed('the turn was stopped');
    context.log.error('a tool failed', { tool: tool.name, error });
    return failed(limit.aborted ? 'the tool took too long' : 'the tool failed');
  }
}

function describeIssues({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
}
