/**
 * The fifth API: a WebSocket for each user. The hosts provide the sockets, and this is their route.
 */
import { z } from '@hono/zod-openapi';
import { ParleyError, unauthenticated } from '../../core/errors.ts';
import { proofOf, type Principal } from '../../core/principal.ts';
import { openSocket } from '../../store/credentials/tickets.ts';
import type { AppContext } from '../shared/dependencies.ts';
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

/**
 * Returns whom the socket is for. A ticket opens one socket, on which what it was got for counts:
 * where that is revoked, the socket starts nothing more.
 * @throws ParleyError `unauthenticated`
 */
async function openerOf(c: AppContext): Promise<Principal> {
  const { db } = c.get('dependencies');
  const principal = c.get('principal');
  const proof = proofOf(principal);
  if (principal.kind !== 'user' || proof?.kind !== 'ticket') return principal;
  const parent = await openSocket(db, proof);
  if (parent === undefined) throw unauthenticated();
  return { ...principal, proof: parent ?? undefined };
}

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
      if (c.req.header('upgrade')?.toLowerCase() !== 'websocket')
        throw new ParleyError({ code: 'invalid_request', detail: 'This address speaks WebSocket' });
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
