/** Finding a message by its id alone. */
import type { Role } from '../../core/message.ts';
import type { Principal } from '../../core/principal.ts';
import type { Database } from '../database.ts';
import { isOwned, ownerArgs } from '../ownership.ts';
import { optionalText, text } from '../rows.ts';

/** Where a message is. */
export interface MessageAddress {
  id: string;
  conversationId: string;
  role: Role;
  parentId: string | null;
}

/** Finds a message by its id alone; undefined when there is none for this caller. */
export async function findMessage(
  db: Database,
  { id, principal }: { id: string; principal: Principal },
): Promise<MessageAddress | undefined> {
  const sql = `SELECT m.conversation_id, m.role, m.parent_id FROM messages m JOIN conversations c ON c.id = m.conversation_id
    WHERE m.id = ? AND ${isOwned('c.user_id')}`;
  const [found] = await db.batch([{ sql, args: [id, ...ownerArgs(principal)] }], 'read');
  const row = found?.rows[0];
  if (!row) return undefined;
  return {
    id,
    conversationId: text(row['conversation_id']),
    role: text(row['role']) === 'user' ? 'user' : 'assistant',
    parentId: optionalText(row['parent_id']),
  };
}
