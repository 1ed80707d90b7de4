/** Conditions that choose the documents of a search, which are always those of one user. */
import { and, eq, isNotNull, isNull, or, sql, type Placeholder, type SQL } from 'drizzle-orm';
import type { MetadataFilter } from '../../core/document.ts';
import type { ResultSet } from '../database.ts';
import { formed, query, type Given, type Places, type TypedStatement } from '../query.ts';
import { optionalNumber, optionalText, text } from '../rows.ts';
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

/** The space of a document is known once its first vectors are stored. */
export type KnownSpace = { [Name in keyof Space]: Space[Name] | null };

/** Returns what conditions on a scope look like: those of one form differ in their values alone. */
export function formOf({ conversation, documentIds, metadata }: DocumentScope): string {
  const kind = conversation && ('of' in conversation ? 'of' : 'seenBy');
  return [kind, documentIds && 'ids', Object.keys(metadata ?? {}).length].join();
}

/** Returns the values of a scope, by the names that {@link isInScope} gives them. */
export function valuesOf(scope: DocumentScope): Record<string, unknown> {
  const { userId, conversation, documentIds, metadata } = scope;
  const values: Record<string, unknown> = { userId, documentIds: JSON.stringify(documentIds) };
  if (conversation)
    values['conversation'] = 'of' in conversation ? conversation.of : conversation.seenBy;
  Object.entries(metadata ?? {}).forEach(([key, wanted], at) => {
    values[`key${at}`] = key;
    values[`wanted${at}`] = JSON.stringify(wanted);
  });
  return values;
}

/** Returns the condition on `documents` that they are in a scope, and searchable. */
export function isInScope(scope: DocumentScope, given: Places): SQL | undefined {
  const { conversation, documentIds, metadata } = scope;
  const { conversationId } = documents;
  return and(
    eq(documents.userId, given('userId')),
    isNotNull(documents.version),
    conversation && 'of' in conversation ? eq(conversationId, given('conversation')) : undefined,
    conversation && 'seenBy' in conversation
      ? or(isNull(conversationId), eq(conversationId, given('conversation')))
      : undefined,
    documentIds
      ? sql`${documents.id} in (select value from json_each(${given('documentIds')}))`
      : undefined,
    ...Object.keys(metadata ?? {}).map((_, at) =>
      hasOneOf(given(`key${at}`), given(`wanted${at}`)),
    ),
  );
}

/** Compares JSON's types, too: to SQLite `true` and 1 are the same. */
function hasOneOf(key: Placeholder, wanted: Placeholder): SQL {
  const kind = (row: SQL) => sql`case ${row}.type when 'integer' then 'real' else ${row}.type end`;
  const isWanted = (row: SQL) => sql`exists (select 1 from json_each(${wanted}) w
    where ${kind(sql`w`)} = ${kind(row)} and w.atom is ${row}.atom)`;
  return sql`exists (select 1 from json_each(${documents.metadata}) m where m.key = ${key}
    and (${isWanted(sql`m`)} or (m.type = 'array'
      and exists (select 1 from json_each(m.value) e where ${isWanted(sql`e`)}))))`;
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
  const statement = formed('languages', writeLanguages, {
    userId,
    languages: JSON.stringify(languages),
  });
  const read = ({ rows }: ResultSet) => {
    const found = new Set(rows.map((row) => text(row['value'])));
    return languages.filter((language) => found.has(language));
  };
  return { ...statement, read };
}

function writeLanguages(given: Places): SQL {
  const has = query
    .select({ language: documents.language })
    .from(documents)
    .where(and(eq(documents.userId, given('userId')), sql`${documents.language} = asked.value`));
  return sql`select asked.value from json_each(${given('languages')}) asked where exists ${has}`;
}

/** Selects the spaces of the searchable documents in a scope; null until it is known. */
export function selectSpaces(scope: DocumentScope): TypedStatement<KnownSpace[]> {
  const write = (given: Places) => sql`select distinct ${documents.embeddingModel} as model,
    ${documents.dimension} as dimension from ${documents} where ${isInScope(scope, given)}`;
  const statement = formed(`spaces ${formOf(scope)}`, write, valuesOf(scope));
  return { ...statement, read: readSpaces };
}

function readSpaces({ rows }: ResultSet): KnownSpace[] {
  return rows.map(({ model, dimension }) => ({
    model: optionalText(model),
    dimension: optionalNumber(dimension),
  }));
}
