/**
 * The tables. Times are milliseconds since the epoch by the database's clock; ids are UUIDv7 text.
 */
import { isNotNull, isNull, sql } from 'drizzle-orm';
import { MODES } from '../core/conversation.ts';
import { DOCUMENT_STATUSES } from '../core/document.ts';
import { CALL_KINDS } from '../core/ledger.ts';
import { FINISH_REASONS, ROLES, STATUSES, TURN_STATES } from '../core/message.ts';
import { CREDENTIAL_KINDS } from '../core/principal.ts';
import {
  json,
  parseFailure,
  parseMetadata,
  parseParameters,
  parseToolOutput,
  parseScopes,
  parts,
  steering,
} from './json-columns.ts';
import {
  blob,
  check,
  index,
  integer,
  primaryKey,
  real,
  sqliteTable,
  text,
  uniqueIndex,
} from 'drizzle-orm/sqlite-core';

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
    /** What a client keeps with it; null without any. */
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
    /** What the request asked of the model, besides; null for a plain turn. */
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
    inputPrice: real('input_price'),
    outputPrice: real('output_price'),
  },
  (table) => [
    uniqueIndex('turns_running')
      .on(table.conversationId)
      .where(sql`state = 'running'`),
    // Empty as long as nobody has limits.
    index('turns_reserved')
      .on(table.userId)
      .where(sql`state = 'running' AND reserved_input IS NOT NULL`),
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
    // With the number, by which siblings are counted up to one of them.
    index('messages_by_parent').on(table.conversationId, table.parentId, table.sequenceNumber),
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

const documentContent = {
  title: text('title').notNull(),
  url: text('url'),
  mimeType: text('mime_type').notNull(),
  metadata: json(parseMetadata)('metadata').notNull(),
  /** SHA-256 of the text, hexadecimal. */
  contentHash: text('content_hash').notNull(),
  /** Bytes that were sent. */
  size: integer('size').notNull(),
  /** The charset that its bytes were read in; null where none had to be. */
  charset: text('charset'),
  chunkCount: integer('chunk_count').notNull(),
  /** The space of the vectors, `provider/model` and their dimension: known with the first ones. */
  embeddingModel: text('embedding_model'),
  dimension: integer('dimension'),
  /** The version of what made chunks and words of the text; null from before there were any. */
  analysis: integer('analysis'),
};

/** Documents as searches see them; versions in the making are in `document_drafts`. */
export const documents = sqliteTable(
  'documents',
  {
    id: text('id').primaryKey(),
    userId: text('user_id').notNull(),
    conversationId: text('conversation_id'),
    /** Of the chunks that searches see; null until there are any. */
    version: integer('version'),
    ...documentContent,
    /** The state of the newest ingest; the version before it is found meanwhile. */
    status: text('status', { enum: DOCUMENT_STATUSES }).notNull(),
    /** The failure, in words that a client may see. */
    error: json(parseFailure)('error'),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
    /** The owner's revision when it was last published. */
    revision: integer('revision').notNull().default(0),
    /** The text that the chunks' offsets point into. Last: reading the others skips its pages. */
    text: text('text').notNull(),
  },
  (table) => [
    index('documents_by_user').on(table.userId, table.id),
    index('documents_by_hash').on(table.userId, table.contentHash),
    index('documents_by_conversation').on(table.conversationId),
    index('documents_by_revision').on(table.userId, table.revision, table.id),
  ],
);

/** Why a draft is made: `reindex` is the same text in another space, published with all others. */
export const DRAFT_PURPOSES = ['ingest', 'reindex'] as const;

/** A version in the making, at most one of a document: published whole or not at all. */
export const documentDrafts = sqliteTable('document_drafts', {
  documentId: text('document_id').primaryKey(),
  userId: text('user_id').notNull(),
  version: integer('version').notNull(),
  ...documentContent,
  purpose: text('purpose', { enum: DRAFT_PURPOSES }).notNull(),
  /** Chunks that are stored. */
  done: integer('done').notNull(),
  /** When its ingest was last seen alive. */
  heartbeatAt: integer('heartbeat_at').notNull(),
  text: text('text').notNull(),
});

/** The ledger: a row for each call of a model. It outlives what the call was made for. */
export const ledger = sqliteTable(
  'ledger',
  {
    /** The turn, or a piece of work with an id of its own. */
    workId: text('work_id').notNull(),
    /** Of the call within that work. */
    number: integer('number').notNull(),
    userId: text('user_id').notNull(),
    conversationId: text('conversation_id'),
    /** The public id of the key by which it was asked for; null where there was none. */
    keyId: text('key_id'),
    kind: text('kind', { enum: CALL_KINDS }).notNull(),
    model: text('model').notNull(),
    inputTokens: integer('input_tokens').notNull(),
    outputTokens: integer('output_tokens').notNull(),
    /** Among the input tokens. */
    cachedTokens: integer('cached_tokens').notNull(),
    /** Among the output tokens. */
    reasoningTokens: integer('reasoning_tokens').notNull(),
    isEstimated: integer('is_estimated', { mode: 'boolean' }).notNull(),
    /** The cost in billionths of a US dollar; null while no price is known. */
    nanodollars: integer('nanodollars'),
    /** When the turn was accepted, or the other work was stored. */
    createdAt: integer('created_at').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.workId, table.number] }),
    // With what budgets sum up, so that they read the index alone.
    index('ledger_by_user').on(
      table.userId,
      table.createdAt,
      table.inputTokens,
      table.outputTokens,
      table.nanodollars,
    ),
  ],
);

/** Limits of single users: null for the default, -1 for none. */
export const userLimits = sqliteTable('user_limits', {
  userId: text('user_id').primaryKey(),
  requestsPerMinute: integer('requests_per_minute'),
  turnsAtOnce: integer('turns_at_once'),
  tokensPerDay: integer('tokens_per_day'),
  tokensPerMonth: integer('tokens_per_month'),
  /** Billionths of a US dollar. */
  costPerMonth: integer('cost_per_month'),
});

/**
 * Calls that a user has allowed and that a turn has begun to run, each at most once. Rows are kept
 * as long as their conversation: they are what keeps a call from running again.
 */
export const toolRuns = sqliteTable(
  'tool_runs',
  {
    approvalId: text('approval_id').primaryKey(),
    turnId: text('turn_id').notNull(),
    /** Empty in rows of long ago whose turn has been deleted. */
    userId: text('user_id').notNull().default(''),
    conversationId: text('conversation_id').notNull().default(''),
    /** Null until it has ended, and for ever when it broke off. */
    output: json(parseToolOutput)('output'),
    createdAt: integer('created_at').notNull(),
  },
  (table) => [index('tool_runs_by_user').on(table.userId, table.conversationId)],
);

/** Tools that a user has allowed for good. */
export const toolPermissions = sqliteTable(
  'tool_permissions',
  {
    userId: text('user_id').notNull(),
    tool: text('tool').notNull(),
    createdAt: integer('created_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.tool] })],
);

/** Never holds a row: inserting one is how a batch is refused, see `guard.ts`. */
export const refusals = sqliteTable(
  'refusals',
  { refused: integer('refused').notNull() },
  (table) => [check('refused_by_guard', sql`${table.refused} = 0`)],
);

/** Credentials that we gave out: API keys, and the sessions and tickets that were got for one. */
export const credentials = sqliteTable(
  'credentials',
  {
    /** Public: it is part of the credential's text. */
    id: text('id').primaryKey(),
    kind: text('kind', { enum: CREDENTIAL_KINDS }).notNull(),
    userId: text('user_id').notNull(),
    /** SHA-256 of the text, hexadecimal. The text itself is stored nowhere. */
    hash: text('hash').notNull(),
    name: text('name'),
    scopes: json(parseScopes)('scopes').notNull(),
    /** The credential that this one was got for: where that is revoked, so is this. */
    parentId: text('parent_id'),
    /** What a ticket may read: a turn, or `socket` when it has opened one. Null before its use. */
    boundTo: text('bound_to'),
    createdAt: integer('created_at').notNull(),
    /** Of a ticket: until when it may be used first. */
    expiresAt: integer('expires_at'),
    revokedAt: integer('revoked_at'),
  },
  (table) => [
    index('credentials_by_user').on(table.userId, table.kind, table.createdAt),
    index('credentials_that_are_keys')
      .on(table.createdAt)
      .where(sql`"kind" = 'key'`),
    index('credentials_by_parent').on(table.parentId),
  ],
);

/** Never holds a row: inserting one refuses a batch whose caller is not confirmed. */
export const credentialRefusals = sqliteTable(
  'credential_refusals',
  { refused: integer('refused').notNull() },
  (table) => [check('refused_credential', sql`${table.refused} = 0`)],
);

/** The bytes of files, those of one owner once. They arrive before it is known what they are. */
export const fileContents = sqliteTable(
  'file_contents',
  {
    id: text('id').primaryKey(),
    /** Null while the bytes arrive, as is the hash. */
    userId: text('user_id'),
    /** Hexadecimal. */
    sha256: text('sha256'),
    size: integer('size').notNull().default(0),
    mimeType: text('mime_type'),
    createdAt: integer('created_at').notNull(),
    /** The text of a document, for models that do not take its bytes. Last, since it may be long. */
    text: text('text'),
  },
  (table) => [
    uniqueIndex('file_contents_by_hash').on(table.userId, table.sha256),
    index('file_contents_arriving').on(table.createdAt).where(isNull(table.sha256)),
  ],
);

/** The bytes of a content in their order, all pieces but the last of one size. */
export const filePieces = sqliteTable(
  'file_pieces',
  {
    contentId: text('content_id').notNull(),
    number: integer('number').notNull(),
    bytes: blob('bytes', { mode: 'buffer' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.contentId, table.number] })],
);

/** Files that users have sent: a name for a content. */
export const files = sqliteTable(
  'files',
  {
    id: text('id').primaryKey(),
    userId: text('user_id').notNull(),
    contentId: text('content_id').notNull(),
    name: text('name').notNull(),
    mimeType: text('mime_type').notNull(),
    size: integer('size').notNull(),
    sha256: text('sha256').notNull(),
    /** About how many tokens its text is; null for a file without one. */
    textTokens: integer('text_tokens'),
    /** True within the batch that removes it, see `files/remove-files.ts`. */
    isRemoved: integer('is_removed', { mode: 'boolean' }).notNull().default(false),
    createdAt: integer('created_at').notNull(),
  },
  (table) => [
    index('files_by_user').on(table.userId, table.id),
    index('files_by_content').on(table.contentId, table.isRemoved),
    // Empty but within such a batch.
    index('files_removed')
      .on(table.isRemoved, table.contentId)
      .where(sql`"is_removed" = 1`),
  ],
);

/** Which messages have a file: it is removed with the last of them. */
export const messageFiles = sqliteTable(
  'message_files',
  {
    messageId: text('message_id').notNull(),
    fileId: text('file_id').notNull(),
    conversationId: text('conversation_id').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.messageId, table.fileId] }),
    index('message_files_by_file').on(table.fileId),
    index('message_files_by_conversation').on(table.conversationId),
  ],
);

/** Users whose data is being deleted. A row is gone when nothing of the user is left. */
export const erasures = sqliteTable(
  'erasures',
  {
    userId: text('user_id').primaryKey(),
    requestedAt: integer('requested_at').notNull(),
    /** From when on somebody else may go on with it: whoever does it renews this. */
    dueAt: integer('due_at').notNull(),
    /** Until when what limits count stays; null for no longer than the rest. */
    keepsUsageUntil: integer('keeps_usage_until'),
  },
  (table) => [index('erasures_by_due').on(table.dueAt)],
);
