/** Tidies up what crashes have left behind: at the start of a server, and now and then. */
import { deleteConversation, findLeftBehind } from '../store/conversations.ts';
import type { Database } from '../store/database.ts';

/** Deletes the conversations that were made for one answer, whose turn is over. */
export async function forgetLeftBehind(db: Database): Promise<void> {
  for (const { id, userId } of await findLeftBehind(db))
    await deleteConversation(db, { id, principal: { kind: 'anyone', userId } });
}
