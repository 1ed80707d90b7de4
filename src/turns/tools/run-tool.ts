/** Runs a tool, within limits of time. It never throws. */
import type { ResultFile } from '../../core/parts.ts';
import { unlessAborted } from '../accept/conversation-queue.ts';
import type { ReadCall } from './read-call.ts';
import type { Tool, ToolContext } from './tool.ts';
import { failed, ToolFailure, type ToolResult } from './tool-result.ts';

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
  const checked = await tool.check(isJson ? part.input : undefined);
  if ('mistake' in checked) return failed(`invalid input: ${checked.mistake}`);
  const run = () => runWithin(tool, checked.input, context, stopSignal);
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
  const limit = AbortSignal.timeout(timeFor(tool.timeoutMs, context.deadline));
  const signal = AbortSignal.any([stopSignal, limit]);
  try {
    signal.throwIfAborted();
    const keeping: Promise<ResultFile | undefined>[] = [];
    const keep = (bytes: Uint8Array<ArrayBuffer>) => {
      const kept = context.files.keep(bytes, tool.name);
      keeping.push(kept);
      return kept;
    };
    const output = await unlessAborted(tool.run(input, { ...context, signal, keep }), signal);
    const files = (await Promise.all(keeping)).filter((file) => file !== undefined);
    return { output, isError: false, ...(files.length > 0 ? { files } : {}) };
  } catch (error) {
    if (stopSignal.aborted) return failed('the turn was stopped');
    if (error instanceof ToolFailure) return failed(error.message);
    context.log.error('a tool failed', { tool: tool.name, error });
    return failed(limit.aborted ? 'the tool took too long' : 'the tool failed');
  }
}

/** Returns the milliseconds that a call may take: not more than the turn has left. */
function timeFor(timeoutMs = TOOL_TIMEOUT_MS, deadline: number): number {
  return Math.max(1, Math.min(timeoutMs, Math.round(deadline - performance.now())));
}
