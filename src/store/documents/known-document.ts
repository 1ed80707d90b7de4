/** Finds the document that a request for a new one is about already. */
import { and, eq, exists, isNull, sql, type SQL } from 'drizzle-orm';
import { knownResource, selectFingerprint, type Key } from '../idempotency-keys.ts';
import { now, prepare, query, type Given, type Results } from '../query.ts';
import { documents } from '../schema.ts';
import { selectOwnConversation } from '../search/scope.ts';
import { selectDocuments } from './documents.ts';
import type { DraftContent } from './drafts.ts';
import { stateFrom, type DocumentState } from './state.ts';

export interface NewDocument extends DraftContent {
  id: string;
  userId: string;
  conversationId: string | null;
}

export type Registered =
  | { kind: 'known' | 'created'; state: DocumentState }
  | { kind: 'key_reused' }
  /** The same request was made before, and its document has been deleted since. */
  | { kind: 'deleted' }
  | { kind: 'no_conversation' };

type Sought = 'userId' | 'conversationId' | 'contentHash' | 'title' | 'scope' | 'key';

/** A key that is nobody's, where a request has none. */
export const NO_KEY = { scope: '', key: '' };

/** Selects the document that the key made, or the one with the same text and title there. */
function knownId(given: Given<Sought>): SQL {
  return sql`coalesce(${knownResource(given)}, ${selectSame(given)})`;
}

/**
 * Selects the document with the same text and title in the same place. A plus keeps a column from
 * choosing the index: by place or by id it would go through all documents that are there.
 */
export function selectSame({
  userId,
  contentHash,
  title,
  conversationId,
}: Given<Exclude<Sought, 'scope' | 'key'>> | NewDocument) {
  const isHere = sql`+${documents.conversationId} is ${conversationId}`;
  const isSame = and(eq(documents.contentHash, contentHash), eq(documents.title, title), isHere);
  return query
    .select({ id: documents.id })
    .from(documents)
    .where(and(eq(documents.userId, userId), isSame))
    .orderBy(sql`+${documents.id}`)
    .limit(1);
}

/** Returns the condition that a document is not known and may be where it is to be. */
export function isNewThere(given: Given<Sought>): SQL | undefined {
  const { conversationId, userId } = given;
  const conversation = selectOwnConversation({ id: conversationId, userId });
  const mayBeThere = sql`(${conversationId} is null or ${exists(conversation)})`;
  return and(isNull(knownId(given)), mayBeThere);
}

type Said = Exclude<keyof DraftContent, 'chunkCount' | 'embeddingModel' | 'analysis' | 'text'>;
/** The values that a new document's row takes, and those by which a known one is sought. */
export type NewRow = Said | Sought | 'id';

/** Returns the columns that a new document's row has from the request, and the times. */
export function newRow(given: Given<NewRow>) {
  const { id, userId, conversationId, title, url, mimeType, metadata, contentHash } = given;
  const { size, charset, language } = given;
  return {
    ...{ id, userId, conversationId, title, url, mimeType, metadata, contentHash, size, charset },
    language,
    ...{ error: null, createdAt: now, updatedAt: now },
  };
}

const selectPlace = prepare((given: Given<'id' | 'userId'>) => selectOwnConversation(given));

const selectKnown = prepare((given: Given<Sought | 'leaseMs'>) =>
  selectDocuments(given.leaseMs).where(
    and(eq(documents.id, knownId(given)), eq(documents.userId, given.userId)),
  ),
);

/** Returns the statements that read what became of a new document, for {@link registered}. */
export function selectRegistered(
  document: NewDocument,
  { leaseMs, idempotency }: { leaseMs: number; idempotency?: Key | undefined },
) {
  const { userId, conversationId } = document;
  const key = idempotency ?? NO_KEY;
  return [
    selectFingerprint(key),
    selectPlace({ id: conversationId ?? '', userId }),
    selectKnown({ ...document, ...NO_KEY, ...idempotency, leaseMs }),
  ] as const;
}

/** Reads what became of a new document. */
export function registered(
  [[key], [place], [row]]: Results<ReturnType<typeof selectRegistered>>,
  { id, conversationId }: NewDocument,
  idempotency: Key | undefined,
): Registered {
  if (key && key.fingerprint !== idempotency?.fingerprint) return { kind: 'key_reused' };
  if (row) {
    const state = stateFrom(row);
    return { kind: state.document.id === id ? 'created' : 'known', state };
  }
  if (conversationId !== null && !place) return { kind: 'no_conversation' };
  if (key) return { kind: 'deleted' };
  throw new TypeError('a document was neither made nor found');
}
