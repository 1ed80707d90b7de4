/**
 * Embeds all documents again that another model embedded, or that have vectors of several dimensions. Each one's new vectors are made beside the old, which go on serving; when all are there, each user's
 * documents are switched at once. A run that is interrupted is gone on with by the next.
 */
import type { Embedder } from '../models/embeddings/registry.ts';
import type { Database } from '../store/database.ts';
import type { Space } from '../store/search/scope.ts';
import { readChunks } from '../store/documents/chunks.ts';
import { appendToDraft } from '../store/documents/write-draft.ts';
import {
  countOutdated,
  listOutdated,
  publishReindexed,
  startReindex,
  type Outdated,
} from '../store/documents/reindex.ts';
import { BATCH, embedChunks, EMBEDDING_LIMITS, refuseOtherDimension } from './ingest.ts';

export interface ReindexProgress {
  documents: number;
  chunks: number;
  /** Of all that there were when it began. */
  totalDocuments: number;
  totalChunks: number;
}

/** Documents that are looked up together. */
const PAGE = 50;
/** Documents that came while it ran are taken along, though not for ever. */
const MOST_ROUNDS = 10;

/**
 * @param leaseMs how long an ingest may be silent before it counts as interrupted
 * @returns how many documents were switched to the embedder's space
 * @throws ParleyError `model_…`, `database_unavailable`: what is done is kept for the next run
 */
export async function reindex(
  { db, embedder, leaseMs }: { db: Database; embedder: Embedder; leaseMs: number },
  onProgress: (progress: ReindexProgress) => void,
): Promise<number> {
  const space = await spaceOf(embedder);
  const total = await countOutdated(db, space);
  const progress = {
    documents: 0,
    chunks: 0,
    totalDocuments: total.documents,
    totalChunks: total.chunks,
  };
  for (let round = 0; round < MOST_ROUNDS; round++) {
    if ((await countOutdated(db, space)).documents === 0) break;
    for (let after = ''; ;) {
      const page = await listOutdated(db, space, { after, limit: PAGE, leaseMs });
      for (const document of page) {
        await embedAgain(document, { db, embedder, space }, (chunks) => {
          progress.chunks += chunks;
          onProgress(progress);
        });
        progress.documents++;
        onProgress(progress);
      }
      const last = page.at(-1);
      if (!last) break;
      after = last.id;
    }
    await publishReindexed(db, space);
  }
  return total.documents - (await countOutdated(db, space)).documents;
}

/** A model's dimension is known when it has embedded something. */
async function spaceOf(embedder: Embedder): Promise<Space> {
  const [vector] = await embedder.embed(['dimension'], {
    use: 'document',
    limits: EMBEDDING_LIMITS,
  });
  return { model: embedder.name, dimension: vector?.length ?? 0 };
}

async function embedAgain(
  document: Outdated,
  { db, embedder, space }: { db: Database; embedder: Embedder; space: Space },
  onChunks: (chunks: number) => void,
): Promise<void> {
  const { id: documentId, userId, title, chunkCount } = document;
  const draft = document.draft
    ? { documentId, userId, version: document.draft.version }
    : await startReindex(db, document, space);
  if (!draft) return;
  let done = document.draft?.done ?? 0;
  if (done > 0) onChunks(done);
  while (done < chunkCount) {
    const chunks = await readChunks(db, document.version, { from: done, limit: BATCH });
    // Replaced or deleted meanwhile: its new version comes up in the next round, if it still has to.
    if (chunks.length === 0) return;
    const rows = await embedChunks({ draft, title, embedder }, chunks);
    done += chunks.length;
    const { dimension } = space;
    refuseOtherDimension(rows, dimension);
    if (!(await appendToDraft(db, draft, { chunks: rows, done, dimension }))) return;
    onChunks(chunks.length);
  }
}
