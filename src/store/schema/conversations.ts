/** The tables of conversations: their turns and messages, and what guards and repeats them. */
import { isNotNull, ne, sql } from 'drizzle-orm';
import {
  check,
  index,
  integer,
  primaryKey,
  real,
  sqliteTable,
  text,
  uniqueIndex,
} from 'drizzle-orm/sqlite-core';
import { MODES } from '../../core/conversation.ts';
import { FINISH_REASONS, ROLES, STATUSES, TURN_STATES } from '../../core/message.ts';
import {
  json,
  parseFailure,
  parseMetadata,
  parseParameters,
  parts,
  steering,
} from '../json-columns.ts';

export const conversations = sqliteTable(
  'conversations',
  {
    id: text('id').primaryKey(),
    userId: text('user_id').notNull(),
    title: text('title'),
    mode: text('mode', { enum: MODES }).notNull(),
    model: text('model'),
    instructions: text('instructions'),
    /** Messages on the active path: the depth of its last one. */
    messageCount: integer('message_count').notNull().default(0),
    /** The last sequence number given out. It equals `messageCount` when there are no branches. */
    lastSequenceNumber: integer('last_sequence_number').notNull().default(0),
    /** The last message of the active path. */
    headMessageId: text('head_message_id'),
    /** The name that a client gave it; null for one that a client knows by its id. */
    clientId: text('client_id'),
    /** A client's metadata; null without any. */
    metadata: json(parseMetadata)('metadata'),
    /** True for one that is made for one answer and deleted after it. */
    isTemporary: integer('is_temporary', { mode: 'boolean' }).notNull().default(false),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
  },
  (table) => [
    index('conversations_by_user').on(table.userId, table.id),
    uniqueIndex('conversations_by_client_id')
      .on(table.userId, table.clientId)
      .where(isNotNull(table.clientId)),
    // Nearly always empty.
    index('conversations_temporary')
      .on(table.createdAt)
      .where(sql`is_temporary = 1`),
  ],
);

export const turns = sqliteTable(
  'turns',
  {
    id: text('id').primaryKey(),
    conversationId: text('conversation_id')
      .notNull()
      .references(() => conversations.id, { onDelete: 'cascade' }),
    /** The owner of the conversation. */
    userId: text('user_id').notNull().default(''),
    /**
     * The instance that runs the turn: it alone may write the answer, while `state` is `running`.
     */
    instanceId: text('instance_id').notNull(),
    state: text('state', { enum: TURN_STATES }).notNull(),
    /** Of the answer. */
    sequenceNumber: integer('sequence_number').notNull(),
    /** The message that is answered. */
    promptMessageId: text('prompt_message_id'),
    /** The head of the conversation before this turn: where it returns if the claim is released. */
    previousHeadId: text('previous_head_id'),
    assistantMessageId: text('assistant_message_id').notNull(),
    model: text('model').notNull(),
    /** The parameters that the request had for the model; null for a plain turn. */
    parameters: json(parseParameters)('parameters'),
    /**
     * The messages that came while the turn ran and are to steer it, a JSON object a line; null for
     * none. Those that have joined are parts of the answer as well.
     */
    steering: steering('steering'),
    /** True when this turn created its conversation. */
    created: integer('created', { mode: 'boolean' }).notNull().default(false),
    heartbeatAt: integer('heartbeat_at').notNull(),
    cancelRequestedAt: integer('cancel_requested_at'),
    /** The failure, in words that a client may see. */
    error: json(parseFailure)('error'),
    startedAt: integer('started_at').notNull(),
    endedAt: integer('ended_at'),
    /**
     * Of a turn whose user has limits: the tokens that it may use while it runs, and what one of
     * each costs, in billionths of a US dollar.
     */
    reservedInput: integer('reserved_input'),
    reservedOutput: integer('reserved_output'),
    /** The public id of the key by which it was asked for, where callers may have limits. */
    keyId: text('key_id'),
    /** The same where that key has limits of its own, of which the turn has reserved a part. */
    reservedKeyId: text('reserved_key_id'),
    inputPrice: real('input_price'),
    outputPrice: real('output_price'),
    /** The state of the limits when they were reserved, as JSON; null once the turn has ended. */
    budget: text('budget'),
  },
  (table) => [
    // By user first, so that it also finds what the running turns of a user have reserved.
    uniqueIndex('turns_running')
      .on(table.userId, table.conversationId)
      .where(sql`state = 'running'`),
    index('turns_reserved_by_key')
      .on(table.reservedKeyId)
      .where(sql`state = 'running' AND reserved_key_id IS NOT NULL`),
    index('turns_by_conversation').on(table.conversationId, table.sequenceNumber),
  ],
);

export const messages = sqliteTable(
  'messages',
  {
    id: text('id').primaryKey(),
    conversationId: text('conversation_id')
      .notNull()
      .references(() => conversations.id, { onDelete: 'cascade' }),
    turnId: text('turn_id'),
    /** The message that this one follows; null for the first of a branch. */
    parentId: text('parent_id'),
    /** The number of messages on the path up to this one, itself included. */
    depth: integer('depth').notNull().default(0),
    role: text('role', { enum: ROLES }).notNull(),
    status: text('status', { enum: STATUSES }).notNull(),
    sequenceNumber: integer('sequence_number').notNull(),
    parts: parts('parts').notNull(),
    /**
     * The number of the checkpoint that `parts` holds while the answer grows. A checkpoint that
     * arrives twice, or after a later one, changes nothing.
     */
    checkpoint: integer('checkpoint').notNull().default(0),
    /** UTF-16 units of the visible text: an empty answer is left out of later contexts. */
    textLength: integer('text_length').notNull(),
    model: text('model'),
    inputTokens: integer('input_tokens'),
    outputTokens: integer('output_tokens'),
    tokensEstimated: integer('tokens_estimated', { mode: 'boolean' }).notNull().default(true),
    finishReason: text('finish_reason', { enum: FINISH_REASONS }),
    /** Of an answer that should be JSON: whether it is, and fits its schema. */
    isValid: integer('is_valid', { mode: 'boolean' }),
    /**
     * For an answer to a long enough prompt: the prompt's tokens as the provider counted them,
     * divided by our estimate.
     */
    tokenRatio: real('token_ratio'),
    /**
     * For an answer of a user with limits: the tokens of its last prompt and of its text, by our
     * estimate. A prompt that goes on from here has them.
     */
    contextTokens: integer('context_tokens'),
    /** Of a user message: the model's service refused it for good. */
    isRefused: integer('is_refused', { mode: 'boolean' }).notNull().default(false),
    firstTokenMs: integer('first_token_ms'),
    durationMs: integer('duration_ms'),
    /** Of a user message: the name that a client gave it. Several versions of it share the name. */
    clientId: text('client_id'),
    /**
     * Of a user message of clients that send the whole history: what tells this history from all
     * others, see `core/exchange.ts`.
     */
    historyHash: text('history_hash'),
    createdAt: integer('created_at').notNull(),
  },
  (table) => [
    uniqueIndex('messages_by_sequence').on(table.conversationId, table.sequenceNumber),
    // With the number, by which siblings are counted up to one of them. Without the messages of a
    // line, which are found by their number, see `tree/followers.ts`.
    index('messages_by_parent')
      .on(table.conversationId, table.parentId, table.sequenceNumber)
      .where(ne(table.depth, table.sequenceNumber)),
    index('messages_by_history_hash').on(table.historyHash).where(isNotNull(table.historyHash)),
    index('messages_by_client_id')
      .on(table.conversationId, table.clientId)
      .where(isNotNull(table.clientId)),
  ],
);

export const idempotencyKeys = sqliteTable(
  'idempotency_keys',
  {
    /**
     * The user, or the conversation when no user was named. Empty for a claim that was released,
     * whose turn is the key.
     */
    scope: text('scope').notNull(),
    key: text('key').notNull(),
    /** Hash of method, path and body. */
    fingerprint: text('fingerprint').notNull(),
    /** The turn, conversation or document that the first request made. */
    resourceId: text('resource_id').notNull(),
    createdAt: integer('created_at').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.scope, table.key] }),
    index('idempotency_keys_by_age').on(table.createdAt),
  ],
);

/** Open WebSockets where processes share a database (on Node). */
export const connections = sqliteTable(
  'connections',
  {
    id: text('id').primaryKey(),
    userId: text('user_id').notNull(),
    instanceId: text('instance_id').notNull(),
    heartbeatAt: integer('heartbeat_at').notNull(),
  },
  (table) => [
    index('connections_by_user').on(table.userId, table.heartbeatAt),
    index('connections_by_instance').on(table.instanceId),
  ],
);

/** Never holds a row: inserting one is how a batch is refused, see `guard.ts`. */
export const refusals = sqliteTable(
  'refusals',
  { refused: integer('refused').notNull() },
  (table) => [check('refused_by_guard', sql`${table.refused} = 0`)],
);
