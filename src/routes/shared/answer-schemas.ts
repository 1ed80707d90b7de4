/** The schemas of what clients are sent: messages, conversations, turns, what they used. */
import { z } from '@hono/zod-openapi';
import { MODES } from '../../core/conversation.ts';
import { FINISH_REASONS, ROLES, STATUSES } from '../../core/message.ts';
import { PART_TYPES } from '../../core/parts.ts';
import { fileFields } from './file-fields.ts';

const timestamp = z.iso.datetime();
const status = z.enum(STATUSES);

export const messageSchema = z
  .looseObject({
    id: z.string(),
    conversation_id: z.string(),
    turn_id: z.string().optional(),
    role: z.enum(ROLES),
    content: z.string(),
    parts: z
      .array(
        z.looseObject({
          type: z.enum(PART_TYPES),
        }),
      )
      .optional()
      .openapi({ description: 'Of an answer that is more than its text' }),
    attachments: z
      .array(z.looseObject(fileFields))
      .optional()
      .openapi({ description: 'Of a user’s message' }),
    status,
    refused: z.literal(true).optional().openapi({
      description: 'A user message that the model’s service refused for good: it is not sent again',
    }),
    sequence_number: z.int(),
    parent_id: z.string().nullable(),
    siblings: z.object({ index: z.int(), count: z.int() }),
    model: z.string().nullable(),
    tokens_used: z.int(),
    tokens_estimated: z.boolean(),
    finish_reason: z.enum(FINISH_REASONS).optional(),
    valid: z.boolean().optional().openapi({
      description: 'Of an answer that should be JSON: whether it is, and fits its schema',
    }),
    first_token_ms: z.int().optional(),
    duration_ms: z.int().optional(),
    created_at: timestamp,
  })
  .openapi('Message');

export const conversationSchema = z
  .looseObject({
    conversation_id: z.string(),
    id: z.string(),
    user_id: z.string(),
    title: z.string().nullable(),
    mode: z.enum(MODES),
    model: z.string().nullable(),
    instructions: z.string().nullable(),
    message_count: z.int(),
    head_message_id: z.string().nullable(),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .openapi('Conversation');

export const usageSchema = z
  .object({
    input_tokens: z.int(),
    output_tokens: z.int(),
    total_tokens: z.int(),
    estimated: z.boolean(),
  })
  .openapi('Usage');

export const detailSchema = z.object({ detail: z.string() }).openapi('Detail');

export const turnSchema = z
  .looseObject({
    turn_id: z.string(),
    conversation_id: z.string(),
    status,
    user_message: z
      .looseObject({
        id: z.string(),
        sequence_number: z.int(),
        content: z.string(),
        parts: messageSchema.shape.parts,
        attachments: messageSchema.shape.attachments,
      })
      .openapi({ description: 'The message that it answers' }),
    message: messageSchema,
    steering: z
      .array(
        z.looseObject({
          id: z.string(),
          role: z.literal('user'),
          content: z.string(),
          created_at: timestamp,
        }),
      )
      .optional()
      .openapi({ description: 'What was said meanwhile, and waits to join it or to follow it' }),
    error: z.looseObject({ code: z.string(), detail: z.string() }).optional(),
  })
  .openapi('Turn');
