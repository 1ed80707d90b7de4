/**
 * The fifth API: a WebSocket for each user. The hosts provide the sockets, and this is their route.
 */
import { z } from '@hono/zod-openapi';
import { ParleyError } from '../../core/errors.ts';
import { nameUser } from '../shared/identify.ts';
import { commonProblems, json, problem } from '../shared/responses.ts';
import { createRouter, route } from '../shared/router.ts';
import * as schemas from '../shared/schemas.ts';

const tags = ['websocket'];

const status = z.looseObject({
  user_id: z.string(),
  active_connections: z.int(),
  is_online: z.boolean(),
});
const request = {
  params: z.object({ user_id: schemas.userId }),
  query: schemas.ownerQuery,
};

export function websocketRouter() {
  const router = createRouter();

  route(
    router,
    {
      method: 'get',
      path: '/ws/{user_id}',
      tags,
      operationId: 'openWebSocket',
      summary: 'A WebSocket: send {message, conversation_id?}, receive JSON frames',
      request,
      responses: {
        101: { description: 'Switched to WebSocket' },
        ...commonProblems,
        default: problem('Any other refusal', 'internal_error'),
      },
    },
    (c) => {
      const user = nameUser(c, c.req.valid('param').user_id);
      if (c.req.header('upgrade')?.toLowerCase() !== 'websocket')
        throw new ParleyError({ code: 'invalid_request', detail: 'This address speaks WebSocket' });
      return c.get('dependencies').sockets.open(c, user);
    },
    { startsTurn: true },
  );

  route(
    router,
    {
      method: 'get',
      path: '/ws/users/{user_id}/status',
      tags,
      operationId: 'getUserStatus',
      summary: 'Whether a user has sockets open, anywhere',
      request,
      responses: { 200: json(status, 'The status'), ...commonProblems },
    },
    async (c) => {
      const user_id = nameUser(c, c.req.valid('param').user_id);
      const active = await c.get('dependencies').sockets.count(user_id);
      return c.json({ user_id, active_connections: active, is_online: active > 0 }, 200);
    },
  );

  return router;
}
