/** The fourth door: conversations under `/chat`, whose answers are bare messages and whose stream is text only. */
import { z } from '@hono/zod-openapi';
import { listConversations } from '../store/conversations.ts';
import { conversationView, messageView, usageView } from '../wire/views.ts';
import { answerEventSource, answerWith } from './answer.ts';
import {
  deletedConversation,
  insertedConversation,
  messagePage,
  transcriptOf,
} from './conversations.ts';
import {
  body,
  commonProblems,
  createDoor,
  eventStreamContent,
  json,
  jsonOrStream,
  linkNext,
  sameOriginOnly,
  turnProblems,
  route,
} from './door.ts';
import * as schemas from './schemas.ts';

const tags = ['chat/conversations'];
const path = '/chat/conversations';

const creation = schemas.bodyOf({
  user_id: schemas.userId,
  title: schemas.title.nullish(),
  mode: schemas.mode.optional(),
  model: schemas.modelName.nullish(),
  instructions: schemas.instructions.nullish(),
});
const posting = schemas.withMessage(
  schemas.bodyOf({ ...schemas.turnFields, ...schemas.messageFields }),
);
const transcript = schemas.conversationSchema.extend({ messages: z.array(schemas.messageSchema) });

export function chatConversationsDoor() {
  const door = createDoor();
  const request = { params: schemas.idParam, query: schemas.ownerQuery };

  route(
    door,
    {
      method: 'post',
      path,
      tags,
      summary: 'Make a conversation',
      request: { body: body(creation) },
      responses: { 200: json(schemas.conversationSchema, 'The conversation'), ...turnProblems },
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
      summary: 'A user’s conversations, newest first',
      request: { query: schemas.pageQuery },
      responses: {
        200: json(z.array(schemas.conversationSchema), 'The conversations'),
        ...commonProblems,
      },
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
      summary: 'A conversation with its messages',
      request,
      responses: { 200: json(transcript, 'The conversation'), ...commonProblems },
    },
    async (c) => {
      const found = await transcriptOf(c, c.req.valid('param').id, c.req.valid('query').user_id);
      return c.json(
        { ...conversationView(found.conversation), messages: found.messages.map(messageView) },
        200,
      );
    },
  );

  route(
    door,
    {
      method: 'delete',
      path: `${path}/{id}`,
      tags,
      summary: 'Delete a conversation and all in it',
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
      path: `${path}/{id}/messages`,
      tags,
      summary: 'Say something and get the answer',
      request: { ...request, body: body(posting) },
      responses: { 200: jsonOrStream(schemas.messageSchema, 'The answer'), ...turnProblems },
    },
    (c) => {
      const given = c.req.valid('json');
      const user_id = given.user_id ?? c.req.valid('query').user_id;
      const text = given.message ?? given.content ?? '';
      return answerWith(
        c,
        { ...given, user_id, conversationId: c.req.valid('param').id, text },
        ({ message }) => c.json({ ...messageView(message), usage: usageView(message) }),
      );
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
    async (c) => c.json(await messagePage(c, c.req.valid('param').id, c.req.valid('query')), 200),
  );

  route(
    door,
    {
      method: 'get',
      path: `${path}/{id}/stream`,
      tags,
      summary: 'Say something and follow the text of the answer',
      middleware: [sameOriginOnly],
      request: { params: schemas.idParam, query: schemas.streamQuery },
      responses: {
        200: { description: 'The text, then [DONE]', content: eventStreamContent },
        204: { description: 'Nothing is left after the cursor' },
        ...turnProblems,
      },
    },
    (c) =>
      answerEventSource(c, {
        conversationId: c.req.valid('param').id,
        query: c.req.valid('query'),
        wire: 'text',
      }),
  );

  return door;
}
