/** A history is the same however it is found: by the numbers of a line, or by climbing a tree. */
import { expect, it } from 'vitest';
import { newId } from '../../../../src/core/ids.ts';
import { contentOf } from '../../../../src/core/parts.ts';
import { text } from '../../../../src/store/rows.ts';
import { HISTORY, historyArgs, historyFrom } from '../../../../src/store/turns/claim-history.ts';
import { migratedDatabase } from '../migrated-database.ts';

const db = migratedDatabase();

/** The messages of a line, a letter each: `q` and `a` count, upper case does not. */
const LINE = 'qaqAqaQaqaqaqAqaq';

async function storeLine(conversationId: string): Promise<string> {
  const ids = Array.from(LINE, () => newId());
  const messages = Array.from(LINE, (letter, at) => ({
    sql: `INSERT INTO messages (id, conversation_id, role, status, is_refused, sequence_number, parent_id, depth, parts, text_length, tokens_estimated, created_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 1, 1)`,
    args: [
      ids[at] ?? '',
      conversationId,
      /q/i.test(letter) ? 'user' : 'assistant',
      letter === 'A' ? 'failed' : 'complete',
      letter === 'Q' ? 1 : 0,
      at + 1,
      ids[at - 1] ?? null,
      at + 1,
      JSON.stringify({ type: 'text', text: letter + String(at + 1) }),
    ],
  }));
  const conversation = {
    sql: `INSERT INTO conversations (id, user_id, mode, message_count, last_sequence_number, created_at, updated_at)
      VALUES (?, 'ann', 'open', ?, ?, 1, 1)`,
    args: [conversationId, LINE.length, LINE.length],
  };
  await db.batch([conversation, ...messages], 'write');
  return ids.at(-1) ?? '';
}

async function historyOf(conversationId: string, promptId: string, window: number) {
  const args = [...historyArgs(promptId, window), conversationId];
  const sql = `SELECT ${HISTORY} AS history FROM conversations c WHERE c.id = ?`;
  const [found] = await db.batch([{ sql, args }], 'read');
  const history = historyFrom(text(found?.rows[0]?.['history']));
  return history.map(({ role, parts }) => `${role} ${contentOf(parts)}`);
}

it('a line has the history that climbing finds', async () => {
  const id = newId();
  const promptId = await storeLine(id);
  const windows = [1, 2, 5, 12, 20];
  const ofLine = await Promise.all(windows.map((window) => historyOf(id, promptId, window)));
  expect(ofLine[2]).toEqual(['assistant a12', 'user q13', 'user q15', 'assistant a16', 'user q17']);
  // A message that was made beside the line, and deleted since: it is a line no more.
  const grown = 'UPDATE conversations SET last_sequence_number = last_sequence_number + 1';
  await db.batch([{ sql: grown, args: [] }], 'write');
  const climbed = await Promise.all(windows.map((window) => historyOf(id, promptId, window)));
  expect(climbed).toEqual(ofLine);
});
