/** The second dialect of the conversations: two calls and short answers. */
import { z } from '@hono/zod-openapi';
import { contentOf } from '../chat/parts.ts';
import { answerWith, newConversation } from './answer.ts';
import { body, createDoor, jsonOrStream, turnProblems, route } from './door.ts';
import * as schemas from './schemas.ts';

const tags = ['conversations'];
const reply = z.looseObject({ reply: z.string() });
const started = reply.extend({ conversation_id: z.string() });

const starting = schemas.withMessage(
  schemas.bodyOf({
    ...schemas.turnFields,
    ...schemas.messageFields,
    user_id: schemas.userId,
    mode: schemas.mode.optional(),
  }),
);
const posting = schemas.withMessage(
  schemas.bodyOf({ ...schemas.turnFields, ...schemas.messageFields }),
);

export function shortConversationsDoor() {
  const door = createDoor();

  route(
    door,
    {
      method: 'post',
      path: '/conversations/start',
      tags,
      summary: 'Start a conversation by saying something',
      request: { body: body(starting) },
      responses: { 200: jsonOrStream(started, 'The reply'), ...turnProblems },
    },
    async (c) => {
      const given = c.req.valid('json');
      const { id: conversationId, ...create } = newConversation(c, given);
      const text = given.message ?? given.content ?? '';
      const response = await answerWith(
        c,
        { ...given, model: null, conversationId, create, text },
        ({ head, message }) =>
          c.json({
            conversation_id: head.conversationId,
            reply: contentOf(message.parts),
            status: message.status,
          }),
      );
      response.headers.set(
        'Location',
        `/conversations/${response.headers.get('X-Conversation-Id') ?? conversationId}`,
      );
      return response;
    },
  );

  route(
    door,
    {
      method: 'post',
      path: '/conversations/{id}/message',
      tags,
      summary: 'Say something and get the reply',
      request: { params: schemas.idParam, query: schemas.ownerQuery, body: body(posting) },
      responses: { 200: jsonOrStream(reply, 'The reply'), ...turnProblems },
    },
    (c) => {
      const given = c.req.valid('json');
      const user_id = given.user_id ?? c.req.valid('query').user_id;
      const text = given.message ?? given.content ?? '';
      return answerWith(
        c,
        { ...given, user_id, conversationId: c.req.valid('param').id, text },
        ({ message }) => c.json({ reply: contentOf(message.parts), status: message.status }),
      );
    },
  );

  return door;
}
