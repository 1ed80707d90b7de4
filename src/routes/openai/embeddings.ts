/** `POST /v1/embeddings`: the configured embedding model, as OpenAI's clients call it. */
import { z } from '@hono/zod-openapi';
import { embedTexts } from '../../actions/embed-texts.ts';
import { invalid } from '../../core/errors.ts';
import { actionContext } from '../shared/dependencies.ts';
import { body, json, turnProblems } from '../shared/responses.ts';
import { MAKES_NOTHING } from '../shared/response-docs.ts';
import { route, type Router } from '../shared/router.ts';
import * as schemas from '../shared/schemas.ts';
import { nameClient } from '../shared/client-user.ts';
import { asOpenAiErrors } from './docs.ts';

const MOST_INPUTS = 2_048;
const text = schemas
  .text(schemas.LONGEST_MESSAGE)
  .refine((value) => value !== '', 'must not be empty');

const embeddingBody = z
  .looseObject({
    model: schemas.modelName.nullish(),
    input: z.union([text, z.array(text).min(1).max(MOST_INPUTS)]),
    encoding_format: z.enum(['float', 'base64']).default('float'),
    dimensions: z.int().min(1).nullish(),
    user: schemas.userId.nullish(),
  })
  .openapi('EmbeddingRequest');

const embeddingList = z
  .looseObject({
    object: z.literal('list'),
    model: z.string(),
    data: z.array(
      z.object({
        object: z.literal('embedding'),
        index: z.int(),
        embedding: z.union([z.array(z.number()), z.string()]),
      }),
    ),
    usage: z.object({ prompt_tokens: z.int(), total_tokens: z.int() }),
  })
  .openapi('EmbeddingList');

export function addEmbeddings(router: Router): void {
  route(
    router,
    {
      method: 'post',
      path: '/v1/embeddings',
      tags: ['openai'],
      [MAKES_NOTHING]: true,
      operationId: 'createEmbeddings',
      summary: 'The vectors of texts',
      request: { query: schemas.ownerQuery, body: body(embeddingBody) },
      responses: { 200: json(embeddingList, 'The vectors'), ...asOpenAiErrors(turnProblems) },
    },
    async (c) => {
      const given = c.req.valid('json');
      nameClient(c, { user: given.user });
      const { model, input, encoding_format: format, dimensions } = given;
      const { embeddings } = c.get('dependencies');
      const embedder = model ? embeddings.resolve(model) : embeddings.configured;
      const texts = typeof input === 'string' ? [input] : input;
      const { vectors, tokens } = await embedTexts(actionContext(c), { embedder, texts });
      const length = vectors[0]?.length ?? 0;
      if (dimensions && dimensions !== length)
        throw invalid('dimensions', `${embedder.name} has ${length} dimensions`);
      return c.json({
        object: 'list' as const,
        model: embedder.name,
        data: vectors.map((vector, index) => ({
          object: 'embedding' as const,
          index,
          embedding: format === 'base64' ? base64Of(vector) : vector,
        })),
        usage: { prompt_tokens: tokens, total_tokens: tokens },
      });
    },
  );
}

/** Returns a vector as 32-bit numbers, the lowest byte first, in base64. */
function base64Of(vector: readonly number[]): string {
  const bytes = new DataView(new ArrayBuffer(vector.length * 4));
  vector.forEach((value, at) => bytes.setFloat32(at * 4, value, true));
  let binary = '';
  for (let at = 0; at < bytes.byteLength; at++) binary += String.fromCharCode(bytes.getUint8(at));
  return btoa(binary);
}
