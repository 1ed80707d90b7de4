/** Receives documents as JSON or as a form, and answers with the document or its progress. */
import { ingestDocument } from '../../actions/ingest-document.ts';
import { invalid } from '../../core/errors.ts';
import { requireUserId } from '../../core/principal.ts';
import { sha256 } from '../../core/sha256.ts';
import type { Sent } from '../../documents/extract.ts';
import type { IngestRun } from '../../documents/ingester.ts';
import { documentView } from '../../wire/document-view.ts';
import { ingestEvents } from '../../wire/ingest-sse.ts';
import { EVENT_STREAM_HEADERS } from '../../wire/sse.ts';
import { wantsStream } from '../shared/answer-turn.ts';
import { actionContext, type AppContext } from '../shared/dependencies.ts';
import { idempotencyKey } from '../shared/idempotency-key.ts';
import { nameUser } from '../shared/identify.ts';
import type * as shapes from './schemas.ts';

/** Receives a document that was sent as JSON. */
export async function postJson(
  c: AppContext,
  { text, ...fields }: Partial<shapes.NewDocumentBody>,
): Promise<Response> {
  // A body without a type has not been validated.
  if (text === undefined)
    throw invalid('text', 'text is required, as application/json or multipart/form-data');
  const scope = requireUserId(c.get('principal'));
  return answerIngest(c, fields, { content: text, mimeType: fields.mime_type }, { scope });
}

/** Receives a document that was sent in a form, as a file or a field. */
export async function postForm(c: AppContext, form: shapes.DocumentForm): Promise<Response> {
  const { file, text, mime_type, ...fields } = form;
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
  const scope = nameUser(c, form.user_id);
  return answerIngest(c, fields, { ...sent, content }, { scope, said });
}

/**
 * Ingests a document and answers with it.
 * @param key the owner of the idempotency key, and the text that identifies a body which differs
 *   each time
 */
async function answerIngest(
  c: AppContext,
  fields: Partial<Omit<shapes.NewDocumentBody, 'text'>>,
  sent: Sent,
  key: { scope: string; said?: string },
): Promise<Response> {
  const run = await ingestDocument(actionContext(c), {
    sent,
    conversationId: fields.conversation_id ?? null,
    documentId: fields.document_id ?? undefined,
    title: fields.title ?? undefined,
    url: fields.url ?? undefined,
    metadata: fields.metadata ?? undefined,
    language: fields.language ?? undefined,
    idempotency: await idempotencyKey(c, key),
  });
  const response = wantsStream(c, fields.stream)
    ? streamed(c, run)
    : c.json(documentView(await run.work()), 200);
  response.headers.set('Location', `/documents/${run.document.id}`);
  return response;
}

function streamed(c: AppContext, { document, work }: IngestRun): Response {
  const { config, log } = c.get('dependencies');
  const instance = c.get('requestId');
  const body = ingestEvents(work, {
    document,
    instance,
    keepAliveMs: config.KEEP_ALIVE_MS,
    report: (error) => log.error('a request failed', { request_id: instance, error }),
  });
  return new Response(body, { headers: EVENT_STREAM_HEADERS });
}
