/** `GET /v1/models`: the models that are on, as OpenAI's clients list them. */
import { z } from '@hono/zod-openapi';
import { commonProblems, json } from '../shared/responses.ts';
import { route, type Router } from '../shared/router.ts';
import * as schemas from '../shared/schemas.ts';
import { about } from '../shared/version.ts';
import { asOpenAiErrors } from './docs.ts';

const list = z
  .object({
    object: z.literal('list'),
    data: z.array(
      z.object({
        id: z.string(),
        object: z.literal('model'),
        created: z.int(),
        owned_by: z.string(),
      }),
    ),
  })
  .openapi('OpenAiModels');

/** Services do not tell when a model was made, and clients want a number. */
const CREATED = 0;

export function addModels(router: Router): void {
  route(
    router,
    {
      method: 'get',
      path: '/v1/models',
      tags: ['openai'],
      operationId: 'listOpenAiModels',
      summary: 'The models that are on, as OpenAI’s clients list them',
      request: { query: schemas.ownerQuery },
      responses: { 200: json(list, 'Aliases first'), ...asOpenAiErrors(commonProblems) },
    },
    async (c) => {
      const listed = await c.get('dependencies').registry.list();
      const data = listed.map(({ id }) => ({
        id,
        object: 'model' as const,
        created: CREATED,
        owned_by: id.includes('/') ? id.slice(0, id.indexOf('/')) : about.name,
      }));
      return c.json({ object: 'list' as const, data });
    },
  );
}
