/** `GET /v1/responses`: the socket of responses. */
import { userOf } from '../../actions/client-chat.ts';
import { asOpenAiErrors } from '../openai/docs.ts';
import { nameClient } from '../shared/client-user.ts';
import { commonProblems } from '../shared/responses.ts';
import { route, type Router } from '../shared/router.ts';
import * as schemas from '../shared/schemas.ts';
import { requireUpgrade } from '../websocket/handshake.ts';
import { openerOf } from '../websocket/opener.ts';

export function addSocket(router: Router): void {
  route(
    router,
    {
      method: 'get',
      path: '/v1/responses',
      tags: ['openai'],
      operationId: 'openResponsesSocket',
      summary: 'A WebSocket: send response.create, receive the events of the response',
      request: { query: schemas.ownerQuery.extend(schemas.ticketField) },
      responses: {
        101: { description: 'Switched to WebSocket' },
        200: { description: 'The same where a proxy speaks WebSocket over HTTP/2 (RFC 8441)' },
        ...asOpenAiErrors(commonProblems),
      },
    },
    async (c) => {
      requireUpgrade(c);
      nameClient(c, {});
      const opener = await openerOf(c);
      const user = { ...opener, userId: userOf(opener) };
      return c.get('dependencies').sockets.open(c, user, 'responses');
    },
    { startsTurn: true, takesTicket: true, confirmsFirst: true },
  );
}
