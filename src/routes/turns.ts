/** Turns by their own id: how one stands, following it, stopping it. */
import type { StoredTurn } from '../core/message.ts';
import { readTurn } from '../store/turns/read.ts';
import { turnView } from '../wire/views.ts';
import {
  followed,
  headOfStream,
  lastEventId,
  required,
  servingReconnect,
  viewOf,
} from './shared/answer-turn.ts';
import { commonProblems, createRouter, eventStreamContent, json, route } from './shared/router.ts';
import * as schemas from './shared/schemas.ts';
import type { AppContext } from './shared/dependencies.ts';

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
      summary: 'How a turn stands',
      request,
      responses: { 200: json(schemas.turnSchema, 'The turn'), ...commonProblems },
    },
    async (c) => shown(c, await turnOf(c, c.req.valid('param').id)),
  );

  route(
    router,
    {
      method: 'get',
      path: '/turns/{id}/events',
      tags,
      summary: 'Replay a turn from the start or after a cursor, then follow it',
      request: {
        params: schemas.idParam,
        query: schemas.ownerQuery.extend({
          last_event_id: schemas.streamQuery.shape.last_event_id,
        }),
      },
      responses: {
        200: { description: 'The turn as native events', content: eventStreamContent },
        204: { description: 'Nothing is left after the cursor' },
        ...commonProblems,
      },
    },
    (c) => {
      const follow = async () => {
        const { head } = await turnOf(c, c.req.valid('param').id);
        if (c.req.method === 'HEAD') return headOfStream();
        const delivery = await c
          .get('services')
          .rooms.follow(head, viewOf({}, 'native'), lastEventId(c));
        return followed(c, delivery, 'native');
      };
      return c.req.header('last-event-id') ? servingReconnect('native', follow) : follow();
    },
  );

  route(
    router,
    {
      method: 'post',
      path: '/turns/{id}/cancel',
      tags,
      summary: 'Stop a turn, keeping what it has said',
      request,
      responses: { 200: json(schemas.turnSchema, 'The turn'), ...commonProblems },
    },
    async (c) => {
      const { id } = c.req.valid('param');
      const turn = await turnOf(c, id);
      if (!turn.running) return shown(c, turn);
      await c.get('services').rooms.cancel(turn.head);
      return shown(c, await turnOf(c, id));
    },
  );

  return router;
}

function shown(c: AppContext, turn: StoredTurn): Response {
  const { turnId, conversationId } = turn.head;
  return c.json(turnView(turn), 200, {
    'X-Turn-Id': turnId,
    'X-Conversation-Id': conversationId,
  });
}

async function turnOf(c: AppContext, turnId: string) {
  const { db, config } = c.get('services');
  return required(
    await readTurn(db, { turnId, userId: c.get('caller') ?? null, leaseMs: config.TURN_LEASE_MS }),
    'Turn',
  );
}
