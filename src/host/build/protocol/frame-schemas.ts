/**
 * The frames of a WebSocket that the server sends, as schemas, in the order in which they may come.
 */
import { z } from 'zod';
import { problemSchema } from '../../../routes/shared/responses.ts';
import { messageSchema, usageSchema } from '../../../routes/shared/answer-schemas.ts';
import { FINISH_REASONS, STATUSES } from '../../../core/message.ts';
import { citation, nativeEvents, type Described } from './event-schemas.ts';

const CONVERSATION_ID = '019ac3a1-5d6c-7b1e-9f0a-6a1d2c3b4e5f';
const conversation_id = CONVERSATION_ID;
const inConversation = z.object({ conversation_id: z.string() });

const whole = inConversation.extend({
  full_response: z.string(),
  parts: messageSchema.shape.parts.describe(
    'with thoughts and calls of tools, where there were any',
  ),
  message_id: z.string(),
  status: z.enum(STATUSES),
  finish_reason: z.enum(FINISH_REASONS).optional(),
  valid: z.boolean().optional(),
  usage: usageSchema,
  sources: z.array(citation).optional(),
  citations: z.array(citation).optional().describe('those of the sources that are cited'),
});

/** Frames by their `type`. */
export const serverFrames = {
  connection: {
    when: 'once, when the socket is open',
    fields: z.object({ user_id: z.string() }),
    example: { user_id: 'alice' },
  },
  conversation_created: {
    when: 'where the message began a conversation',
    fields: inConversation.extend({ title: z.string().nullable() }),
    example: { conversation_id, title: 'Which way does it close?' },
  },
  user_message: {
    when: 'when the message is stored',
    fields: inConversation.extend({ message: z.string(), message_id: z.string() }),
    example: {
      conversation_id,
      message: 'Which way does it close?',
      message_id: '019ac3a1-5d71-7d3a-a2c4-1b2a3c4d5e6f',
    },
  },
  typing: {
    when: 'before the model answers',
    fields: inConversation.extend({ turn_id: z.string() }),
    example: { conversation_id, turn_id: '019ac3a1-5d70-74c2-8b1d-0f9e8d7c6b5a' },
  },
  sources: {
    when: 'in `rag` mode',
    fields: inConversation.extend(nativeEvents.sources.fields.shape),
    example: { conversation_id, sources: [] },
  },
  reasoning: {
    when: 'any number of times',
    fields: inConversation.extend({ content: z.string() }),
    example: { conversation_id, content: 'The manual says' },
  },
  tool_call: {
    when: 'when the model calls a tool',
    fields: inConversation.extend(nativeEvents['tool.call'].fields.shape),
    example: { conversation_id, tool_call_id: 'call_1', name: 'search_documents', input: {} },
  },
  tool_result: {
    when: 'when a tool of ours has answered a call',
    fields: inConversation.extend(nativeEvents['tool.result'].fields.shape),
    example: { conversation_id, tool_call_id: 'call_1', output: { passages: [] } },
  },
  tool_approval: {
    when: 'for a call that runs only if its user allows it, as `tool.approval` above',
    fields: inConversation.extend(nativeEvents['tool.approval'].fields.shape),
    example: { conversation_id, ...nativeEvents['tool.approval'].example },
  },
  steered: {
    when: 'when a message that came while the turn ran has joined it, as `steered` above',
    fields: inConversation.extend(nativeEvents.steered.fields.shape),
    example: { conversation_id, ...nativeEvents.steered.example },
  },
  chunk: {
    when: 'any number of times',
    fields: inConversation.extend({ content: z.string().describe('to be appended') }),
    example: { conversation_id, content: 'The blue valve' },
  },
  message_complete: {
    when: 'at the end, also of a turn that was cancelled: `status` says which',
    fields: whole,
    example: {
      conversation_id,
      full_response: 'Clockwise.',
      message_id: '019ac3a1-5d72-7e4b-b3d5-2c3b4d5e6f70',
      status: 'complete',
      usage: { input_tokens: 58, output_tokens: 3, total_tokens: 61, estimated: false },
    },
  },
  error: {
    when: 'for a frame that was refused, and at the end of a turn that failed; the socket stays open',
    fields: whole.partial().extend({ message: z.string(), problem: problemSchema.optional() }),
    example: { message: 'A frame must be JSON', problem: { code: 'invalid_request', status: 400 } },
  },
} satisfies Record<string, Described>;
