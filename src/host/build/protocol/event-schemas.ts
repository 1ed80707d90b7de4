/** The events of streams, as schemas: the page on the protocol is made of them. */
import { z } from 'zod';
import { documentSchema } from '../../../routes/documents/schemas.ts';
import { problemSchema } from '../../../routes/shared/responses.ts';
import { messageSchema, usageSchema } from '../../../routes/shared/answer-schemas.ts';
import { fileFields } from '../../../routes/shared/file-fields.ts';

/** Something that a server sends: its fields, when it comes, and what it looks like. */
export interface Described {
  fields: z.ZodObject;
  when: string;
  example: object;
}

const TURN_ID = '019ac3a1-5d70-74c2-8b1d-0f9e8d7c6b5a';
const DOCUMENT_ID = '019ac3a0-11aa-7c2d-8e4f-5a6b7c8d9e0f';
const place = z.object({ id: z.string(), sequence_number: z.int() });

export const citation = z.object({
  n: z.int().describe('the number that `[n]` in the answer refers to'),
  document_id: z.string(),
  chunk_id: z.string(),
  title: z.string().nullable(),
  url: z.string().optional(),
  snippet: z.string(),
  score: z.number(),
});

const ended = z.object({
  turn_id: z.string(),
  message: messageSchema.describe('the answer as it is stored'),
  usage: usageSchema,
  finish_reason: z.string().optional(),
  valid: z.boolean().optional().describe('of an answer that should be JSON: whether it fits'),
});

/** Native events, in the order in which they may come. */
export const nativeEvents = {
  'turn.started': {
    when: 'first, before the model answers',
    fields: z.object({
      turn_id: z.string(),
      conversation_id: z.string(),
      title: z.string().nullable(),
      model: z.string(),
      user_message: place.describe('the question'),
      assistant_message: place.describe('the answer to come'),
    }),
    example: {
      turn_id: TURN_ID,
      conversation_id: '019ac3a1-5d6c-7b1e-9f0a-6a1d2c3b4e5f',
      title: 'Which way does the blue valve close?',
      model: 'openai/gpt-5.4-mini',
      user_message: { id: '019ac3a1-5d71-7d3a-a2c4-1b2a3c4d5e6f', sequence_number: 1 },
      assistant_message: { id: '019ac3a1-5d72-7e4b-b3d5-2c3b4d5e6f70', sequence_number: 2 },
    },
  },
  sources: {
    when: 'in `rag` mode, before the first delta',
    fields: z.object({ sources: z.array(citation).describe('passages that may be cited') }),
    example: {
      sources: [
        {
          n: 1,
          document_id: DOCUMENT_ID,
          chunk_id: '16777217',
          title: 'Manual',
          snippet: 'The blue valve closes clockwise.',
          score: 0.92,
        },
      ],
    },
  },
  'reasoning.delta': {
    when: 'any number of times, from models that give it',
    fields: z.object({ text: z.string().describe('to be appended') }),
    example: { text: 'The manual says' },
  },
  'tool.call': {
    when: 'when the model calls a tool. A call of a client’s tool has no result here: it ends the turn with `finish_reason` `tool_calls`, and the next message has its result',
    fields: z.object({ tool_call_id: z.string(), name: z.string(), input: z.unknown() }),
    example: { tool_call_id: 'call_1', name: 'search_documents', input: { query: 'valve' } },
  },
  'tool.result': {
    when: 'when a tool of ours has answered a call, perhaps after other calls',
    fields: z.object({
      tool_call_id: z.string(),
      output: z.unknown(),
      is_error: z.boolean().optional(),
      is_denied: z.literal(true).optional().describe('the user did not allow the call'),
      files: z
        .array(z.object(fileFields))
        .optional()
        .describe('images and sounds of the result, kept as files of the user'),
    }),
    example: { tool_call_id: 'call_1', output: { passages: [] } },
  },
  'tool.approval': {
    when: 'for a call that runs only if its user allows it. The turn then ends with `finish_reason` `tool_calls`, and `approvals` of the next message say whether the call runs, with the input that is stored here',
    fields: z.object({
      approval_id: z.string(),
      tool_call_id: z.string(),
      name: z.string(),
      input: z.unknown(),
    }),
    example: {
      approval_id: '019ac3a1-5d73-7f5c-84e6-3d4e5f607182',
      tool_call_id: 'call_1',
      name: 'search_documents',
      input: { query: 'valve' },
    },
  },
  steered: {
    when: 'when a message that came while the turn ran has joined it: what the model says next takes it into account. It is a part of the answer',
    fields: z.object({
      message: z.object({
        id: z.string(),
        role: z.literal('user'),
        content: z.string(),
        client_id: z.string().optional(),
        created_at: z.iso.datetime(),
      }),
    }),
    example: {
      message: {
        id: '019ac3a1-5d74-7a6d-95f7-4e5f60718293',
        role: 'user',
        content: 'In German, please',
        created_at: '2026-11-27T15:04:05.000Z',
      },
    },
  },
  'message.delta': {
    when: 'any number of times',
    fields: z.object({ text: z.string().describe('to be appended to the answer') }),
    example: { text: 'The blue valve' },
  },
  'turn.completed': {
    when: 'at the end of an answer that is `complete`, `truncated` or `filtered`, once it is stored',
    fields: ended,
    example: {
      turn_id: TURN_ID,
      message: { status: 'complete', content: 'Clockwise.' },
      usage: { input_tokens: 58, output_tokens: 3, total_tokens: 61, estimated: false },
      finish_reason: 'stop',
    },
  },
  'turn.cancelled': {
    when: 'instead, for one that was cancelled',
    fields: ended,
    example: {
      turn_id: TURN_ID,
      message: { status: 'cancelled', content: 'The blue' },
      usage: { input_tokens: 58, output_tokens: 2, total_tokens: 60, estimated: true },
    },
  },
  'turn.failed': {
    when: 'instead, for one that is `failed` or `interrupted`; its message replaces what the client has. A turn that was refused after the head of the stream was sent has only the error',
    fields: ended
      .partial({ message: true, usage: true })
      .extend({ error: problemSchema.optional() }),
    example: {
      turn_id: TURN_ID,
      message: { status: 'failed', content: '' },
      usage: { input_tokens: 58, output_tokens: 0, total_tokens: 58, estimated: true },
      error: { code: 'model_error', status: 502 },
    },
  },
} satisfies Record<string, Described>;

/** The events of an ingest. */
export const ingestEvents = {
  'document.progress': {
    when: 'as it goes',
    fields: z.object({ document_id: z.string(), done: z.int().describe('chunks'), total: z.int() }),
    example: { document_id: DOCUMENT_ID, done: 8, total: 32 },
  },
  'document.completed': {
    when: 'when the document can be searched',
    fields: documentSchema,
    example: { document_id: DOCUMENT_ID, title: 'Manual', status: 'ready', searchable: true },
  },
  'document.failed': {
    when: 'instead; sent again, the document goes on where it stopped',
    fields: z.object({ document_id: z.string(), error: problemSchema }),
    example: { document_id: DOCUMENT_ID, error: { code: 'document_unreadable', status: 400 } },
  },
} satisfies Record<string, Described>;
