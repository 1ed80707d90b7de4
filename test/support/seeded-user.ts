/** Puts a user with many conversations, the newest of them long, straight into a database. */
import { openBesideServer } from './whole-database.ts';

export interface SeededUser {
  databaseUrl: string;
  user: string;
  /** How many conversations; `Talk number 0` is the oldest. */
  conversations: number;
  /** How many messages the newest has. */
  messages: number;
  /** Returns the text of a message by its number, from 1. */
  text: (at: number) => string;
}

/** Ids in the order of their numbers. */
const idOf = (prefix: string, at: number) =>
  `019ac3a1-${prefix}-7000-8000-${at.toString(16).padStart(12, '0')}`;

/** Rows that one statement takes. */
const AT_ONCE = 500;

/** Writes the user's conversations. @returns the id of the newest */
export async function seedUser(given: SeededUser): Promise<string> {
  const { databaseUrl, user, conversations, messages, text } = given;
  const prefix = user.slice(-4);
  const newest = idOf(prefix, conversations - 1);
  const messageId = (at: number) => `'${idOf('aaaa', at)}${prefix}'`;
  await insert(databaseUrl, {
    into: 'conversations (id, user_id, title, mode, message_count, last_sequence_number, head_message_id, created_at, updated_at)',
    count: conversations,
    row(at) {
      const count = at === conversations - 1 ? messages : 0;
      const head = count > 0 ? messageId(count) : 'NULL';
      const time = 1_700_000_000_000 + at * 60_000;
      return `('${idOf(prefix, at)}','${user}','Talk number ${at}','open',${count},${count},${head},${time},${time})`;
    },
  });
  await insert(databaseUrl, {
    into: 'messages (id, conversation_id, parent_id, depth, role, status, sequence_number, parts, text_length, created_at)',
    count: messages,
    row(index) {
      const at = index + 1;
      const role = at % 2 === 1 ? 'user' : 'assistant';
      const parent = at === 1 ? 'NULL' : messageId(at - 1);
      const content = text(at);
      const parts = JSON.stringify({ type: 'text', text: content }).replaceAll("'", "''");
      return `(${messageId(at)},'${newest}',${parent},${at},'${role}','complete',${at},'${parts}',${content.length},1700000000000)`;
    },
  });
  return newest;
}

async function insert(
  url: string,
  { into, count, row }: { into: string; count: number; row: (at: number) => string },
): Promise<void> {
  const client = openBesideServer(url);
  for (let from = 0; from < count; from += AT_ONCE) {
    const rows = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, at) => row(from + at));
    await client.execute(`INSERT INTO ${into} VALUES ${rows.join(',')}`);
  }
  client.close();
}
