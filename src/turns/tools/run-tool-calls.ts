/**
 * Handles the tool calls of one step of a model. Each call becomes a part of the message. Ours are
 * run, at the same time, and their results become parts too; those of the client's tools wait for
 * the client.
 */
import type { LanguageModelV4ToolCall } from '@ai-sdk/provider';
import { newId } from '../../core/ids.ts';
import { isAllowed } from '../../store/turns/tool-runs.ts';
import type { RunningTurn } from '../run/running-turn.ts';
import { clientCallMistake } from './check-client-call.ts';
import { readCall, type ReadCall } from './read-call.ts';
import { runTool } from './run-tool.ts';
import type { ToolContext } from './tool.ts';
import { withinLimit } from './result-limit.ts';
import { failed, resultPart, type ToolResult } from './tool-result.ts';

/** A call of a step, and its result; undefined where the client has to answer. */
export interface HandledCall extends ReadCall {
  result: ToolResult | undefined;
}

/** The most calls of our tools in one step, and of the client's; further ones fail. */
const MOST_CALLS = 8;
const MOST_CLIENT_CALLS = 64;

/**
 * Handles the calls of a step. A call that fails has a result that says so, from which the model
 * may recover. No call is handled when the turn is stopped.
 * @returns the calls in their order; the turn goes on when each has a result
 */
export async function runToolCalls(
  turn: RunningTurn,
  calls: readonly LanguageModelV4ToolCall[],
  context: ToolContext,
): Promise<HandledCall[]> {
  if (turn.stopReason) return [];
  const read: ReadCall[] = [];
  for (const call of calls) {
    const { part, ...rest } = readCall(call, turn.parts.all());
    turn.add(part);
    read.push({ part, ...rest });
  }
  let ours = 0;
  let clients = 0;
  const started = read.map((call) => {
    const isClients = context.tools.client.has(call.part.name);
    const isTooMany = isClients ? ++clients > MOST_CLIENT_CALLS : ++ours > MOST_CALLS;
    if (isTooMany) return Promise.resolve(failed('too many calls at once'));
    if (isClients) return checkClientCall(call, context);
    return context.tools.needsApproval(call.part.name)
      ? runIfAllowed(call, turn, context)
      : runTool(call, context, turn.stopSignal);
  });
  const handled: HandledCall[] = [];
  for (const [index, call] of read.entries()) {
    const given = await started[index];
    const result = given && withinLimit(given, turn);
    if (result) turn.add(resultPart(call.part.tool_call_id, result));
    handled.push({ ...call, result });
  }
  return handled;
}

/** Runs a call, or asks the user first; undefined where the user has to answer. */
async function runIfAllowed(
  call: ReadCall,
  turn: RunningTurn,
  context: ToolContext,
): Promise<ToolResult | undefined> {
  if (!(await mustAsk(call, context))) return runTool(call, context, turn.stopSignal);
  const { tool_call_id, name, input } = call.part;
  turn.add({ type: 'tool_approval', approval_id: newId(), tool_call_id, name, input });
  return undefined;
}

/** Returns true for a call that its tool would take, and that the user has not allowed for good. */
async function mustAsk(
  { part, isJson }: ReadCall,
  { tools, db, conversation, log }: ToolContext,
): Promise<boolean> {
  const tool = tools.byName.get(part.name);
  if (!tool || !isJson || 'mistake' in (await tool.check(part.input))) return false;
  try {
    return !(await isAllowed(db, { userId: conversation.userId, tool: part.name }));
  } catch (error) {
    log.error('permissions could not be read, so the user is asked', { error });
    return true;
  }
}

/**
 * Returns the failure of a call that its tool would not take; undefined where the client answers.
 */
async function checkClientCall(
  { part, isJson }: ReadCall,
  { tools }: ToolContext,
): Promise<ToolResult | undefined> {
  const tool = tools.client.get(part.name);
  if (!tool) return undefined;
  const mistake = isJson ? await clientCallMistake(tool, part.input) : 'it is no JSON';
  return mistake === undefined ? undefined : failed(`invalid input: ${mistake}`);
}
