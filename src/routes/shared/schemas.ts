/** What clients send, field by field, as every router takes it. */
import { z } from '@hono/zod-openapi';

/** UTF-16 units of one user message. */
export const LONGEST_MESSAGE = 200_000;
const LONGEST_INSTRUCTIONS = 50_000;
const LONGEST_NAME = 200;

/** Any text: a NUL would cut it in the database and is refused, half a surrogate pair becomes U+FFFD. */
export function text(longest: number) {
  return z
    .string()
    .max(longest, { error: `must be at most ${longest} characters`, abort: true })
    .refine((value) => !value.includes('\0'), {
      error: 'must not contain a NUL character',
      abort: true,
    })
    .overwrite((value) => value.toWellFormed());
}

function nonEmpty(longest: number) {
  return text(longest).refine((value) => value.trim() !== '', 'must not be empty');
}

export const userId = z
  .union([z.string().min(1).max(LONGEST_NAME), z.int()], {
    error: ({ input }) => (input === undefined ? 'is required' : 'must be a string or an integer'),
  })
  .transform((value) => String(value).toWellFormed())
  .refine((value) => !value.includes('\0'), 'must not contain a NUL character')
  .openapi({
    type: ['string', 'integer'],
    description: 'Whose it is: a string or an integer',
    example: 'alice',
  });

export const messageText = nonEmpty(LONGEST_MESSAGE).openapi({ example: 'Hello!' });
export const title = nonEmpty(LONGEST_NAME);
export const instructions = text(LONGEST_INSTRUCTIONS);
export const modelName = nonEmpty(LONGEST_NAME).openapi({
  example: 'fast',
  description: 'An alias or provider/model',
});
export const mode = z.enum(['open', 'rag']);
export const id = nonEmpty(LONGEST_NAME).openapi({
  example: '01932f3e-7c1a-7000-8000-000000000000',
});

/** Fields that only the server sets. A client that sends one believes something that is not so, and is told. */
const SERVER_FIELDS = [
  'role',
  'id',
  'created_at',
  'updated_at',
  'status',
  'sequence_number',
  'tokens_used',
  'parts',
  'turn_id',
];

/** A body of these fields; others that do not matter are ignored. */
export function bodyOf<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.preprocess((value, context) => {
    if (typeof value !== 'object' || value === null) return value;
    for (const name of SERVER_FIELDS) {
      if (!Object.hasOwn(value, name)) continue;
      context.issues.push({
        code: 'custom',
        input: value,
        path: [name],
        message: 'is set by the server',
      });
    }
    return value;
  }, z.object(shape));
}

/** What any call that makes the assistant answer takes besides its message. */
export const turnFields = {
  user_id: userId.optional(),
  model: modelName.nullish(),
  stream: z
    .boolean()
    .optional()
    .openapi({ description: 'Stream the answer, as Accept: text/event-stream does' }),
  on_busy: z.enum(['reject', 'interrupt', 'queue']).optional(),
  on_disconnect: z.enum(['continue', 'cancel']).optional(),
};

export type TurnFields = {
  [Name in keyof typeof turnFields]?: z.output<(typeof turnFields)[Name]>;
};

/** The text of a user message may be called `message` or `content`. */
export const messageFields = { message: messageText.optional(), content: messageText.optional() };

export function withMessage<Schema extends z.ZodType<{ message?: string; content?: string }>>(
  schema: Schema,
) {
  return schema.refine((value) => (value.message ?? value.content) !== undefined, {
    path: ['message'],
    error: 'message (or content) is required',
  });
}

export const ownerQuery = z.object({ user_id: userId.optional() });
export const idParam = z.object({ id });

const limit = z.coerce.number().int().min(1).max(200).default(50);

/** A page of somebody's list: the cursor is the last id of the page before. */
export const pageQuery = z.object({
  user_id: userId,
  limit,
  cursor: z.uuid('is not one that this server gave out').optional(),
});

/** A page of a conversation's messages: the cursor is the last sequence number of the page before. */
export const messagePageQuery = z.object({
  user_id: userId.optional(),
  limit,
  cursor: z
    .string()
    .regex(/^\d{1,9}$/, 'is not one that this server gave out')
    .optional(),
});

export const streamQuery = z.object({
  message: messageText.optional(),
  content: messageText.optional(),
  user_id: userId.optional(),
  model: modelName.optional(),
  on_busy: turnFields.on_busy,
  on_disconnect: turnFields.on_disconnect,
  idempotency_key: text(255).optional(),
  last_event_id: z.string().optional(),
});
export type StreamQuery = z.output<typeof streamQuery>;

const timestamp = z.iso.datetime();
const status = z.enum([
  'streaming',
  'complete',
  'truncated',
  'filtered',
  'cancelled',
  'interrupted',
  'failed',
]);

export const messageSchema = z
  .looseObject({
    id: z.string(),
    conversation_id: z.string(),
    turn_id: z.string().optional(),
    role: z.enum(['user', 'assistant']),
    content: z.string(),
    parts: z
      .array(
        z.looseObject({
          type: z.enum(['text', 'reasoning', 'sources', 'tool_call', 'tool_result']),
        }),
      )
      .optional()
      .openapi({ description: 'Of an answer that is more than its text' }),
    status,
    sequence_number: z.int(),
    model: z.string().nullable(),
    tokens_used: z.int(),
    tokens_estimated: z.boolean(),
    finish_reason: z.enum(['stop', 'length', 'content_filter', 'tool_calls']).optional(),
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
    mode,
    model: z.string().nullable(),
    instructions: z.string().nullable(),
    message_count: z.int(),
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
    message: messageSchema,
    error: z.looseObject({ code: z.string(), detail: z.string() }).optional(),
  })
  .openapi('Turn');
