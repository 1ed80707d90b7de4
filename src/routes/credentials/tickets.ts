/** The route of tickets, with which browsers open streams and sockets. */
import { z } from '@hono/zod-openapi';
import { issueFor } from '../../actions/credentials.ts';
import { time } from '../../wire/views.ts';
import { body, commonProblems, json } from '../shared/responses.ts';
import { MAKES_NOTHING } from '../shared/response-docs.ts';
import { createRouter, route } from '../shared/router.ts';
import { bodyOf } from '../shared/known-fields.ts';
import * as schemas from '../shared/schemas.ts';
import { actingCaller } from './caller.ts';

/** Milliseconds within which a ticket has to be used first. */
const LIFETIME_MS = 60_000;

const ticket = z
  .looseObject({ ticket: z.string(), expires_at: z.iso.datetime() })
  .openapi('Ticket');

export function ticketsRouter() {
  const router = createRouter();
  route(
    router,
    {
      method: 'post',
      path: '/tickets',
      tags: ['credentials'],
      [MAKES_NOTHING]: true,
      operationId: 'createTicket',
      summary: 'Get a ticket, good for a minute, for an EventSource or a browser’s WebSocket',
      request: {
        query: schemas.ownerQuery,
        body: { ...body(bodyOf({ user_id: schemas.userId.optional() })), required: false },
      },
      responses: { 200: json(ticket, 'The ticket'), ...commonProblems },
    },
    async (c) => {
      const lifetime = { kind: 'ticket', lifetimeMs: LIFETIME_MS } as const;
      const issued = await issueFor(c.get('dependencies').db, actingCaller(c), lifetime);
      return c.json({ ticket: issued.text, expires_at: time(issued.expiresAt ?? 0) }, 200);
    },
  );
  return router;
}
