/**
 * Updates documents that another model has embedded, that have vectors of several dimensions, or
 * whose chunks and words an earlier version made: splits and embeds their text again. The old
 * chunks keep serving meanwhile. When all new chunks are there, each user's documents are switched
 * at once. An interrupted run is resumed by the next one.
 */
import type { Embedder } from '../models/embeddings/registry.ts';
import type { PriceTable } from '../core/prices.ts';
import type { Database } from '../store/database.ts';
import type { Space } from '../store/search/scope.ts';
import { appendToDraft } from '../store/documents/write-draft.ts';
import {
  countOutdated,
  listOutdated,
  publishReindexed,
  readVersion,
  startReindex,
  type Outdated,
  type Target,
} from '../store/documents/reindex.ts';
import { languageOf } from '../text/languages.ts';
import { ANALYSIS_VERSION } from './analysis.ts';
import { BATCH, embedChunks, EMBEDDING_LIMITS, refuseOtherDimension } from './ingest.ts';
import { EmbeddingCalls } from './ingest-calls.ts';
import { split } from './split.ts';

export interface ReindexProgress {
  documents: number;
  chunks: number;
  /** The number of all documents at the start. */
  totalDocuments: number;
  totalChunks: number;
}

/** Documents that are looked up together. */
const PAGE = 50;
/** Most rounds of a run. Each round includes the documents that arrived during the one before. */
const MOST_ROUNDS = 10;

/**
 * Reindexes all documents that need it.
 * @param leaseMs how long an ingest may be silent before it counts as interrupted
 * @returns how many documents were switched to the embedder's space
 * @throws ParleyError `model_…`, `database_unavailable`; the next run continues from there
 */
export async function reindex(
  {
    db,
    embedder,
    prices,
    leaseMs,
  }: { db: Database; embedder: Embedder; prices: PriceTable; leaseMs: number },
  onProgress: (progress: ReindexProgress) => void,
): Promise<number> {
  // The operator asks for it, so it is on no user's account.
  const calls = new EmbeddingCalls('', prices);
  const target = { ...(await spaceOf(embedder, calls)), analysis: ANALYSIS_VERSION };
  const total = await countOutdated(db, target);
  const progress = {
    documents: 0,
    chunks: 0,
    totalDocuments: total.documents,
    totalChunks: total.chunks,
  };
  for (let round = 0; round < MOST_ROUNDS; round++) {
    if ((await countOutdated(db, target)).documents === 0) break;
    for (let after = ''; ;) {
      const page = await listOutdated(db, target, { after, limit: PAGE, leaseMs });
      for (const document of page) {
        await embedAgain(document, { db, embedder, target, calls }, (chunks) => {
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
    await publishReindexed(db, target);
  }
  return total.documents - (await countOutdated(db, target)).documents;
}

/** Returns the embedder's space. A model's dimension is known once it has embedded something. */
async function spaceOf(embedder: Embedder, calls: EmbeddingCalls): Promise<Space> {
  const [vector] = await embedder.embed(['dimension'], {
    use: 'document',
    limits: EMBEDDING_LIMITS,
    onCall: calls.add,
  });
  return { model: embedder.name, dimension: vector?.length ?? 0 };
}

async function embedAgain(
  document: Outdated,
  {
    db,
    embedder,
    target,
    calls,
  }: { db: Database; embedder: Embedder; target: Target; calls: EmbeddingCalls },
  onChunks: (chunks: number) => void,
): Promise<void> {
  const { id: documentId, userId, title } = document;
  const read = await readVersion(db, document);
  // It was replaced or deleted meanwhile. The next round finds the new version if it is outdated
  // too.
  if (!read) return;
  const language = document.language ?? (await languageOf(read.text));
  const chunks = split(read.text, { mimeType: read.mimeType });
  const begun = document.draft?.chunkCount === chunks.length ? document.draft : undefined;
  const draft = begun
    ? { documentId, userId, version: begun.version }
    : await startReindex(db, document, { ...target, language, chunkCount: chunks.length });
  if (!draft) return;
  let done = begun?.done ?? 0;
  if (done > 0) onChunks(done);
  while (done < chunks.length) {
    const batch = chunks
      .slice(done, done + BATCH)
      .map((chunk, at) => ({ ...chunk, ordinal: done + at }));
    const rows = await embedChunks({ title, language, embedder, onCall: calls.add }, batch);
    done += batch.length;
    const { dimension } = target;
    refuseOtherDimension(rows, dimension);
    const progress = { chunks: rows, done, dimension, calls: calls.pending };
    if (!(await appendToDraft(db, draft, progress))) return;
    calls.stored();
    onChunks(batch.length);
  }
}
