/** The routes of documents: upload, read, list, delete, and search their text. */
import { z } from '@hono/zod-openapi';
import { notFound } from '../../core/errors.ts';
import { searchDocuments } from '../../actions/search-documents.ts';
import type { Passage } from '../../search/passage.ts';
import {
  deleteDocument,
  listDocuments,
  readDocument,
  readDocumentText,
} from '../../store/documents/documents.ts';
import { documentView } from '../../wire/document-view.ts';
import { requireUserId } from '../../core/principal.ts';
import { required } from '../shared/required.ts';
import { postForm, postJson } from './upload.ts';
import * as shapes from './schemas.ts';
import { body, commonProblems, json, linkNext, turnProblems } from '../shared/responses.ts';
import { made, MAKES_NOTHING, paged } from '../shared/response-docs.ts';
import { createRouter, route } from '../shared/router.ts';
import { detailSchema } from '../shared/answer-schemas.ts';
import * as schemas from '../shared/schemas.ts';
import { actionContext, type AppContext } from '../shared/dependencies.ts';

const tags = ['documents'];
const path = '/documents';

const progressContent = {
  'text/event-stream': {
    schema: z.string().openapi({
      description:
        'Server-sent events: document.progress {document_id, done, total} as it goes, then ' +
        'one of document.completed (the document) or document.failed {document_id, error}, ' +
        'then done.',
    }),
  },
};

export function documentsRouter() {
  const router = createRouter();
  const request = { params: schemas.idParam, query: schemas.ownerQuery };

  route(
    router,
    {
      method: 'post',
      path,
      tags,
      operationId: 'createDocument',
      summary: 'Send a document in, or a new version of one',
      description:
        'The same text under the same title in the same place is the same document: nothing ' +
        'is made twice. `document_id` replaces a document; searches see the old one until the' +
        ' new one is whole.',
      request: {
        body: {
          content: {
            'application/json': { schema: shapes.newDocument },
            'multipart/form-data': { schema: shapes.documentForm },
          },
        },
      },
      responses: {
        200: made({
          description: 'The document, ready to be searched',
          content: { 'application/json': { schema: shapes.documentSchema }, ...progressContent },
        }),
        ...turnProblems,
      },
    },
    (c) => {
      const isForm = /^multipart\/form-data\b/i.test(c.req.header('content-type') ?? '');
      // The validated body has the type of both forms.
      return isForm
        ? postForm(c, c.req.valid('form') as shapes.DocumentForm)
        : postJson(c, c.req.valid('json') as Partial<shapes.NewDocumentBody>);
    },
    { takesFile: true, confirmsFirst: true },
  );

  route(
    router,
    {
      method: 'get',
      path,
      tags,
      operationId: 'listDocuments',
      summary: 'A user’s documents, newest first',
      request: {
        query: schemas.pageQuery.extend({
          conversation_id: schemas.id.optional(),
        }),
      },
      responses: {
        200: paged(json(z.array(shapes.documentSchema), 'The documents')),
        ...commonProblems,
      },
    },
    async (c) => {
      const { user_id: _, conversation_id: conversationId, ...page } = c.req.valid('query');
      const { principal, db, leaseMs } = storeOf(c);
      const userId = requireUserId(principal);
      const found = await listDocuments(db, { userId, conversationId, leaseMs, ...page });
      linkNext(c, found.next);
      return c.json(found.items.map(documentView), 200);
    },
  );

  route(
    router,
    {
      method: 'get',
      path: `${path}/{id}`,
      tags,
      operationId: 'getDocument',
      summary: 'A document, and how its ingest stands',
      request,
      responses: { 200: json(shapes.documentSchema, 'The document'), ...commonProblems },
    },
    async (c) => {
      const { id } = c.req.valid('param');
      const { principal, db, leaseMs } = storeOf(c);
      const found = await readDocument(db, { id, principal, leaseMs });
      return c.json(documentView(required(found, 'Document')), 200);
    },
  );

  route(
    router,
    {
      method: 'get',
      path: `${path}/{id}/text`,
      tags,
      operationId: 'getDocumentText',
      summary: 'The text that citations point into',
      request,
      responses: {
        200: { description: 'The text', content: { 'text/plain': { schema: z.string() } } },
        ...commonProblems,
      },
    },
    async (c) => {
      const { id } = c.req.valid('param');
      const { principal, db } = storeOf(c);
      const text = required(await readDocumentText(db, { id, principal }), 'Text');
      // Browsers must not render the text as a page, since users uploaded it and it is plain text.
      c.header('X-Content-Type-Options', 'nosniff');
      return c.text(text, 200);
    },
  );

  route(
    router,
    {
      method: 'patch',
      path: `${path}/{id}`,
      tags,
      operationId: 'updateDocument',
      summary: 'Correct the language of a document',
      request: { ...request, body: body(shapes.documentChange) },
      responses: { 200: json(shapes.documentSchema, 'The document'), ...commonProblems },
    },
    async (c) => {
      const { id } = c.req.valid('param');
      const { principal, db, leaseMs } = storeOf(c);
      const found = required(await readDocument(db, { id, principal, leaseMs }), 'Document');
      const { language } = c.req.valid('json');
      const { ingester } = c.get('dependencies');
      return c.json(documentView(await ingester.correctLanguage(found, language)), 200);
    },
  );

  route(
    router,
    {
      method: 'delete',
      path: `${path}/{id}`,
      tags,
      operationId: 'deleteDocument',
      summary: 'Delete a document and all that searches know of it',
      request,
      responses: { 200: json(detailSchema, 'Deleted'), ...commonProblems },
    },
    async (c) => {
      const { id } = c.req.valid('param');
      const { principal, db, leaseMs } = storeOf(c);
      if (!(await deleteDocument(db, { id, principal, leaseMs }))) throw notFound('Document');
      return c.json({ detail: `Document ${id} deleted successfully` }, 200);
    },
  );

  route(
    router,
    {
      method: 'post',
      path: '/retrieve',
      tags,
      [MAKES_NOTHING]: true,
      operationId: 'searchDocuments',
      summary: 'Search what a user’s documents say',
      request: { body: body(shapes.retrieval) },
      responses: { 200: json(shapes.retrieved, 'Passages, best first'), ...turnProblems },
    },
    async (c) => c.json({ results: (await search(c, c.req.valid('json'))).map(resultView) }, 200),
    { confirmsFirst: true },
  );

  return router;
}

function storeOf(c: AppContext) {
  const { db, config } = c.get('dependencies');
  return { principal: c.get('principal'), db, leaseMs: config.TURN_LEASE_MS };
}

function search(c: AppContext, given: z.output<typeof shapes.retrieval>): Promise<Passage[]> {
  const { query, k, mode, conversation_id, document_ids, metadata } = given;
  return searchDocuments(actionContext(c), {
    query,
    k,
    mode,
    conversationId: conversation_id ?? undefined,
    documentIds: document_ids ?? undefined,
    metadata: metadata ?? undefined,
  });
}

function resultView({ source, keywordRank, vectorRank, ...passage }: Passage) {
  const { text, headings, ordinal, start, end } = passage;
  return {
    chunk_id: source.chunk_id,
    document_id: source.document_id,
    title: source.title,
    ...(source.url === undefined ? {} : { url: source.url }),
    text,
    headings,
    score: source.score,
    ordinal,
    start,
    end,
    keyword_rank: keywordRank,
    vector_rank: vectorRank,
  };
}
