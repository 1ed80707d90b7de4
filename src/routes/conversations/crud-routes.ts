/** The calls that several doors have under names of their own: a conversation is the same thing behind each. */
import { z } from '@hono/zod-openapi';
import { keyReused, notFound } from '../../core/errors.ts';
import {
  changeConversation,
  createConversation,
  deleteConversation,
  listConversations,
  readTranscript,
  type Slice,
  type Transcript,
} from '../../store/conversations.ts';
import { conversationView, messageView, type MessageView } from '../../wire/views.ts';
import { newConversation, required } from '../shared/answer-turn.ts';
import {
  body,
  commonProblems,
  json,
  linkNext,
  route,
  turnProblems,
  type Router,
} from '../shared/router.ts';
import { requiredCaller } from '../shared/identify.ts';
import { idempotencyOf } from '../shared/idempotency-key.ts';
import * as schemas from '../shared/schemas.ts';
import type { AppContext } from '../shared/dependencies.ts';

/** Where a router has its conversations, and what it calls one. */
export interface RouteBase {
  path: string;
  tags: string[];
  noun: 'Conversation' | 'Chat';
}

/** As many messages as an answer holds; the rest is behind the link. */
const MOST_MESSAGES = 1_000;

const request = { params: schemas.idParam, query: schemas.ownerQuery };

const creation = schemas.bodyOf({
  user_id: schemas.userId.optional(),
  title: schemas.title.nullish(),
  mode: schemas.mode.optional(),
  model: schemas.modelName.nullish(),
  instructions: schemas.instructions.nullish(),
});

/** `POST {path}`: a conversation without a turn. */
export function addCreation(router: Router, { path, tags, noun }: RouteBase): void {
  const responses = {
    200: json(schemas.conversationSchema, `The ${noun.toLowerCase()}`),
    ...turnProblems,
  };
  route(
    router,
    {
      method: 'post',
      path,
      tags,
      summary: `Make a ${noun.toLowerCase()}`,
      request: { query: schemas.ownerQuery, body: body(creation) },
      responses,
    },
    (c) => created(c, path, c.req.valid('json')),
  );
}

/** Makes a conversation without a turn, once for each Idempotency-Key, and answers with it. */
export async function created(
  c: AppContext,
  path: string,
  given: z.output<typeof creation>,
): Promise<Response> {
  const idempotency = await idempotencyOf(c, requiredCaller(c));
  const made = await createConversation(
    c.get('services').db,
    newConversation(c, given),
    idempotency,
  );
  if (made.kind === 'key_reused') throw keyReused();
  if (made.kind === 'deleted') throw notFound('Conversation');
  c.header('Location', `${path}/${made.value.id}`);
  return c.json(conversationView(made.value));
}

/** `GET {path}?user_id=`: a user's conversations. */
export function addList(router: Router, { path, tags, noun }: RouteBase): void {
  const responses = {
    200: json(z.array(schemas.conversationSchema), 'Newest first'),
    ...commonProblems,
  };
  route(
    router,
    {
      method: 'get',
      path,
      tags,
      summary: `A user’s ${noun.toLowerCase()}s, newest first`,
      request: { query: schemas.pageQuery },
      responses,
    },
    async (c) => {
      const { user_id: userId, limit, cursor } = c.req.valid('query');
      const page = await listConversations(c.get('services').db, { userId, limit, cursor });
      linkNext(c, page.next);
      return c.json(page.items.map(conversationView));
    },
  );
}

const transcript = schemas.conversationSchema
  .extend({ messages: z.array(schemas.messageSchema) })
  .openapi('Transcript');

/** `GET {path}/{id}`: a conversation with its messages. */
export function addTranscript(router: Router, { path, tags }: RouteBase): void {
  const responses = { 200: json(transcript, 'The conversation'), ...commonProblems };
  route(
    router,
    {
      method: 'get',
      path: `${path}/{id}`,
      tags,
      summary: 'A conversation with its messages',
      request,
      responses,
    },
    async (c) => {
      const found = required(await transcriptOf(c, c.req.valid('param').id), 'Conversation');
      return c.json({
        ...conversationView(found.conversation),
        messages: found.messages.map(messageView),
      });
    },
  );
}

/** A conversation and its newest messages, with a link to the rest where there are more; undefined where there is none for this caller. */
export async function transcriptOf(c: AppContext, id: string): Promise<Transcript | undefined> {
  const found = await sliceOf(c, id, { newest: MOST_MESSAGES });
  if (found?.more) c.header('Link', `</conversations/${id}/messages?limit=200>; rel="next"`);
  return found;
}

function sliceOf(c: AppContext, id: string, slice: Slice): Promise<Transcript | undefined> {
  const { db, config } = c.get('services');
  const userId = c.get('caller') ?? null;
  return readTranscript(db, { id, userId, slice, leaseMs: config.TURN_LEASE_MS });
}

/** `GET {path}/{id}/messages`: a page of messages, each as `view` shows it. */
export function addMessages(
  router: Router,
  { path, tags }: RouteBase,
  view: (message: MessageView) => MessageView = (message) => message,
): void {
  const responses = {
    200: json(z.array(schemas.messageSchema), 'Oldest first'),
    ...commonProblems,
  };
  const query = schemas.messagePageQuery;
  route(
    router,
    {
      method: 'get',
      path: `${path}/{id}/messages`,
      tags,
      summary: 'The messages, oldest first',
      request: { ...request, query },
      responses,
    },
    async (c) => {
      const { limit, cursor } = c.req.valid('query');
      const slice = { limit, after: Number(cursor ?? 0) };
      const found = required(await sliceOf(c, c.req.valid('param').id, slice), 'Conversation');
      linkNext(c, found.more ? (found.messages.at(-1)?.sequenceNumber ?? null) : null);
      return c.json(found.messages.map((message) => view(messageView(message))));
    },
  );
}

const change = schemas.bodyOf({
  user_id: schemas.userId.optional(),
  title: schemas.title.optional(),
  mode: schemas.mode.optional(),
  model: schemas.modelName.nullable().optional(),
  instructions: schemas.instructions.nullable().optional(),
});

/** `PATCH {path}/{id}`: changes what is given and nothing else. */
export function addChange(router: Router, { path, tags, noun }: RouteBase): void {
  const responses = {
    200: json(schemas.conversationSchema, `The ${noun.toLowerCase()}`),
    ...commonProblems,
  };
  route(
    router,
    {
      method: 'patch',
      path: `${path}/{id}`,
      tags,
      summary: 'Change title, mode, model or instructions',
      request: { ...request, body: body(change) },
      responses,
    },
    async (c) => {
      const { user_id: _, ...changes } = c.req.valid('json');
      const { db, registry } = c.get('services');
      if (changes.model) registry.resolve(changes.model);
      const userId = c.get('caller') ?? null;
      const changed = await changeConversation(db, {
        id: c.req.valid('param').id,
        userId,
        change: changes,
      });
      return c.json(conversationView(required(changed, noun)));
    },
  );
}

/** `DELETE {path}/{id}`: the conversation and all in it; a turn that runs there is cancelled. */
export function addDeletion(router: Router, { path, tags, noun }: RouteBase): void {
  const responses = { 200: json(schemas.detailSchema, 'Deleted'), ...commonProblems };
  route(
    router,
    {
      method: 'delete',
      path: `${path}/{id}`,
      tags,
      summary: `Delete a ${noun.toLowerCase()} and all in it`,
      request,
      responses,
    },
    async (c) => {
      const { id } = c.req.valid('param');
      const { db, rooms } = c.get('services');
      const wasThere = await deleteConversation(db, {
        id,
        userId: c.get('caller') ?? null,
      });
      required(wasThere || undefined, noun);
      await rooms.close(id);
      return c.json({ detail: `Conversation ${id} deleted successfully` });
    },
  );
}
