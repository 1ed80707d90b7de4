/** The second API of conversations: two calls with short answers. */
import { z } from '@hono/zod-openapi';
import type { FinishedTurn } from '../../core/message.ts';
import { contentOf } from '../../core/parts.ts';
import { resultView } from '../../wire/views.ts';
import { body, jsonOrStream, turnProblems } from '../shared/responses.ts';
import { made } from '../shared/response-docs.ts';
import { createRouter, route } from '../shared/router.ts';
import { bodyOf } from '../shared/known-fields.ts';
import * as schemas from '../shared/schemas.ts';
import { begin } from './conversations.ts';
import { addPosting } from './turn-routes.ts';

const path = '/conversations';
const tags = ['conversations'];
const reply = z.looseObject({ reply: z.string() });
const started = reply.extend({ conversation_id: z.string() });

const starting = schemas.withMessage(
  bodyOf({
    ...schemas.turnFields,
    ...schemas.messageFields,
    ...schemas.conversationFields,
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
      operationId: 'startConversation',
      summary: 'Start a conversation by saying something',
      request: { query: schemas.ownerQuery, body: body(starting) },
      responses: { 200: made(jsonOrStream(started, 'The reply')), ...turnProblems },
    },
    (c) =>
      begin(c, c.req.valid('json'), (turn) => ({
        conversation_id: turn.head.conversationId,
        ...replyView(turn),
      })),
  );
  addPosting(router, {
    path,
    tags,
    last: 'message',
    operationId: 'sendShortMessage',
    response: jsonOrStream(reply, 'The answer'),
    render: () => replyView,
  });
  return router;
}

function replyView({ message }: FinishedTurn) {
  return { reply: contentOf(message.parts), ...resultView(message) };
}
