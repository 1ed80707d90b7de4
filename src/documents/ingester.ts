/** Takes documents in, from what a client sends to the document that searches find. */
import type { Document } from '../core/document.ts';
import { notFound, ParleyError } from '../core/errors.ts';
import { keyIdOf, type Principal } from '../core/principal.ts';
import { estimateTokens } from '../core/tokens.ts';
import type { OnEmbeddingCall } from '../models/embeddings/registry.ts';
import { acceptDocument, type DocumentFields, type Ingest } from './accept.ts';
import { correctLanguage } from './correct-language.ts';
import type { Sent } from './extract.ts';
import { followIngest, runIngest, type IngestDependencies, type OnProgress } from './ingest.ts';
import type { Prepare } from './prepare.ts';

/** A document as a client sends it, with its fields and the key of the request. */
export interface DocumentInput extends DocumentFields {
  /** The document's owner; it must name a user. */
  principal: Principal;
  sent: Sent;
}

export interface IngestRun {
  /** The document as it is before the work. */
  document: Document;
  /**
   * Does the rest of the ingest and returns the finished document. To be called once, and at once.
   * @throws ParleyError `not_found` when the document was deleted meanwhile, or the error that the
   * ingest ended with
   */
  work: (onProgress?: OnProgress) => Promise<Document>;
}

/** Ingests documents. A host may do it in another thread. */
export interface Ingester {
  /**
   * Extracts the text of a document and registers it.
   * @param onCall called for each call of the embedding service
   * @throws ParleyError as `Prepare` and {@link acceptDocument} do
   */
  ingest(input: DocumentInput, onCall?: OnEmbeddingCall): Promise<IngestRun>;
  /**
   * Gives a document a language, once its ingest is done; null finds it in the text again.
   * @throws ParleyError `not_found`, or `invalid_request` when searches see nothing of it
   */
  correctLanguage(
    document: Pick<Document, 'id' | 'userId'>,
    language: string | null,
  ): Promise<Document>;
}

export interface IngesterServices extends IngestDependencies {
  /** Extracts the text of a document and splits it. */
  prepare: Prepare;
  /**
   * Makes sure that a user's limits have room for a text.
   * @throws ParleyError `quota_exceeded`, `rate_limited`
   */
  requireRoom: (principal: Principal, tokens: number) => Promise<void>;
}

/** Creates the ingester that does its work where it is called. */
export function createIngester({ prepare, requireRoom, ...services }: IngesterServices): Ingester {
  return {
    correctLanguage: ({ id }, language) => correctLanguage(id, language, services),
    async ingest({ sent, ...fields }, onCall) {
      const prepared = await prepare(sent);
      await requireRoom(fields.principal, estimateTokens(prepared.text));
      const dependencies = { ...services, onCall, keyId: keyIdOf(fields.principal) };
      const ingest = await acceptDocument({ ...fields, prepared }, dependencies);
      return {
        document: ingest.document,
        work: (onProgress) => finish(ingest, dependencies, onProgress),
      };
    },
  };
}

async function finish(
  ingest: Ingest,
  dependencies: IngestDependencies,
  onProgress?: OnProgress,
): Promise<Document> {
  const { document } = ingest;
  switch (ingest.kind) {
    case 'known':
      return document;
    case 'stored':
      onProgress?.({ done: document.chunkCount, total: document.chunkCount });
      return document;
    case 'accepted': {
      const ingested = await runIngest(ingest.job, dependencies, onProgress);
      // Another replacement of the same document has overtaken this one; its end is awaited.
      const isOvertaken = ingested.status === 'processing';
      return completed(isOvertaken ? await followIngest(ingested.id, dependencies) : ingested);
    }
    case 'elsewhere':
      return completed(await followIngest(document.id, dependencies, onProgress));
  }
}

function completed(document: Document | undefined): Document {
  if (!document) throw notFound('Document');
  if (document.status === 'failed' && document.error) throw new ParleyError(document.error);
  return document;
}
