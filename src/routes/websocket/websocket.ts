/**
 * The fifth API: a WebSocket for each user. The hosts provide the sockets, and this is their route.
 */
import { z } from '@hono/zod-openapi';
import { nameUser } from '../shared/identify.ts';
import { commonProblems, json, problem } from '../shared/responses.ts';
import { createRouter, route } from '../shared/router.ts';
import * as schemas from '../shared/schemas.ts';
import { requireUpgrade } from './handshake.ts';
import { openerOf } from './opener.ts';

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
      request: { ...request, query: schemas.ownerQuery.extend(schemas.ticketField) },
      responses: {
        101: { description: 'Switched to WebSocket' },
        200: { description: 'The same where a proxy speaks WebSocket over HTTP/2 (RFC 8441)' },
        ...commonProblems,
        default: problem('Any other refusal', 'internal_error'),
      },
    },
    async (c) => {
      const userId = nameUser(c, c.req.valid('param').user_id);
      requireUpgrade(c);
      return c.get('dependencies').sockets.open(c, { ...(await openerOf(c)), userId });
    },
    { startsTurn: true, takesTicket: true, confirmsFirst: true },
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
