/** The frames that clients send. */
import { z } from '@hono/zod-openapi';
import { bodyOf } from '../shared/known-fields.ts';
import { answerFields } from '../shared/tool-results.ts';
import * as schemas from '../shared/schemas.ts';

const fields = bodyOf({
  ...schemas.turnFields,
  ...schemas.messageFields,
  ...answerFields,
  ...schemas.parentField,
  ...schemas.conversationFields,
  type: z.enum(['message', 'regenerate', 'edit']).default('message'),
  conversation_id: schemas.id.nullish(),
  /** The message that is answered again or edited. */
  message_id: schemas.id.optional(),
});

export const incoming = fields
  .refine((frame) => frame.type === 'regenerate' || schemas.hasMessage(frame), {
    path: ['message'],
    error: 'message (or content) is required',
  })
  .refine(
    ({ type, tool_results, approvals }) => type === 'message' || !(tool_results ?? approvals),
    {
      path: ['tool_results'],
      error: 'comes with a message',
    },
  )
  .refine(({ type, message_id }) => type === 'message' || message_id !== undefined, {
    path: ['message_id'],
    error: 'message_id is required',
  });

export type Incoming = z.output<typeof incoming>;
