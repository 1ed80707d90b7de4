/** Reads a chunk with those before and after it. */
import { plain, type TypedStatement } from '../query.ts';
import { sql } from 'drizzle-orm';
import { documents } from '../schema.ts';
import { foundChunk, type FoundChunk } from './found-chunk.ts';
import { chunks } from './tables.ts';

/**
 * Selects a chunk of a user and as many before and after it as `around`, in their order. Of a
 * document that was replaced, only the chunks of the present version are found.
 */
export function selectSurroundings({
  userId,
  id,
  around,
}: {
  userId: string;
  id: number;
  around: number;
}): TypedStatement<FoundChunk[]> {
  const statement = plain(sql`select ${chunks.id}, ${chunks.documentId}, ${documents.title},
      ${documents.url}, ${chunks.text}, ${chunks.headings}, ${chunks.ordinal},
      ${chunks.startOffset}, ${chunks.endOffset}, ${documents.updatedAt}
    from ${chunks} named
    cross join ${documents} on ${documents.id} = named.document_id
      and ${documents.userId} = ${userId} and ${documents.version} = named.version
    cross join ${chunks} on ${chunks.id} between ${id - around} and ${id + around}
      and ${chunks.version} = named.version
    where named.id = ${id}
    order by ${chunks.id}`);
  return { ...statement, read: ({ rows }) => rows.map(foundChunk) };
}
