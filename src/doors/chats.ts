/** The third door: chats, and one call that says something in one. */
import { z } from '@hono/zod-openapi';
import { contentOf } from '../chat/parts.ts';
import { changeConversation, listConversations, readConversation } from '../store/conversations.ts';
import { conversationView, messageView, time, usageView } from '../wire/views.ts';
import { answerWith, required } from './answer.ts';
import { deletedConversation, insertedConversation, messagePage } from './conversations.ts';
import {
  body,
  commonProblems,
  createDoor,
  json,
  jsonOrStream,
  linkNext,
  turnProblems,
  route,
} from './door.ts';
import * as schemas from './schemas.ts';

const tags = ['chats'];
const path = '/chats';

const creation = schemas.bodyOf({
  user_id: schemas.userId,
  title: schemas.title.nullish(),
  mode: schemas.mode.optional(),
  model: schemas.modelName.nullish(),
  instructions: schemas.instructions.nullish(),
});
const renaming = schemas.bodyOf({ user_id: schemas.userId.optional(), title: schemas.title });
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

export function chatsDoor() {
  const door = createDoor();
  const request = { params: schemas.idParam, query: schemas.ownerQuery };

  route(
    door,
    {
      method: 'post',
      path,
      tags,
      summary: 'Make a chat',
      request: { body: body(creation) },
      responses: { 200: json(schemas.conversationSchema, 'The chat'), ...turnProblems },
    },
    async (c) => {
      const conversation = await insertedConversation(c, c.req.valid('json'));
      c.header('Location', `${path}/${conversation.id}`);
      return c.json(conversationView(conversation), 200);
    },
  );

  route(
    door,
    {
      method: 'get',
      path,
      tags,
      summary: 'A user’s chats, newest first',
      request: { query: schemas.pageQuery },
      responses: { 200: json(z.array(schemas.conversationSchema), 'The chats'), ...commonProblems },
    },
    async (c) => {
      const { user_id, limit, cursor } = c.req.valid('query');
      const page = await listConversations(c.get('services').db, {
        userId: user_id,
        limit,
        cursor,
      });
      linkNext(c, page.next);
      return c.json(page.items.map(conversationView), 200);
    },
  );

  route(
    door,
    {
      method: 'get',
      path: `${path}/{id}`,
      tags,
      summary: 'A chat',
      request,
      responses: { 200: json(schemas.conversationSchema, 'The chat'), ...commonProblems },
    },
    async (c) => {
      const userId = c.req.valid('query').user_id ?? null;
      const found = await readConversation(c.get('services').db, {
        id: c.req.valid('param').id,
        userId,
      });
      return c.json(conversationView(required(found, 'Chat')), 200);
    },
  );

  route(
    door,
    {
      method: 'get',
      path: `${path}/{id}/messages`,
      tags,
      summary: 'The messages, oldest first',
      request: {
        params: schemas.idParam,
        query: schemas.messagePageQuery,
      },
      responses: { 200: json(z.array(schemas.messageSchema), 'The messages'), ...commonProblems },
    },
    async (c) => {
      const messages = await messagePage(c, c.req.valid('param').id, c.req.valid('query'));
      return c.json(
        messages.map((message) => ({ ...message, chat_id: message.conversation_id })),
        200,
      );
    },
  );

  route(
    door,
    {
      method: 'patch',
      path: `${path}/{id}`,
      tags,
      summary: 'Rename a chat',
      request: { ...request, body: body(renaming) },
      responses: { 200: json(schemas.conversationSchema, 'The chat'), ...commonProblems },
    },
    async (c) => {
      const { user_id, title } = c.req.valid('json');
      const userId = user_id ?? c.req.valid('query').user_id ?? null;
      const changed = await changeConversation(c.get('services').db, {
        id: c.req.valid('param').id,
        userId,
        change: { title },
      });
      return c.json(conversationView(required(changed, 'Chat')), 200);
    },
  );

  route(
    door,
    {
      method: 'delete',
      path: `${path}/{id}`,
      tags,
      summary: 'Delete a chat and all in it',
      request,
      responses: { 200: json(schemas.detailSchema, 'Deleted'), ...commonProblems },
    },
    async (c) =>
      c.json(
        await deletedConversation(c, c.req.valid('param').id, c.req.valid('query').user_id),
        200,
      ),
  );

  route(
    door,
    {
      method: 'post',
      path: '/chat',
      tags,
      summary: 'Say something in a chat and get the answer',
      request: { body: body(asking) },
      responses: { 200: jsonOrStream(answer, 'The answer'), ...turnProblems },
    },
    (c) => {
      const given = c.req.valid('json');
      const text = given.message ?? given.content ?? '';
      return answerWith(c, { ...given, conversationId: given.chat_id, text }, ({ head, message }) =>
        c.json({
          chat_id: head.conversationId,
          message_id: message.id,
          role: 'assistant',
          content: contentOf(message.parts),
          model: message.model,
          tokens_used: messageView(message).tokens_used,
          usage: usageView(message),
          status: message.status,
          created_at: time(message.createdAt),
        }),
      );
    },
  );

  return door;
}
