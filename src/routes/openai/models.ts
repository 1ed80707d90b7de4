/** `GET /v1/models`: the models that are on, as OpenAI's clients list them. */
import { z } from '@hono/zod-openapi';
import { failureOf, ParleyError } from '../../core/errors.ts';
import { commonProblems, json } from '../shared/responses.ts';
import { route, type Router } from '../shared/router.ts';
import * as schemas from '../shared/schemas.ts';
import { about } from '../shared/version.ts';
import { asOpenAiErrors } from './docs.ts';

const one = z
  .object({
    id: z.string(),
    object: z.literal('model'),
    created: z.int(),
    owned_by: z.string(),
  })
  .openapi('OpenAiModel');

const list = z.object({ object: z.literal('list'), data: z.array(one) }).openapi('OpenAiModels');

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
      return c.json({ object: 'list' as const, data: listed.map(({ id }) => modelOf(id)) });
    },
  );
  route(
    router,
    {
      method: 'get',
      path: '/v1/models/{id}',
      tags: ['openai'],
      operationId: 'readOpenAiModel',
      summary: 'One model that can be called, as OpenAI’s clients read it',
      request: { params: z.object({ id: schemas.modelName }), query: schemas.ownerQuery },
      responses: {
        200: json(one, 'An alias or provider/model, whose slash is written as %2F'),
        ...asOpenAiErrors({ ...commonProblems, 404: { description: 'No such model is on' } }),
      },
    },
    async (c) => {
      const { id } = c.req.valid('param');
      const { registry } = c.get('dependencies');
      try {
        await registry.find(id);
      } catch (error) {
        // It names the models that there are.
        const { code, detail } = failureOf(error);
        throw code === 'unknown_model' ? new ParleyError({ code: 'not_found', detail }) : error;
      }
      return c.json(modelOf(id));
    },
  );
}

function modelOf(id: string): z.output<typeof one> {
  const owner = id.includes('/') ? id.slice(0, id.indexOf('/')) : about.name;
  return { id, object: 'model', created: CREATED, owned_by: owner };
}
