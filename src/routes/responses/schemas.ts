/** Describes what the API of Responses answers with. */
import { z } from '@hono/zod-openapi';

const item = z.looseObject({ type: z.string(), id: z.string() });

export const responseSchema = z
  .looseObject({
    id: z.string(),
    object: z.literal('response'),
    created_at: z.int(),
    completed_at: z.int().nullable(),
    status: z.enum(['in_progress', 'completed', 'incomplete', 'cancelled', 'failed']),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
    incomplete_details: z.object({ reason: z.string() }).nullable(),
    model: z.string(),
    output: z.array(item),
    previous_response_id: z.string().nullable(),
    usage: z
      .looseObject({ input_tokens: z.int(), output_tokens: z.int(), total_tokens: z.int() })
      .nullable(),
  })
  .openapi('Response');

export const compactionSchema = z
  .looseObject({
    id: z.string(),
    object: z.literal('response.compaction'),
    created_at: z.int(),
    output: z.array(item),
    usage: z.looseObject({
      input_tokens: z.int(),
      output_tokens: z.int(),
      total_tokens: z.int(),
    }),
  })
  .openapi('Compaction');

export const deletedSchema = z
  .object({ id: z.string(), object: z.string(), deleted: z.literal(true) })
  .openapi('Deleted');

export const conversationSchema = z
  .object({
    id: z.string(),
    object: z.literal('conversation'),
    created_at: z.int(),
    metadata: z.record(z.string(), z.unknown()),
  })
  .openapi('OpenAiConversation');
