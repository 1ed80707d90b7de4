/** `POST /v1/vector_stores/{id}/search`: a search in documents, as OpenAI's clients ask for it. */
import { z } from '@hono/zod-openapi';
import { searchDocuments } from '../../actions/search-documents.ts';
import { invalid, notFound } from '../../core/errors.ts';
import { nameClient } from '../shared/client-user.ts';
import { actionContext } from '../shared/dependencies.ts';
import { body, json, turnProblems } from '../shared/responses.ts';
import { MAKES_NOTHING } from '../shared/response-docs.ts';
import { route, type Router } from '../shared/router.ts';
import * as schemas from '../shared/schemas.ts';
import { asOpenAiErrors } from './docs.ts';
import { metadataIn } from './search-filters.ts';

/** The only store that there is: all of the user's documents. */
const ALL = 'documents';
const LONGEST_QUERY = 4_000;
const MOST_QUERIES = 10;
const MOST_RESULTS = 50;

const query = schemas
  .text(LONGEST_QUERY)
  .refine((value) => value.trim() !== '', 'must not be empty');

const searchBody = z
  .looseObject({
    query: z.union([query, z.array(query).min(1).max(MOST_QUERIES)]),
    filters: z.unknown().optional().openapi({ type: 'object' }),
    max_num_results: z.int().min(1).max(MOST_RESULTS).default(10),
    ranking_options: z
      .looseObject({ ranker: z.string().optional(), score_threshold: z.number().optional() })
      .nullish(),
    rewrite_query: z.boolean().nullish(),
  })
  .openapi('VectorStoreSearch');

const page = z
  .object({
    object: z.literal('vector_store.search_results.page'),
    search_query: z.array(z.string()),
    data: z.array(
      z.object({
        file_id: z.string(),
        filename: z.string(),
        score: z.number(),
        attributes: z.record(z.string(), z.unknown()).nullable(),
        content: z.array(z.object({ type: z.literal('text'), text: z.string() })),
      }),
    ),
    has_more: z.boolean(),
    next_page: z.string().nullable(),
  })
  .openapi('VectorStoreResults');

type SearchBody = z.output<typeof searchBody>;

export function addVectorStores(router: Router): void {
  route(
    router,
    {
      method: 'post',
      path: '/v1/vector_stores/{id}/search',
      tags: ['openai'],
      [MAKES_NOTHING]: true,
      operationId: 'searchVectorStore',
      summary: 'Search what a user’s documents say',
      request: { params: schemas.idParam, query: schemas.ownerQuery, body: body(searchBody) },
      responses: { 200: json(page, 'Passages, best first'), ...asOpenAiErrors(turnProblems) },
    },
    async (c) => {
      if (c.req.valid('param').id !== ALL) throw notFound('Vector store');
      const given = c.req.valid('json');
      refuseUnhonoured(given);
      nameClient(c, {});
      const asked = typeof given.query === 'string' ? [given.query] : given.query;
      const passages = await searchDocuments(actionContext(c), {
        query: asked.join('\n'),
        k: given.max_num_results,
        mode: 'hybrid',
        metadata: metadataIn(given.filters),
      });
      const least = given.ranking_options?.score_threshold ?? Number.NEGATIVE_INFINITY;
      const data = passages
        .filter(({ source }) => source.score >= least)
        .map(({ source, text }) => ({
          file_id: source.document_id,
          filename: source.title ?? source.document_id,
          score: source.score,
          attributes: null,
          content: [{ type: 'text' as const, text }],
        }));
      const object = 'vector_store.search_results.page' as const;
      return c.json({ object, search_query: asked, data, has_more: false, next_page: null });
    },
    { confirmsFirst: true },
  );
}

function refuseUnhonoured({ ranking_options: ranking, rewrite_query: rewrites }: SearchBody): void {
  if (rewrites) throw invalid('rewrite_query', 'rewrite_query is not supported here');
  const { ranker = 'auto', score_threshold: _, ...others } = ranking ?? {};
  for (const [name, value] of Object.entries(others))
    if (value !== null)
      throw invalid(`ranking_options.${name}`, `ranking_options.${name} is not supported here`);
  if (ranker !== 'auto')
    throw invalid('ranking_options.ranker', `ranking_options.ranker must be auto, not ${ranker}`);
}
