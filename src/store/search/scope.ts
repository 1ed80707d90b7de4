/** Which documents a search or a list is about, as SQL. Always those of one owner. */
import type { candidateStatement } from './candidates.ts';
import type { ResultSet, Statement } from '../database.ts';
import { optionalNumber, optionalText, text } from '../rows.ts';

export type MetadataValue = string | number | boolean | null;

/** Metadata a document must have: each field one of these values, or a list that holds one of them. */
export type MetadataFilter = Record<string, readonly MetadataValue[]>;

export interface DocumentScope {
  userId: string;
  /**
   * `of`: the conversation's documents alone. `seenBy`: what a turn of that conversation may read, its documents and those that
   * the user keeps outside of any conversation.
   */
  conversation?: { of: string } | { seenBy: string } | undefined;
  documentIds?: readonly string[] | undefined;
  metadata?: MetadataFilter | undefined;
}

/** The embedding model and the length of its vectors: only vectors of one space can be compared. */
export interface Space {
  model: string;
  dimension: number;
}

interface Condition {
  sql: string;
  args: Statement['args'];
}

/** The condition on `documents d`. */
export function inScope({ userId, conversation, documentIds, metadata }: DocumentScope): Condition {
  const conditions: Condition[] = [{ sql: 'd.user_id = ?', args: [userId] }];
  if (conversation && 'of' in conversation)
    conditions.push({ sql: 'd.conversation_id = ?', args: [conversation.of] });
  if (conversation && 'seenBy' in conversation)
    conditions.push({
      sql: '(d.conversation_id IS NULL OR d.conversation_id = ?)',
      args: [conversation.seenBy],
    });
  if (documentIds)
    conditions.push({
      sql: 'd.id IN (SELECT value FROM json_each(?))',
      args: [JSON.stringify(documentIds)],
    });
  for (const [key, values] of Object.entries(metadata ?? {}))
    conditions.push(hasOneOf(key, values));
  return both(conditions);
}

function both(conditions: readonly Condition[]): Condition {
  return {
    sql: conditions.map(({ sql }) => sql).join(' AND '),
    args: conditions.flatMap(({ args }) => args),
  };
}

/** JSON's types are compared, too: to SQLite `true` and 1 are the same. */
function hasOneOf(key: string, values: readonly MetadataValue[]): Condition {
  const wanted = JSON.stringify(values);
  const kind = (row: string) => `CASE ${row}.type WHEN 'integer' THEN 'real' ELSE ${row}.type END`;
  const same = (row: string) =>
    `EXISTS (SELECT 1 FROM json_each(?) w WHERE ${kind('w')} = ${kind(row)} AND w.atom IS ${row}.atom)`;
  return {
    sql: `EXISTS (SELECT 1 FROM json_each(d.metadata) m WHERE m.key = ? AND (${same('m')} OR (m.type = 'array' AND
      EXISTS (SELECT 1 FROM json_each(m.value) e WHERE ${same('e')}))))`,
    args: [key, wanted, wanted],
  };
}

/** One row where the conversation is the user's. */
export function ownConversation({ id, userId }: { id: string; userId: string }): Statement {
  return { sql: 'SELECT 1 FROM conversations WHERE id = ? AND user_id = ?', args: [id, userId] };
}

/** The spaces of the searchable documents in a scope. */
export function spacesStatement(scope: DocumentScope): Statement {
  const { sql, args } = inScope(scope);
  return {
    sql: `SELECT DISTINCT d.embedding_model, d.dimension FROM documents d WHERE ${sql} AND d.version IS NOT NULL`,
    args,
  };
}

/** The rows of `spacesStatement`. */
export function spaces({ rows }: ResultSet): Space[] {
  return rows.flatMap((row) => {
    const model = optionalText(row['embedding_model']);
    const dimension = optionalNumber(row['dimension']);
    return model === null || dimension === null ? [] : [{ model, dimension }];
  });
}

/**
 * A search's statement that sees only the documents of a scope, and of one space where one is given: the name `documents` in it stands for those
 * (SQLite looks for a name among the common table expressions first). Each row has the document's `url` besides.
 */
export function scopedSearch(
  search: ReturnType<typeof candidateStatement>,
  scope: DocumentScope,
  space: Space | undefined,
): Statement {
  const conditions = [inScope(scope)];
  if (space)
    conditions.push({
      sql: 'd.embedding_model = ? AND d.dimension = ?',
      args: [space.model, space.dimension],
    });
  const { sql, args } = both(conditions);
  return {
    sql: `WITH documents AS NOT MATERIALIZED (SELECT * FROM main.documents d WHERE ${sql})
      SELECT found.*, seen.url FROM (${search.sql}) found JOIN main.documents seen ON seen.id = found.document_id`,
    args: [...args, ...search.args],
  };
}

/** The documents that a search found, by their ids. */
export function documentsIn({
  rows,
}: ResultSet): Map<string, { title: string; url: string | null }> {
  return new Map(
    rows.map((row) => [
      text(row['document_id']),
      { title: text(row['title']), url: optionalText(row['url']) },
    ]),
  );
}
