/** The first door: conversations, with the answer inside, and the turns by themselves. */
import { z } from '@hono/zod-openapi';
import {
  changeConversation,
  createConversation,
  deleteConversation,
  listConversations,
  readTranscript,
  type Transcript,
} from '../store/conversations.ts';
import { contentOf } from '../chat/parts.ts';
import type { FinishedTurn } from '../wire/outcome.ts';
import { conversationView, messageView, time } from '../wire/views.ts';
import { answerEventSource, answerWith, keyReused, newConversation, required } from './answer.ts';
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
import { idempotencyOf } from './idempotency.ts';
import * as schemas from './schemas.ts';
import type { AppContext } from './services.ts';

/** As many messages as an answer holds; the rest is behind the link. */
const MOST_MESSAGES = 1_000;

const tags = ['conversations'];
const path = '/conversations';

const creation = schemas.bodyOf({
  ...schemas.turnFields,
  ...schemas.messageFields,
  user_id: schemas.userId,
  title: schemas.title.nullish(),
  mode: schemas.mode.optional(),
  instructions: schemas.instructions.nullish(),
});

const created = z.looseObject({
  conversation_id: z.string(),
  title: z.string().nullable(),
  created_at: z.string(),
  assistant_reply: z.string().optional(),
});

const transcript = schemas.conversationSchema
  .extend({ messages: z.array(schemas.messageSchema) })
  .openapi('Transcript');

const answered = z.looseObject({
  conversation_id: z.string(),
  assistant_reply: z.string(),
  messages: z.array(schemas.messageSchema),
});

const change = schemas.bodyOf({
  user_id: schemas.userId.optional(),
  title: schemas.title.optional(),
  mode: schemas.mode.optional(),
  model: schemas.modelName.nullable().optional(),
  instructions: schemas.instructions.nullable().optional(),
});

const posting = schemas.withMessage(
  schemas.bodyOf({ ...schemas.turnFields, ...schemas.messageFields }),
);

export function conversationsDoor() {
  const door = createDoor();
  const request = { params: schemas.idParam, query: schemas.ownerQuery };

  route(
    door,
    {
      method: 'post',
      path,
      tags,
      summary: 'Start a conversation, with a first message or without',
      request: { body: body(creation) },
      responses: { 200: jsonOrStream(created, 'The conversation'), ...turnProblems },
    },
    (c) => {
      const given = c.req.valid('json');
      const text = given.message ?? given.content;
      return text === undefined ? createEmpty(c, given) : createWithMessage(c, given, text);
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
      method: 'patch',
      path: `${path}/{id}`,
      tags,
      summary: 'Change title, mode, model or instructions',
      request: { ...request, body: body(change) },
      responses: { 200: json(schemas.conversationSchema, 'The conversation'), ...commonProblems },
    },
    async (c) => {
      const { user_id, ...changes } = c.req.valid('json');
      if (changes.model) c.get('services').registry.resolve(changes.model);
      const userId = user_id ?? c.req.valid('query').user_id ?? null;
      const changed = await changeConversation(c.get('services').db, {
        id: c.req.valid('param').id,
        userId,
        change: changes,
      });
      return c.json(conversationView(required(changed, 'Conversation')), 200);
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
      responses: { 200: jsonOrStream(answered, 'The answer and all messages'), ...turnProblems },
    },
    (c) => {
      const conversationId = c.req.valid('param').id;
      const given = c.req.valid('json');
      const user_id = given.user_id ?? c.req.valid('query').user_id;
      return answerWith(
        c,
        { ...given, user_id, conversationId, text: given.message ?? given.content ?? '' },
        async (turn) => {
          const found = await transcriptOf(c, conversationId, user_id);
          return c.json({ ...answeredView(turn), messages: found.messages.map(messageView) });
        },
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
      summary: 'Say something and follow the answer by EventSource',
      middleware: [sameOriginOnly],
      request: { params: schemas.idParam, query: schemas.streamQuery },
      responses: {
        200: { description: 'The turn as native events', content: eventStreamContent },
        204: { description: 'Nothing is left after the cursor' },
        ...turnProblems,
      },
    },
    (c) =>
      answerEventSource(c, {
        conversationId: c.req.valid('param').id,
        query: c.req.valid('query'),
        wire: 'native',
      }),
  );

  return door;
}

type Creation = z.output<typeof creation>;

async function createEmpty(c: AppContext, given: Creation) {
  const conversation = await insertedConversation(c, given);
  c.header('Location', `${path}/${conversation.id}`);
  return c.json(conversationView(conversation), 200);
}

/** Makes a conversation without a turn, once for each Idempotency-Key. */
export async function insertedConversation(
  c: AppContext,
  given: Parameters<typeof newConversation>[1],
) {
  const idempotency = await idempotencyOf(c, given.user_id);
  const made = await createConversation(
    c.get('services').db,
    newConversation(c, given),
    idempotency,
  );
  if (made.kind === 'key_reused') throw keyReused();
  return made.value;
}

async function createWithMessage(c: AppContext, given: Creation, text: string): Promise<Response> {
  const { id: conversationId, ...create } = newConversation(c, given);
  const response = await answerWith(
    c,
    { ...given, model: null, conversationId, create, text },
    (turn) =>
      c.json({
        ...answeredView(turn),
        title: turn.head.title,
        created_at: time(turn.head.conversationCreatedAt),
      }),
  );
  const madeId = response.headers.get('X-Conversation-Id') ?? conversationId;
  response.headers.set('Location', `${path}/${madeId}`);
  return response;
}

export function answeredView({ head, message }: FinishedTurn) {
  return {
    conversation_id: head.conversationId,
    assistant_reply: contentOf(message.parts),
    turn_id: head.turnId,
    status: message.status,
    message: messageView(message),
  };
}

/** A conversation and its newest messages, with a link to the rest where there are more. */
export async function transcriptOf(
  c: AppContext,
  id: string,
  userId: string | undefined,
): Promise<Transcript> {
  const { db, config } = c.get('services');
  const slice = { newest: MOST_MESSAGES };
  const found = required(
    await readTranscript(db, { id, userId: userId ?? null, slice, leaseMs: config.TURN_LEASE_MS }),
    'Conversation',
  );
  if (found.more) c.header('Link', `<${path}/${id}/messages?limit=200>; rel="next"`);
  return found;
}

export async function messagePage(
  c: AppContext,
  id: string,
  { user_id, limit, cursor }: { user_id?: string; limit: number; cursor?: string },
) {
  const { db, config } = c.get('services');
  const after = Number(cursor ?? 0);
  const found = required(
    await readTranscript(db, {
      id,
      userId: user_id ?? null,
      slice: { limit, after },
      leaseMs: config.TURN_LEASE_MS,
    }),
    'Conversation',
  );
  linkNext(c, found.more ? (found.messages.at(-1)?.sequenceNumber ?? null) : null);
  return found.messages.map(messageView);
}

export async function deletedConversation(c: AppContext, id: string, userId: string | undefined) {
  const { db, rooms } = c.get('services');
  if (!(await deleteConversation(db, { id, userId: userId ?? null })))
    required(undefined, 'Conversation');
  await rooms.close(id);
  return { detail: `Conversation ${id} deleted successfully` };
}
