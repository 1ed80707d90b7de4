/** The third router: chats, and one call that says something in one. */
import { z } from '@hono/zod-openapi';
import { contentOf } from '../../core/parts.ts';
import { readConversation } from '../../store/conversations.ts';
import type { FinishedTurn } from '../../wire/outcome.ts';
import { citedView, conversationView, messageView, time, usageView } from '../../wire/views.ts';
import { answerWith, required } from '../shared/answer-turn.ts';
import {
  addChange,
  addCreation,
  addDeletion,
  addList,
  addMessages,
  type RouteBase,
} from './crud-routes.ts';
import {
  body,
  commonProblems,
  createRouter,
  json,
  jsonOrStream,
  route,
  turnProblems,
} from '../shared/router.ts';
import * as schemas from '../shared/schemas.ts';

const base: RouteBase = { path: '/chats', tags: ['chats'], noun: 'Chat' };

const asking = schemas.withMessage(
  schemas.bodyOf({ ...schemas.turnFields, ...schemas.messageFields, chat_id: schemas.id }),
);

const answer = z.looseObject({
  chat_id: z.string(),
  message_id: z.string(),
  role: z.literal('assistant'),
  content: z.string(),
  model: z.string().nullable(),
  tokens_used: z.int(),
  usage: schemas.usageSchema,
  created_at: z.string(),
});

export function chatsRouter() {
  const router = createRouter();
  const { path, tags } = base;
  addCreation(router, base);
  addList(router, base);
  route(
    router,
    {
      method: 'get',
      path: `${path}/{id}`,
      tags,
      summary: 'A chat',
      request: { params: schemas.idParam, query: schemas.ownerQuery },
      responses: { 200: json(schemas.conversationSchema, 'The chat'), ...commonProblems },
    },
    async (c) => {
      const userId = c.get('caller') ?? null;
      const found = await readConversation(c.get('services').db, {
        id: c.req.valid('param').id,
        userId,
      });
      return c.json(conversationView(required(found, base.noun)));
    },
  );
  addMessages(router, base, (message) => ({ ...message, chat_id: message.conversation_id }));
  addChange(router, base);
  addDeletion(router, base);
  route(
    router,
    {
      method: 'post',
      path: '/chat',
      tags,
      summary: 'Say something in a chat and get the answer',
      request: { query: schemas.ownerQuery, body: body(asking) },
      responses: { 200: jsonOrStream(answer, 'The answer'), ...turnProblems },
    },
    (c) => {
      const given = c.req.valid('json');
      const ask = {
        ...given,
        conversationId: given.chat_id,
        text: given.message ?? given.content ?? '',
      };
      return answerWith(c, ask, (turn) => c.json(answerView(turn)));
    },
  );
  return router;
}

function answerView({ head, message }: FinishedTurn) {
  return {
    chat_id: head.conversationId,
    message_id: message.id,
    role: 'assistant',
    content: contentOf(message.parts),
    model: message.model,
    tokens_used: messageView(message).tokens_used,
    usage: usageView(message),
    status: message.status,
    ...citedView(message),
    created_at: time(message.createdAt),
  };
}
