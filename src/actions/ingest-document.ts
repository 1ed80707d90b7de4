/** Ingests documents, by the rules that hold for every API. */
import { requireUserId } from '../core/principal.ts';
import type { Telemetry } from '../core/telemetry.ts';
import type { DocumentInput, IngestRun } from '../documents/ingester.ts';
import { INGEST, type Begun } from '../models/work-trace.ts';
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
  const { ingester, trace } = dependencies;
  const told = trace?.begin(INGEST);
  try {
    const below = told?.below;
    const run = await ingester.ingest({ ...input, principal }, (call) => below?.embedded(call));
    return {
      document: run.document,
      work: (onProgress) => {
        const work = run.work(onProgress);
        dependencies.defer(tellEnd(work, told, dependencies.telemetry));
        return work;
      },
    };
  } catch (error) {
    told?.end(error);
    throw error;
  }
}

async function tellEnd(
  work: Promise<unknown>,
  told: Begun | undefined,
  telemetry: Telemetry | undefined,
): Promise<void> {
  await work.then(
    () => told?.end(),
    (error: unknown) => told?.end(error),
  );
  await telemetry?.settle();
}
