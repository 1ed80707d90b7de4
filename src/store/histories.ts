/** Finds the place of a history by its hash, and stores a history that came from elsewhere. */
import { and, desc, eq, inArray, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/sqlite-core';
import type { Conversation, NewConversation } from '../core/conversation.ts';
import { estimateMessage } from '../core/context.ts';
import { isGreeting, questionParts, type Exchange } from '../core/exchange.ts';
import { newId } from '../core/ids.ts';
import type { Status } from '../core/message.ts';
import { contentOf, encodeParts, type FilePart, type Part } from '../core/parts.ts';
import { waitingCalls } from '../core/tool-calls.ts';
import { createConversation, type Created } from './conversations.ts';
import { noteFiles } from './files/message-files.ts';
import type { Database, Statement } from './database.ts';
import { batch, now, plain, query } from './query.ts';
import { conversations, messages, turns } from './schema.ts';
import { follows } from './tree/followers.ts';

/** A stored question with one of its answers. */
export interface StoredExchange {
  hash: string;
  conversationId: string;
  /** True in a conversation that is deleted after its only answer. */
  isTemporary: boolean;
  questionId: string;
  answer: {
    id: string;
    turnId: string | null;
    status: Status;
    parts: Part[];
    /** Milliseconds since its turn began, by the database's clock. */
    age: number;
    /** The hash of the request for it, where its client repeats requests by itself. */
    request: string | undefined;
    /** True where it was asked for as a response, whose client knows no conversation. */
    isResponse: boolean;
  };
}

const answers = alias(messages, 'answers');

/** Finds the user's questions that have one of these hashes, with their answers, newest first. */
export async function findExchanges(
  db: Database,
  { userId, hashes }: { userId: string; hashes: string[] },
): Promise<StoredExchange[]> {
  const select = query
    .select({
      hash: messages.historyHash,
      conversationId: messages.conversationId,
      isTemporary: conversations.isTemporary,
      questionId: messages.id,
      answer: {
        id: answers.id,
        turnId: answers.turnId,
        status: answers.status,
        parts: answers.parts,
        age: sql<number>`${now} - ${answers.createdAt}`,
      },
      parameters: turns.parameters,
    })
    .from(messages)
    // Cross joins keep the order of the tables: the hash is sought first.
    .crossJoin(conversations)
    .innerJoin(
      answers,
      follows(answers, {
        conversationId: messages.conversationId,
        parentId: messages.id,
        depth: sql`${messages.depth} + 1`,
      }),
    )
    .leftJoin(turns, eq(turns.id, answers.turnId))
    .where(
      and(
        inArray(messages.historyHash, hashes),
        eq(conversations.id, messages.conversationId),
        eq(conversations.userId, userId),
      ),
    )
    .orderBy(desc(answers.id));
  const [found] = await batch(db, [select], 'read');
  return found.map(({ hash, answer, parameters, ...exchange }) => ({
    ...exchange,
    hash: hash ?? '',
    answer: {
      ...answer,
      request: parameters?.request,
      isResponse: parameters?.shown !== undefined && !('conversation' in parameters.shown),
    },
  }));
}

/**
 * Makes a conversation that begins with a history, in one line.
 * @returns the conversation, whose head is the last answer
 */
export function createFromHistory(
  db: Database,
  { conversation, exchanges }: { conversation: NewConversation; exchanges: HashedExchange[] },
): Promise<Created<Conversation>> {
  const rows = exchanges.flatMap((exchange, at) => rowsOf(exchange, at === 0));
  const path = {
    length: rows.length,
    headMessageId: rows.at(-1)?.id ?? null,
    insert: [
      insertRows(conversation.id, rows),
      ...rows.flatMap((row) => filesOf(row, conversation.id)),
    ],
    condition: sql`true`,
  };
  return createConversation(db, { conversation, path });
}

/** An exchange with the hash of the history up to its question. */
export interface HashedExchange extends Omit<Exchange, 'files'> {
  hash: string;
  /** The files of the question. */
  kept: FilePart[];
}

function rowsOf({ answer, hash, kept, ...question }: HashedExchange, isFirst: boolean) {
  const said = answer ?? [];
  const reason = waitingCalls(said).length > 0 ? ('tool_calls' as const) : null;
  const answered = { ...rowOf('assistant', said), hash: null, reason };
  if (isFirst && kept.length === 0 && isGreeting(question)) return [answered];
  const asked = rowOf('user', [...kept, ...questionParts(question)]);
  return [{ ...asked, hash, reason: null }, answered];
}

function filesOf(
  { id: messageId, given: parts }: ReturnType<typeof rowOf>,
  conversationId: string,
): Statement[] {
  return noteFiles({ messageId, conversationId, parts });
}

function rowOf(role: 'user' | 'assistant', parts: Part[]) {
  const text = contentOf(parts);
  const tokens = estimateMessage({ role, parts });
  return {
    id: newId(),
    role,
    given: parts,
    parts: encodeParts(parts),
    length: text.length,
    tokens,
  };
}

/** Such messages belong to no turn: nobody ran one here. */
function insertRows(conversationId: string, rows: ReturnType<typeof rowsOf>): Statement {
  const given = rows.map((row, at) => [
    row.id,
    at + 1,
    rows[at - 1]?.id ?? null,
    row.role,
    row.parts,
    row.length,
    row.tokens,
    row.hash,
    row.reason,
  ]);
  const value = (index: number) => sql.raw(`given.value ->> ${index}`);
  return plain(sql`insert into ${messages}
      (id, conversation_id, role, status, sequence_number, parent_id, depth, parts, text_length,
        output_tokens, tokens_estimated, history_hash, finish_reason, created_at)
    select ${value(0)}, ${conversationId}, ${value(3)}, 'complete', ${value(1)}, ${value(2)},
        ${value(1)}, ${value(4)}, ${value(5)}, ${value(6)}, 1, ${value(7)}, ${value(8)}, ${now}
      from json_each(${JSON.stringify(given)}) as given`);
}
