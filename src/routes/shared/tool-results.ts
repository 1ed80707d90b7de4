/** The fields by which a message answers calls of the model. */
import { z } from '@hono/zod-openapi';
import { bodyOf } from './known-fields.ts';

/** The most results in a message, and the longest that they may be together, in UTF-16 units. */
const MOST_RESULTS = 128;
const LONGEST_RESULTS = 200_000;
const LONGEST_ERROR = 10_000;

const callId = z.string().min(1).max(200);

/** Named by its types, since the description of a value that may hold itself has no end. */
const anyJson = z.json().openapi({
  type: ['object', 'array', 'string', 'number', 'boolean', 'null'],
  // Linters ask for it where a value may be an array.
  items: {},
});

const toolResult = z
  .union([
    bodyOf({ tool_call_id: callId, output: anyJson }),
    bodyOf({ tool_call_id: callId, error: z.string().min(1).max(LONGEST_ERROR) }),
  ])
  .openapi('ToolResult');

const toolResults = z
  .array(toolResult)
  .min(1)
  .max(MOST_RESULTS)
  .refine(
    (all) => new Set(all.map(({ tool_call_id: id }) => id)).size === all.length,
    'must answer each call once',
  )
  .refine(
    (all) => JSON.stringify(all).length <= LONGEST_RESULTS,
    `must be at most ${LONGEST_RESULTS} characters of JSON`,
  )
  .openapi({
    description:
      'Results of the calls that the answer before ended with. A call that is left out is closed' +
      ' without a result.',
  });

const approval = bodyOf({
  approval_id: callId,
  approved: z.boolean(),
  reason: z.string().min(1).max(LONGEST_ERROR).optional(),
  always: z.literal(true).optional().openapi({
    description: 'Also allow this tool for good; only with `approved: true`',
  }),
})
  .refine(({ approved, always }) => approved || !always, {
    path: ['always'],
    error: 'goes with approved: true',
  })
  .openapi('Approval');

const approvals = z
  .array(approval)
  .min(1)
  .max(MOST_RESULTS)
  .refine(
    (all) => new Set(all.map(({ approval_id: id }) => id)).size === all.length,
    'must answer each question once',
  )
  .openapi({ description: 'Whether calls may run, which the answer before asked for' });

export const answerFields = {
  tool_results: toolResults.optional(),
  approvals: approvals.optional(),
};
