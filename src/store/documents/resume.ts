/** How a draft is gone on with where an earlier try ended. */
import { ACTIVE } from './register.ts';
import type { Draft } from './write-chunks.ts';
import { NOW, type Database, type Statement } from '../database.ts';
import { beat, isRefusedByGuard } from './publish.ts';
import { number, type Row } from '../rows.ts';
import { BYTES_PER_NUMBER } from '../search/candidates.ts';
import type { DraftContent } from './state.ts';

/** What a document is said to be; null or undefined leaves it as it is. */
interface Description {
  url?: DraftContent['url'] | undefined;
  metadata?: DraftContent['metadata'] | undefined;
}

/** Chunks of a draft that are there. */
export interface StoredChunks {
  ordinals: ReadonlySet<number>;
  /** Of all their vectors; null where there are none. */
  dimension: number | null;
}

export const NONE_STORED: StoredChunks = { ordinals: new Set(), dimension: null };

/** Says it of a draft, and of its document where searches see nothing of that yet. */
function describeDraft({ documentId }: Draft, { url, metadata }: Description): Statement[] {
  const given = [url ?? null, metadata === undefined ? null : JSON.stringify(metadata)];
  const description = 'url = coalesce(?, url), metadata = coalesce(?, metadata)';
  return [
    {
      sql: `UPDATE document_drafts SET ${description} WHERE document_id = ?`,
      args: [...given, documentId],
    },
    {
      sql: `UPDATE documents SET ${description} WHERE id = ? AND version IS NULL`,
      args: [...given, documentId],
    },
  ];
}

/** Goes on with a draft that nobody is at work on, described anew. @returns what is there, undefined when somebody else was quicker */
export async function resumeDraft(
  db: Database,
  { draft, description, leaseMs }: { draft: Draft; description: Description; leaseMs: number },
): Promise<StoredChunks | undefined> {
  const { userId } = draft;
  const mine = `SELECT 1 FROM document_drafts p JOIN documents d ON d.id = p.document_id
    WHERE p.document_id = ? AND p.version = ? AND p.user_id = ? AND (d.status <> 'processing' OR p.heartbeat_at < ${NOW} - ?)`;
  const [guard, ...results] = await db
    .batch(
      [
        {
          sql: `SELECT json(coalesce((SELECT '1' WHERE EXISTS (${mine})), 'taken'))`,
          args: [draft.documentId, draft.version, userId, leaseMs],
        },
        beat(draft),
        { sql: ACTIVE, args: [draft.documentId, userId] },
        ...describeDraft(draft, description),
        {
          sql: `SELECT c.ordinal, length(v.embedding) / ${BYTES_PER_NUMBER} AS dimension
            FROM document_drafts p CROSS JOIN chunks c ON c.id BETWEEN p.version AND p.version + p.chunk_count - 1 JOIN chunk_vectors v ON v.id = c.id
            WHERE p.document_id = ? AND p.version = ?`,
          args: [draft.documentId, draft.version],
        },
      ],
      'write',
    )
    .catch((error: unknown) => {
      if (isRefusedByGuard(error)) return [];
      throw error;
    });
  if (!guard) return undefined;
  return storedFrom(results.at(-1)?.rows ?? []);
}

/** A try that was cut off while it put new vectors in place of others has left both: as good as none. */
function storedFrom(rows: readonly Row[]): StoredChunks {
  const [dimension, ...others] = new Set(rows.map((row) => number(row['dimension'])));
  if (dimension === undefined || others.length > 0) return NONE_STORED;
  return { ordinals: new Set(rows.map((row) => number(row['ordinal']))), dimension };
}
