/**
 * Takes uploads of documents, as JSON or as a form, and answers when the document is ready or
 * streams the progress.
 */
import type { Document } from '../../core/document.ts';
import { invalid, notFound, ParleyError } from '../../core/errors.ts';
import { acceptDocument, type Ingest } from '../../documents/accept.ts';
import { sha256 } from '../../core/sha256.ts';
import type { Sent } from '../../documents/extract.ts';
import { followIngest, runIngest, type IngestDependencies } from '../../documents/ingest.ts';
import { documentView } from '../../wire/document-view.ts';
import { ingestEvents, type Work } from '../../wire/ingest-sse.ts';
import { EVENT_STREAM_HEADERS } from '../../wire/sse.ts';
import { wantsStream } from '../shared/answer-turn.ts';
import { requireUserId } from '../../core/principal.ts';
import { nameUser } from '../shared/identify.ts';
import type * as shapes from './schemas.ts';
import { idempotencyKey } from '../shared/idempotency-key.ts';
import type { AppContext } from '../shared/dependencies.ts';

export function ingestDependencies(c: AppContext): IngestDependencies {
  const { db, embeddings, config, report } = c.get('dependencies');
  return { db, embeddings, report, leaseMs: config.TURN_LEASE_MS };
}

/** Takes a document that was sent as JSON. */
export async function postJson(
  c: AppContext,
  { text, ...given }: Partial<shapes.NewDocumentBody>,
): Promise<Response> {
  // A body without a type has not been validated.
  if (text === undefined)
    throw invalid('text', 'text is required, as application/json or multipart/form-data');
  const userId = requireUserId(c.get('principal'));
  return take(c, { ...given, userId }, { content: text, mimeType: given.mime_type });
}

/** Takes a document that was sent in a form, as a file or a field. */
export async function postForm(c: AppContext, given: shapes.DocumentForm): Promise<Response> {
  const { file, text, mime_type, ...fields } = given;
  const sent =
    file instanceof File
      ? {
          content: new Uint8Array(await file.arrayBuffer()),
          mimeType: mime_type ?? file.type,
          fileName: file.name,
        }
      : { content: file ?? text, mimeType: mime_type };
  const { content } = sent;
  if (content === undefined) throw invalid('file', 'file (or text) is required');
  // The boundary of a form is random, so the body itself differs each time.
  const said = `${JSON.stringify([fields, mime_type])}${await sha256(content)}`;
  const userId = nameUser(c, given.user_id);
  return take(c, { ...given, userId }, { ...sent, content }, said);
}

/**
 * Accepts a document and answers with it.
 * @param said the text that identifies this request, for bodies that differ each time
 */
async function take(
  c: AppContext,
  given: Omit<shapes.NewDocumentBody, 'text' | 'user_id'> & { userId: string },
  sent: Sent,
  said?: string,
): Promise<Response> {
  const dependencies = ingestDependencies(c);
  const idempotency = await idempotencyKey(c, { scope: given.userId, said });
  const prepared = await c.get('dependencies').prepare(sent);
  const ingest = await acceptDocument(
    {
      userId: given.userId,
      conversationId: given.conversation_id ?? null,
      documentId: given.document_id ?? undefined,
      prepared,
      title: given.title ?? undefined,
      url: given.url ?? undefined,
      metadata: given.metadata ?? undefined,
      idempotency,
    },
    dependencies,
  );
  const response = wantsStream(c, given.stream)
    ? streamed(c, ingest, workOf(ingest, dependencies))
    : await whole(c, workOf(ingest, dependencies));
  response.headers.set('Location', `/documents/${ingest.document.id}`);
  return response;
}

/** Returns the rest of an ingest as a function, which ends with the finished document or throws. */
function workOf(ingest: Ingest, dependencies: IngestDependencies): Work {
  switch (ingest.kind) {
    case 'known':
      return () => Promise.resolve(ingest.document);
    case 'accepted':
      return async (onProgress) => {
        const document = await runIngest(ingest.job, dependencies, onProgress);
        // Another replacement of the same document came later, so this request ends as that one
        // does.
        const isOvertaken = document.status === 'processing';
        return finished(isOvertaken ? await followIngest(document, dependencies) : document);
      };
    case 'elsewhere':
      return async (onProgress) =>
        finished(await followIngest(ingest.document, dependencies, onProgress));
  }
}

function finished(document: Document | undefined): Document {
  if (!document) throw notFound('Document');
  if (document.status === 'failed' && document.error) throw new ParleyError(document.error);
  return document;
}

async function whole(c: AppContext, work: Work): Promise<Response> {
  const document = work(() => {});
  c.get('dependencies').defer(document.catch(() => undefined));
  return c.json(documentView(await document), 200);
}

function streamed(c: AppContext, { document }: Ingest, work: Work): Response {
  const { config, report } = c.get('dependencies');
  const instance = c.get('requestId');
  const body = ingestEvents(work, {
    document,
    instance,
    keepAliveMs: config.KEEP_ALIVE_MS,
    onWork: (told) => c.get('dependencies').defer(told),
    report: (error) => report(`request ${instance}`, error),
  });
  return new Response(body, { headers: EVENT_STREAM_HEADERS });
}
