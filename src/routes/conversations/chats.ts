/** The third API of conversations: chats, with one call that sends a message to one. */
import { z } from '@hono/zod-openapi';
import type { FinishedTurn } from '../../core/message.ts';
import { contentOf } from '../../core/parts.ts';
import { readConversation } from '../../store/conversations.ts';
import { conversationView, messageView, resultView, time, usageView } from '../../wire/views.ts';
import { messageInput } from '../../actions/turn-input.ts';
import { answerTurn } from '../shared/answer-turn.ts';
import { required } from '../shared/required.ts';
import { body, commonProblems, json, jsonOrStream, turnProblems } from '../shared/responses.ts';
import { createRouter, route } from '../shared/router.ts';
import { answerFields } from '../shared/tool-results.ts';
import { conversationSchema, usageSchema } from '../shared/answer-schemas.ts';
import { bodyOf } from '../shared/known-fields.ts';
import * as schemas from '../shared/schemas.ts';
import { addChange, addCreation, addDeletion, addFork } from './changing-routes.ts';
import { addList, addMessages } from './reading-routes.ts';
import type { RouteBase } from './route-base.ts';

const base: RouteBase = { path: '/chats', tags: ['chats'], noun: 'Chat', name: 'Chat' };

const asking = schemas.withMessage(
  bodyOf({
    ...schemas.turnFields,
    ...schemas.messageFields,
    ...answerFields,
    ...schemas.parentField,
    chat_id: schemas.id,
  }),
);

const answer = z.looseObject({
  chat_id: z.string(),
  message_id: z.string(),
  role: z.literal('assistant'),
  content: z.string(),
  model: z.string().nullable(),
  tokens_used: z.int(),
  usage: usageSchema,
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
      operationId: 'getChat',
      summary: 'A chat',
      request: { params: schemas.idParam, query: schemas.ownerQuery },
      responses: { 200: json(conversationSchema, 'The chat'), ...commonProblems },
    },
    async (c) => {
      const found = await readConversation(c.get('dependencies').db, {
        id: c.req.valid('param').id,
        principal: c.get('principal'),
      });
      return c.json(conversationView(required(found, base.noun)));
    },
  );
  addMessages(router, base, (message) => ({ ...message, chat_id: message.conversation_id }));
  addChange(router, base);
  addDeletion(router, base);
  addFork(router, base);
  route(
    router,
    {
      method: 'post',
      path: '/chat',
      tags,
      operationId: 'sendChatMessage',
      summary: 'Say something in a chat and get the answer',
      request: { query: schemas.ownerQuery, body: body(asking) },
      responses: { 200: jsonOrStream(answer, 'The answer'), ...turnProblems },
    },
    (c) => {
      const fields = c.req.valid('json');
      const ask = { conversationId: fields.chat_id, input: messageInput(fields) };
      return answerTurn(c, { ask, fields }, answerView);
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
    ...resultView(message),
    created_at: time(message.createdAt),
  };
}
