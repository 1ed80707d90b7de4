/** The routes of single turns: read, follow, cancel. */
import type { ReadTurn } from '../core/message.ts';
import { findTurn, type TurnStanding } from '../store/turns/read.ts';
import { nativeSse } from '../wire/native-sse.ts';
import { turnView } from '../wire/views.ts';
import { streamOptions } from './shared/answer-turn.ts';
import type { AppContext } from './shared/dependencies.ts';
import { required } from './shared/required.ts';
import { commonProblems, eventStreamContent, json } from './shared/responses.ts';
import { MAKES_NOTHING, ofTurn } from './shared/response-docs.ts';
import { createRouter, route } from './shared/router.ts';
import { turnSchema } from './shared/answer-schemas.ts';
import * as schemas from './shared/schemas.ts';
import { turnOf } from './shared/turn-of.ts';
import { requireTicketFor } from './shared/ticket.ts';
import {
  headOfStream,
  lastEventId,
  serveReconnect,
  streamOrNothing,
  turnHeaders,
} from './shared/stream-turn.ts';

const tags = ['turns'];

export function turnsRouter() {
  const router = createRouter();
  const request = { params: schemas.idParam, query: schemas.ownerQuery };

  route(
    router,
    {
      method: 'get',
      path: '/turns/{id}',
      tags,
      operationId: 'getTurn',
      summary: 'How a turn stands',
      request,
      responses: { 200: ofTurn(json(turnSchema, 'The turn')), ...commonProblems },
    },
    async (c) => shown(c, await turnOf(c, c.req.valid('param').id)),
  );

  route(
    router,
    {
      method: 'get',
      path: '/turns/{id}/events',
      tags,
      operationId: 'followTurn',
      summary: 'Replay a turn from the start or after a cursor, then follow it',
      request: {
        params: schemas.idParam,
        query: schemas.ownerQuery.extend({ ...schemas.cursorFields, ...schemas.ticketField }),
      },
      responses: {
        200: ofTurn({ description: 'The turn as native events', content: eventStreamContent }),
        204: { description: 'Nothing is left after the cursor' },
        ...commonProblems,
      },
    },
    (c) => {
      const follow = async () => {
        const { id } = c.req.valid('param');
        const { turns } = c.get('dependencies');
        const found = turns.holds(id) ? await standingOf(c, id) : await turnOf(c, id);
        const address = 'head' in found ? found.head : found;
        if (c.req.method === 'HEAD') return headOfStream(nativeSse);
        await requireTicketFor(c, id);
        const options = streamOptions(nativeSse, {});
        const stream = await turns.follow(address, options, lastEventId(c), found);
        return streamOrNothing(c, stream, nativeSse);
      };
      return c.req.header('last-event-id') ? serveReconnect(nativeSse, follow) : follow();
    },
    { takesTicket: true },
  );

  route(
    router,
    {
      method: 'post',
      path: '/turns/{id}/cancel',
      tags,
      [MAKES_NOTHING]: true,
      operationId: 'cancelTurn',
      summary: 'Stop a turn, keeping what it has said',
      request,
      responses: { 200: ofTurn(json(turnSchema, 'The turn')), ...commonProblems },
    },
    async (c) => {
      const { id } = c.req.valid('param');
      const turn = await turnOf(c, id);
      if (!turn.running) return shown(c, turn);
      await c.get('dependencies').turns.cancel(turn.head);
      return shown(c, await turnOf(c, id));
    },
  );

  return router;
}

function shown(c: AppContext, turn: ReadTurn): Response {
  return c.json(turnView(turn), 200, turnHeaders(turn.head));
}

async function standingOf(c: AppContext, turnId: string): Promise<TurnStanding> {
  const { db } = c.get('dependencies');
  return required(await findTurn(db, { turnId, principal: c.get('principal') }), 'Turn');
}
