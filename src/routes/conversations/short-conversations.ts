/** The second dialect of the conversations: two calls and short answers. */
import { z } from '@hono/zod-openapi';
import { contentOf } from '../../core/parts.ts';
import type { FinishedTurn } from '../../wire/outcome.ts';
import { citedView } from '../../wire/views.ts';
import { begin } from './conversations.ts';
import { body, createRouter, jsonOrStream, route, turnProblems } from '../shared/router.ts';
import * as schemas from '../shared/schemas.ts';
import { addPosting } from './turn-routes.ts';

const path = '/conversations';
const tags = ['conversations'];
const reply = z.looseObject({ reply: z.string() });
const started = reply.extend({ conversation_id: z.string() });

const starting = schemas.withMessage(
  schemas.bodyOf({
    ...schemas.turnFields,
    ...schemas.messageFields,
    mode: schemas.mode.optional(),
  }),
);

export function shortConversationsRouter() {
  const router = createRouter();
  route(
    router,
    {
      method: 'post',
      path: `${path}/start`,
      tags,
      summary: 'Start a conversation by saying something',
      request: { query: schemas.ownerQuery, body: body(starting) },
      responses: { 200: jsonOrStream(started, 'The reply'), ...turnProblems },
    },
    (c) => {
      const { message, content, ...given } = c.req.valid('json');
      const render = (turn: FinishedTurn) => ({
        conversation_id: turn.head.conversationId,
        ...replyView(turn),
      });
      return begin(c, given, message ?? content ?? '', render);
    },
  );
  addPosting(router, { path, tags, last: 'message', answer: reply, render: replyView });
  return router;
}

function replyView({ message }: FinishedTurn) {
  return { reply: contentOf(message.parts), status: message.status, ...citedView(message) };
}
