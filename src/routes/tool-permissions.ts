/** The routes of permissions: which tools run for a user without being asked for each time. */
import { z } from '@hono/zod-openapi';
import { requireUserId } from '../core/principal.ts';
import { listPermissions, removePermission } from '../store/turns/tool-runs.ts';
import { time } from '../wire/views.ts';
import { commonProblems, json } from './shared/responses.ts';
import { createRouter, route } from './shared/router.ts';
import { detailSchema } from './shared/answer-schemas.ts';
import * as schemas from './shared/schemas.ts';

const tags = ['tools'];

const permission = z
  .looseObject({ tool: z.string(), created_at: z.iso.datetime() })
  .openapi('ToolPermission');

export function toolPermissionsRouter() {
  const router = createRouter();
  route(
    router,
    {
      method: 'get',
      path: '/tool-permissions',
      tags,
      operationId: 'listToolPermissions',
      summary: 'The tools that a user has allowed for good',
      request: { query: schemas.ownerQuery },
      responses: { 200: json(z.array(permission), 'The permissions'), ...commonProblems },
    },
    async (c) => {
      const userId = requireUserId(c.get('principal'));
      const found = await listPermissions(c.get('dependencies').db, userId);
      return c.json(
        found.map(({ tool, createdAt }) => ({ tool, created_at: time(createdAt) })),
        200,
      );
    },
  );
  route(
    router,
    {
      method: 'delete',
      path: '/tool-permissions/{tool}',
      tags,
      operationId: 'deleteToolPermission',
      summary: 'Take a permission back: the user is asked again',
      request: { params: z.object({ tool: schemas.id }), query: schemas.ownerQuery },
      responses: { 200: json(detailSchema, 'Taken back'), ...commonProblems },
    },
    async (c) => {
      const { tool } = c.req.valid('param');
      const userId = requireUserId(c.get('principal'));
      await removePermission(c.get('dependencies').db, { userId, tool });
      return c.json({ detail: `${tool} asks again` }, 200);
    },
  );
  return router;
}
