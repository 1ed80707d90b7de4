/** A document as it stands, with the draft that may replace it. */
import type { Document, DocumentContent } from '../../core/document.ts';
import type { Draft } from './write-chunks.ts';
import type { Database } from '../database.ts';
import { documentFrom, selectDocuments } from './documents.ts';
import { selectFingerprint, type Key } from '../idempotency-keys.ts';
import { number, optionalNumber, optionalText, type Row } from '../rows.ts';

/** What is to be ingested. */
export interface DraftContent extends DocumentContent {
  /** `provider/model` of the vectors to come. */
  embeddingModel: string;
  chunkCount: number;
}

/** A document as it stands, with what is known of its draft. */
export interface Standing {
  document: Document;
  draft:
    | (Draft &
        Pick<DraftContent, 'title' | 'contentHash' | 'chunkCount'> & {
          embeddingModel: string | null;
        })
    | undefined;
  /** True while somebody is at work on it. */
  isBusy: boolean;
}

/** Read with a document, for {@link standingFrom}. */
export const DRAFT_COLUMNS = `, p.version AS draft_version, p.title AS draft_title, p.content_hash AS draft_hash, p.embedding_model AS draft_model`;

export function standingFrom(row: Row): Standing {
  const document = documentFrom(row);
  const version = optionalNumber(row['draft_version']);
  const { id: documentId } = document;
  return {
    document,
    isBusy: document.status === 'processing',
    draft:
      version === null
        ? undefined
        : {
            documentId,
            userId: document.userId,
            version,
            title: optionalText(row['draft_title']) ?? '',
            contentHash: optionalText(row['draft_hash']) ?? '',
            chunkCount: number(row['total']),
            embeddingModel: optionalText(row['draft_model']),
          },
  };
}

/** A document and its draft by id, and the fingerprint of the request that the key was first used for. */
export async function readStanding(
  db: Database,
  {
    id,
    userId,
    leaseMs,
    idempotency,
  }: { id: string; userId: string; leaseMs: number; idempotency?: Key | undefined },
): Promise<{ standing: Standing | undefined; fingerprint: string | null }> {
  const [found, known] = await db.batch(
    [
      selectDocuments('d.id = ? AND d.user_id = ?', [id, userId], leaseMs, DRAFT_COLUMNS),
      ...(idempotency ? [selectFingerprint(idempotency)] : []),
    ],
    'read',
  );
  const row = found?.rows[0];
  return {
    standing: row && standingFrom(row),
    fingerprint: optionalText(known?.rows[0]?.['fingerprint']),
  };
}
