/** Ingests documents, by the rules that hold for every API. */
import { requireUserId } from '../core/principal.ts';
import type { DocumentInput, IngestRun } from '../documents/ingester.ts';
import type { ActionContext } from './context.ts';

/**
 * Extracts the text of a document and registers it for the caller. The work goes on when the client
 * leaves.
 * @throws ParleyError `invalid_request` when the request names no user, and as `Ingester.ingest`
 * does
 */
export async function ingestDocument(
  { principal, dependencies }: ActionContext,
  input: Omit<DocumentInput, 'principal'>,
): Promise<IngestRun> {
  requireUserId(principal);
  const run = await dependencies.ingester.ingest({ ...input, principal });
  return {
    document: run.document,
    work: (onProgress) => {
      const work = run.work(onProgress);
      dependencies.defer(work.catch(() => undefined));
      return work;
    },
  };
}
