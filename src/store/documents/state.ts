/** A document as it stands, with the draft that may replace it. */
import { and, eq } from 'drizzle-orm';
import type { Document } from '../../core/document.ts';
import type { Principal } from '../../core/principal.ts';
import type { Database } from '../database.ts';
import { selectFingerprint, type Key } from '../idempotency-keys.ts';
import { ownedBy, ownerOf } from '../ownership.ts';
import { batch, prepare, type Given } from '../query.ts';
import { documents } from '../schema.ts';
import type { Draft } from './chunks.ts';
import { documentFrom, selectDocuments, type DocumentRow } from './documents.ts';

export interface DocumentState {
  document: Document;
  draft: (Draft & NonNullable<DocumentRow['draft']>) | undefined;
  /** True while somebody is at work on it. */
  isBusy: boolean;
}

/** Makes the state of a document of its row. */
export function stateFrom(row: DocumentRow): DocumentState {
  const document = documentFrom(row);
  const { id: documentId, userId } = document;
  return {
    document,
    isBusy: document.status === 'processing',
    draft: row.draft ? { documentId, userId, ...row.draft } : undefined,
  };
}

const selectState = prepare(({ id, owner, leaseMs }: Given<'id' | 'owner' | 'leaseMs'>) =>
  selectDocuments(leaseMs).where(and(eq(documents.id, id), ownedBy(documents.userId, owner))),
);

interface StateRequest {
  id: string;
  principal: Principal;
  leaseMs: number;
  idempotency?: Key | undefined;
}

/** Reads a document's state, and the fingerprint of the request that the key was first used for. */
export async function readDocumentState(
  db: Database,
  { id, principal, leaseMs, idempotency }: StateRequest,
): Promise<{ state: DocumentState | undefined; fingerprint: string | undefined }> {
  const key = idempotency ?? { scope: '', key: '' };
  const [[row], [known]] = await batch(
    db,
    [selectState({ id, owner: ownerOf(principal), leaseMs }), selectFingerprint(key)],
    'read',
  );
  return { state: row && stateFrom(row), fingerprint: known?.fingerprint };
}
