/** Copying a path into a conversation of its own. */
import type { Conversation, NewConversation } from '../../core/conversation.ts';
import type { Principal } from '../../core/principal.ts';
import type { Created } from '../conversations.ts';
import { NOW, type Database, type Statement } from '../database.ts';
import { KNOWN_RESOURCE, rememberKey, selectFingerprint, type Key } from '../idempotency-keys.ts';
import { CONVERSATION_COLUMNS, conversationFrom, optionalText, text } from '../rows.ts';
import { busyIn, selectState, type Busy } from './state.ts';

/** The messages from one that is named, or else the head, up to the first. */
const PATH = `WITH RECURSIVE path (id, parent_id, depth) AS (
    SELECT id, parent_id, depth FROM messages
      WHERE id = (SELECT coalesce(?, head_message_id) FROM conversations WHERE id = ?) AND conversation_id = ?
    UNION ALL
    SELECT m.id, m.parent_id, m.depth FROM path JOIN messages m ON m.id = path.parent_id)`;

/**
 * Reads what a fork copies.
 * @param messageId the end of the path; undefined: the head
 * @returns the ids on the path, first to last; `message_not_found` where the message is not there
 */
export async function readPath(
  db: Database,
  {
    id,
    messageId,
    principal,
    leaseMs,
  }: { id: string; messageId: string | undefined; principal: Principal; leaseMs: number },
): Promise<
  | { kind: 'path'; conversation: Conversation; messageIds: string[] }
  | Busy
  | { kind: 'not_found' | 'message_not_found' }
> {
  const [state, found] = await db.batch(
    [
      selectState(id, principal, leaseMs),
      {
        sql: `${PATH} SELECT id FROM path ORDER BY depth`,
        args: [messageId ?? null, id, id],
      },
    ],
    'read',
  );
  const row = state?.rows[0];
  if (!row) return { kind: 'not_found' };
  const messageIds = (found?.rows ?? []).map((message) => text(message['id']));
  if (messageId !== undefined && messageIds.length === 0) return { kind: 'message_not_found' };
  return busyIn(row) ?? { kind: 'path', conversation: conversationFrom(row), messageIds };
}

/**
 * Makes a conversation with copies of messages, in one line.
 * @param copies pairs of the message's id and its copy's, first to last
 */
export async function createFork(
  db: Database,
  {
    conversation,
    copies,
    idempotency,
  }: { conversation: NewConversation; copies: [from: string, to: string][]; idempotency?: Key },
): Promise<Created<Conversation>> {
  const { id, userId, title, mode, model, instructions } = conversation;
  const { scope = '', key = '', fingerprint = '' } = idempotency ?? {};
  const made: Statement = { sql: 'SELECT id FROM conversations WHERE id = ?', args: [id] };
  const results = await db.batch(
    [
      {
        sql: `INSERT INTO conversations (id, user_id, title, mode, model, instructions, message_count, last_sequence_number, head_message_id, created_at, updated_at)
          SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ${NOW}, ${NOW} WHERE NOT EXISTS (${KNOWN_RESOURCE}) ON CONFLICT DO NOTHING`,
        args: [
          ...[id, userId, title, mode, model, instructions],
          ...[copies.length, copies.length, copies.at(-1)?.[1] ?? null],
          ...[scope, key],
        ],
      },
      ...(idempotency ? [rememberKey(idempotency, made)] : []),
      copyMessages(id, copies),
      {
        sql: `SELECT ${CONVERSATION_COLUMNS} FROM conversations c WHERE c.user_id = ? AND c.id = coalesce((${KNOWN_RESOURCE}), ?)`,
        args: [userId, scope, key, id],
      },
      selectFingerprint({ scope, key }),
    ],
    'write',
  );
  const [found, known] = results.slice(-2);
  const stored = optionalText(known?.rows[0]?.['fingerprint']);
  if (stored !== null && stored !== fingerprint) return { kind: 'key_reused' };
  const row = found?.rows[0];
  if (!row) return { kind: 'deleted' };
  const value = conversationFrom(row);
  return { kind: value.id === id ? 'created' : 'repeated', value };
}

/** Copies belong to no turn: nobody follows them, and deleting the original leaves them alone. */
function copyMessages(id: string, copies: [string, string][]): Statement {
  const rows = copies.map(([from, to], at) => [from, to, at + 1, copies[at - 1]?.[1] ?? null]);
  return {
    sql: `INSERT INTO messages (id, conversation_id, parent_id, depth, sequence_number, role, status, parts, text_length, model, input_tokens,
        output_tokens, tokens_estimated, finish_reason, is_refused, first_token_ms, duration_ms, created_at)
      SELECT copy.value ->> 1, c.id, copy.value ->> 3, copy.value ->> 2, copy.value ->> 2, m.role, m.status, m.parts, m.text_length, m.model, m.input_tokens,
        m.output_tokens, m.tokens_estimated, m.finish_reason, m.is_refused, m.first_token_ms, m.duration_ms, m.created_at
      FROM json_each(?) AS copy JOIN conversations c ON c.id = ? JOIN messages m ON m.id = copy.value ->> 0
      WHERE true ON CONFLICT DO NOTHING`,
    args: [JSON.stringify(rows), id],
  };
}
