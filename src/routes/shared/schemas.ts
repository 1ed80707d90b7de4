/** The schemas of the fields that clients send; `answer-schemas.ts` has what they are sent. */
import { z } from '@hono/zod-openapi';
import { MODES } from '../../core/conversation.ts';
import { MOST_ATTACHMENTS } from '../../core/file.ts';
import type { MessageFields } from '../../actions/turn-input.ts';
import { ON_BUSY } from '../../turns/turn-service.ts';
import { bodyOf } from './known-fields.ts';
import { parameterFields } from './parameters.ts';

/** The longest user message, in UTF-16 units. */
export const LONGEST_MESSAGE = 200_000;
const LONGEST_INSTRUCTIONS = 50_000;
const LONGEST_NAME = 200;
const LONGEST_URL = 2_000;

/**
 * Returns a schema for text. NUL is refused, since it would cut the text in the database; lone
 * surrogates become U+FFFD.
 */
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
export const mode = z.enum(MODES);
export const id = nonEmpty(LONGEST_NAME).openapi({
  example: '01932f3e-7c1a-7000-8000-000000000000',
});

/** The fields of any request for a turn, besides its message. */
export const turnFields = {
  user_id: userId.optional(),
  model: modelName.nullish(),
  stream: z
    .boolean()
    .optional()
    .openapi({ description: 'Stream the answer, as Accept: text/event-stream does' }),
  on_busy: z.enum(ON_BUSY).optional(),
  on_disconnect: z.enum(['continue', 'cancel']).optional(),
  ...parameterFields,
};

export type TurnFields = {
  [Name in keyof typeof turnFields]?: z.output<(typeof turnFields)[Name]>;
};

/** The fields of a new conversation that clients may set. */
export const conversationFields = {
  title: title.nullish(),
  mode: mode.optional(),
  model: modelName.nullish(),
  instructions: instructions.nullish(),
};

const attachment = bodyOf({
  file_id: id.optional().openapi({ description: 'From `POST /files`' }),
  url: z
    .string()
    .max(LONGEST_URL)
    .optional()
    .openapi({ description: 'A public address, which is fetched once' }),
})
  .refine(({ file_id, url }) => (file_id === undefined) !== (url === undefined), {
    error: 'needs a file_id or a url',
  })
  // One of the two is there.
  .transform((given) => given as { file_id: string } | { url: string })
  .openapi('Attachment');

/** A user message: its text, which may be called `message` or `content`, and its files. */
export const messageFields = {
  message: messageText.optional(),
  content: messageText.optional(),
  attachments: z
    .array(attachment)
    .min(1)
    .max(MOST_ATTACHMENTS)
    .optional()
    .openapi({ description: 'Files that the message has; with a text or without' }),
};

/**
 * The answer that a message follows. The message starts a branch there, or continues the active
 * path.
 */
export const parentField = {
  parent_message_id: id.nullish().openapi({
    description:
      'The answer that this message follows; null for a new beginning. Without it, the end of' +
      ' the active path.',
  }),
};

/** Requires a message: a text, or results of the model's calls. */
export function withMessage<Schema extends z.ZodType<MessageFields>>(schema: Schema) {
  return schema.refine(hasMessage, {
    path: ['message'],
    error: 'message (or content) is required',
  });
}

export function hasMessage(fields: MessageFields): boolean {
  const { message, content, attachments, tool_results, approvals } = fields;
  return (message ?? content ?? attachments ?? tool_results ?? approvals) !== undefined;
}

export const ownerQuery = queryOf({ user_id: userId.optional() });
export const idParam = z.object({ id });

/** Returns a schema for a query with these parameters and no others. */
export function queryOf<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.object(shape);
}

/** The cursor as a parameter, for clients that cannot set a header. */
export const cursorFields = {
  last_event_id: z.string().optional(),
  lastEventId: z.string().optional(),
};

/** A ticket as a parameter, for browsers, whose streams and sockets send no headers of ours. */
export const ticketField = {
  ticket: z
    .string()
    .optional()
    .openapi({ description: 'From `POST /tickets`, in place of a credential in a header' }),
};

/** The things that OpenAI's clients ask to be included; all that exist always are. */
export const includeFields = {
  include: z.union([z.string(), z.array(z.string())]).optional(),
  'include[]': z.union([z.string(), z.array(z.string())]).optional(),
};

export const limit = z.coerce.number().int().min(1).max(200).default(50);

/** The query for a page of a user's list; its cursor is the last id of the previous page. */
export const pageQuery = queryOf({
  user_id: userId.optional(),
  limit,
  cursor: z.uuid('is not one that this server gave out').optional(),
});

/**
 * The query for a page of messages; its cursor is the last sequence number of the previous page.
 */
export const messagePageQuery = queryOf({
  user_id: userId.optional(),
  limit,
  tree: z
    .enum(['true', 'false'])
    .optional()
    .openapi({ description: 'All branches, and not the active path alone' }),
  cursor: z
    .string()
    .regex(/^\d{1,9}$/, 'is not one that this server gave out')
    .optional(),
});

export const streamQuery = queryOf({
  message: messageText.optional(),
  content: messageText.optional(),
  parent_message_id: id.optional(),
  user_id: userId.optional(),
  model: modelName.optional(),
  on_busy: turnFields.on_busy,
  on_disconnect: turnFields.on_disconnect,
  idempotency_key: text(255).optional(),
  ...cursorFields,
  ...ticketField,
});
export type StreamQuery = z.output<typeof streamQuery>;
