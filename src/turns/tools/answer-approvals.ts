/**
 * Runs the calls that the user has allowed, at the beginning of the turn that the answer begins.
 * Each runs at most once, with the input that was stored when the user was asked: before it runs,
 * the database is told, so that a crash, a repeat or another branch runs nothing again.
 */
import type { ContextMessage } from '../../core/context.ts';
import type { Part } from '../../core/parts.ts';
import { claimToolRun, storeToolRun } from '../../store/turns/tool-runs.ts';
import type { RunDependencies, TurnJob } from '../run/types.ts';
import { runTool } from './run-tool.ts';
import { ResultFiles } from './result-files.ts';
import { withinLimit } from './result-limit.ts';
import { failed, resultPart, type ToolResult } from './tool-result.ts';

type Approval = Extract<Part, { type: 'approval' }>;
type ToolCall = Extract<Part, { type: 'tool_call' }>;

/** The result that a model is told of a call whose first run broke off. */
const UNKNOWN = 'This call was allowed and begun; it is not known whether it took effect';

/**
 * Answers the calls that the question allows or denies, and adds their results to the answer.
 * @returns a message with the results, to follow the history; undefined when there are none
 */
export async function answerApprovals(
  job: TurnJob,
  dependencies: RunDependencies,
): Promise<ContextMessage | undefined> {
  const [asked, question] = job.history.slice(-2);
  const approvals = question?.parts.filter((part) => part.type === 'approval') ?? [];
  if (!asked || approvals.length === 0) return undefined;
  const parts: Part[] = [];
  const files = new ResultFiles(job, dependencies);
  for (const approval of approvals) {
    const call = callOf(approval, asked.parts);
    if (!call || job.turn.stopReason) continue;
    const result = await answer(approval, call, { job, dependencies, files });
    const denied = approval.approved ? {} : { is_denied: true as const };
    const part = { ...resultPart(call.tool_call_id, withinLimit(result, job.turn)), ...denied };
    job.turn.add(part);
    parts.push(part);
  }
  return parts.length === 0 ? undefined : { role: 'assistant', parts };
}

/** Returns the call that a stored request for approval was about. */
function callOf({ approval_id }: Approval, parts: readonly Part[]): ToolCall | undefined {
  const request = parts.find(
    (part) => part.type === 'tool_approval' && part.approval_id === approval_id,
  );
  if (request?.type !== 'tool_approval') return undefined;
  return parts.find(
    (part): part is ToolCall =>
      part.type === 'tool_call' && part.tool_call_id === request.tool_call_id,
  );
}

interface Answering {
  job: TurnJob;
  dependencies: RunDependencies;
  files: ResultFiles;
}

async function answer(
  { approval_id: approvalId, approved, reason, always }: Approval,
  part: ToolCall,
  { job, dependencies, files }: Answering,
): Promise<ToolResult> {
  const { turn, conversation, trace } = job;
  if (!approved)
    return failed(
      reason ? `The user did not allow this: ${reason}` : 'The user did not allow this',
    );
  const { db, toolRegistry } = dependencies;
  const { id: conversationId, userId } = conversation;
  const run = { approvalId, turnId: turn.head.turnId, userId, conversationId };
  const permission = always ? { userId, tool: part.name } : undefined;
  const earlier = await claimToolRun(db, run, permission);
  if (earlier?.output?.files) await files.note(earlier.output.files);
  if (earlier) return earlier.output ?? failed(UNKNOWN);
  const deadline = turn.startedAt + dependencies.settings.timeLimits.totalMs;
  const context = {
    ...dependencies,
    conversation,
    tools: await toolRegistry.all(),
    deadline,
    trace,
    files,
  };
  const given = await runTool({ part, isJson: true }, context, turn.stopSignal);
  const result = withinLimit(given, turn);
  await storeToolRun(db, run, result);
  return result;
}
