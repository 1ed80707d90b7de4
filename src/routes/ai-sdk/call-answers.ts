/** Reads the results and approvals in the parts that the client of a chat has. */
import { z } from '@hono/zod-openapi';
import { clean, cleanJson } from '../../core/safe-text.ts';
import type { Approval, ToolResult } from '../../core/tool-calls.ts';

const toolPart = z.discriminatedUnion('state', [
  z.looseObject({
    state: z.literal('output-available'),
    toolCallId: z.string(),
    output: z.json().default(null),
    // More is to come.
    preliminary: z.literal(false).optional(),
  }),
  z.looseObject({
    state: z.literal('output-error'),
    toolCallId: z.string(),
    errorText: z.string(),
  }),
  z.looseObject({
    state: z.literal('approval-responded'),
    approval: z.looseObject({
      id: z.string(),
      approved: z.boolean(),
      reason: z.string().max(10_000).nullish(),
    }),
  }),
]);

/** Returns true for the parts of static and dynamic tools. */
export function isToolPart(type: string): boolean {
  return type.startsWith('tool-') || type === 'dynamic-tool';
}

/** Returns the results and approvals that are among the parts of an answer, old or new. */
export function callAnswers(parts: readonly { type: string }[]): (ToolResult | Approval)[] {
  return parts.flatMap((given) => {
    if (!isToolPart(given.type)) return [];
    const { data: part } = toolPart.safeParse(given);
    return part ? [answerOf(part)] : [];
  });
}

function answerOf(part: z.output<typeof toolPart>): ToolResult | Approval {
  if (part.state === 'approval-responded') {
    const { id, approved, reason } = part.approval;
    const why = reason ? { reason: clean(reason) } : {};
    return { type: 'approval', approval_id: id, approved, ...why };
  }
  const { toolCallId: tool_call_id } = part;
  if (part.state === 'output-available')
    return { type: 'tool_result', tool_call_id, output: cleanJson(part.output) };
  const output = { error: clean(part.errorText) };
  return { type: 'tool_result', tool_call_id, output, is_error: true };
}
