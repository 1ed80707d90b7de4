/** Conditions that choose the documents of a search, which are always those of one user. */
import { and, eq, isNotNull, isNull, or, sql, type SQL } from 'drizzle-orm';
import type { MetadataFilter, MetadataValue } from '../../core/document.ts';
import type { ResultSet } from '../database.ts';
import { plain, query, type Given, type TypedStatement } from '../query.ts';
import { text } from '../rows.ts';
import { conversations, documents } from '../schema.ts';

export interface DocumentScope {
  userId: string;
  /**
   * `of`: the conversation's documents alone. `seenBy`: what a turn of that conversation may read,
   * its documents and those that the user keeps outside of any conversation.
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

/** Returns the condition on `documents` that they are in a scope, and searchable. */
export function isInScope(scope: DocumentScope): SQL | undefined {
  const { userId, conversation, documentIds, metadata } = scope;
  const { conversationId } = documents;
  return and(
    eq(documents.userId, userId),
    isNotNull(documents.version),
    conversation && 'of' in conversation ? eq(conversationId, conversation.of) : undefined,
    conversation && 'seenBy' in conversation
      ? or(isNull(conversationId), eq(conversationId, conversation.seenBy))
      : undefined,
    documentIds
      ? sql`${documents.id} in (select value from json_each(${JSON.stringify(documentIds)}))`
      : undefined,
    ...Object.entries(metadata ?? {}).map(([key, values]) => hasOneOf(key, values)),
  );
}

/** Compares JSON's types, too: to SQLite `true` and 1 are the same. */
function hasOneOf(key: string, values: readonly MetadataValue[]): SQL {
  const wanted = JSON.stringify(values);
  const kind = (row: SQL) => sql`case ${row}.type when 'integer' then 'real' else ${row}.type end`;
  const isWanted = (row: SQL) => sql`exists (select 1 from json_each(${wanted}) w
    where ${kind(sql`w`)} = ${kind(row)} and w.atom is ${row}.atom)`;
  return sql`exists (select 1 from json_each(${documents.metadata}) m where m.key = ${key}
    and (${isWanted(sql`m`)} or (m.type = 'array'
      and exists (select 1 from json_each(m.value) e where ${isWanted(sql`e`)}))))`;
}

/** Returns the condition on `documents` that their vectors are of a space. */
export function isOfSpace({ model, dimension }: Space): SQL | undefined {
  return and(eq(documents.embeddingModel, model), eq(documents.dimension, dimension));
}

interface OwnConversation {
  id: string;
  userId: string;
}

/** Selects one row where the conversation is the user's. */
export function selectOwnConversation({ id, userId }: OwnConversation | Given<'id' | 'userId'>) {
  return query
    .select({ id: conversations.id })
    .from(conversations)
    .where(and(eq(conversations.id, id), eq(conversations.userId, userId)));
}

/** Selects those of these languages in which a user has documents. */
export function selectLanguages<Language extends string>(
  userId: string,
  languages: readonly Language[],
): TypedStatement<Language[]> {
  const list = sql`json_each(${JSON.stringify(languages)})`;
  const has = query
    .select({ language: documents.language })
    .from(documents)
    .where(and(eq(documents.userId, userId), sql`${documents.language} = asked.value`));
  const statement = plain(sql`select asked.value from ${list} asked where exists ${has}`);
  const read = ({ rows }: ResultSet) => {
    const found = new Set(rows.map((row) => text(row['value'])));
    return languages.filter((language) => found.has(language));
  };
  return { ...statement, read };
}

/** Selects the spaces of the searchable documents in a scope. */
export function selectSpaces(scope: DocumentScope) {
  return query
    .selectDistinct({ model: documents.embeddingModel, dimension: documents.dimension })
    .from(documents)
    .where(isInScope(scope));
}
