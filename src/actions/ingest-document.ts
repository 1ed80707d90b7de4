/** Ingests documents, by the rules that hold for every API. */
import type { Document } from '../core/document.ts';
import { notFound, ParleyError } from '../core/errors.ts';
import { keyIdOf, requireUserId } from '../core/principal.ts';
import { estimateTokens } from '../core/tokens.ts';
import { acceptDocument, type DocumentFields, type Ingest } from '../documents/accept.ts';
import type { Sent } from '../documents/extract.ts';
import {
  followIngest,
  runIngest,
  type IngestDependencies,
  type OnProgress,
} from '../documents/ingest.ts';
import type { ActionContext } from './context.ts';
import { requireRoomToEmbed } from './require-budget.ts';

/** A document as a client sends it, with its fields and the key of the request. */
export interface DocumentInput extends DocumentFields {
  sent: Sent;
}

export interface IngestRun {
  /** The document as it is before the work. */
  document: Document;
  /**
   * Does the rest of the ingest and returns the finished document. The work goes on when the client
   * leaves. To be called once.
   * @throws ParleyError `not_found` when the document was deleted meanwhile, or the error that the
   * ingest ended with
   */
  work: (onProgress?: OnProgress) => Promise<Document>;
}

/**
 * Extracts the text of a document and registers it for the caller.
 * @throws ParleyError `invalid_request` when the request names no user, and as `Prepare` and
 * {@link acceptDocument} do
 */
export async function ingestDocument(
  context: ActionContext,
  { sent, ...fields }: DocumentInput,
): Promise<IngestRun> {
  const { principal, dependencies } = context;
  // Checked first: reading the document is the expensive part.
  requireUserId(principal);
  const prepared = await dependencies.prepare(sent);
  await requireRoomToEmbed(context, estimateTokens(prepared.text));
  const ingestDependencies = dependenciesOf(context);
  const ingest = await acceptDocument({ ...fields, principal, prepared }, ingestDependencies);
  return {
    document: ingest.document,
    work: (onProgress) => {
      const work = finish(ingest, ingestDependencies, onProgress);
      dependencies.defer(work.catch(() => undefined));
      return work;
    },
  };
}

function dependenciesOf({ principal, dependencies }: ActionContext): IngestDependencies {
  const { db, embeddings, prices, config, log } = dependencies;
  const keyId = keyIdOf(principal);
  return { db, embeddings, prices, keyId, log, leaseMs: config.TURN_LEASE_MS };
}

async function finish(
  ingest: Ingest,
  ingestDependencies: IngestDependencies,
  onProgress?: OnProgress,
): Promise<Document> {
  const { document } = ingest;
  switch (ingest.kind) {
    case 'known':
      return document;
    case 'accepted': {
      const ingested = await runIngest(ingest.job, ingestDependencies, onProgress);
      // Another replacement of the same document has overtaken this one; its end is awaited.
      const isOvertaken = ingested.status === 'processing';
      return completed(
        isOvertaken ? await followIngest(ingested.id, ingestDependencies) : ingested,
      );
    }
    case 'elsewhere':
      return completed(await followIngest(document.id, ingestDependencies, onProgress));
  }
}

function completed(document: Document | undefined): Document {
  if (!document) throw notFound('Document');
  if (document.status === 'failed' && document.error) throw new ParleyError(document.error);
  return document;
}
