/** OpenAI's conversations: the same conversations as everywhere, by their ids. */
import { z } from '@hono/zod-openapi';
import { withUser } from '../../actions/client-chat.ts';
import { newConversation } from '../../actions/start-turn.ts';
import { invalid, keyReused, notFound } from '../../core/errors.ts';
import type { Conversation } from '../../core/conversation.ts';
import { requireUserId } from '../../core/principal.ts';
import { titleFrom } from '../../core/title.ts';
import { contentOf } from '../../core/parts.ts';
import { identified, pathOf, type GivenMessage } from '../../store/append-messages.ts';
import {
  changeConversation,
  createConversation,
  deleteConversation,
  readConversation,
} from '../../store/conversations.ts';
import { conversationId, conversationIdIn } from '../../wire/responses/ids.ts';
import { asOpenAiErrors } from '../openai/docs.ts';
import { nameClient } from '../shared/client-user.ts';
import { actionContext, type AppContext } from '../shared/dependencies.ts';
import { idempotencyKey } from '../shared/idempotency-key.ts';
import { required } from '../shared/required.ts';
import { MAKES_NOTHING, made } from '../shared/response-docs.ts';
import { body, commonProblems, json } from '../shared/responses.ts';
import { route, type Router } from '../shared/router.ts';
import * as schemas from '../shared/schemas.ts';
import { metadata } from './body.ts';
import { inputItem, itemsIn } from './input.ts';
import { messagesOf } from './item-messages.ts';
import { instructionsIn } from './said-in-items.ts';
import { conversationSchema, deletedSchema } from './schemas.ts';

const tags = ['openai'];
const problems = asOpenAiErrors(commonProblems);
const request = { params: schemas.idParam, query: schemas.ownerQuery };

/** The most items that are sent at once. */
export const MOST_NEW_ITEMS = 1_000;

const newBody = z
  .looseObject({
    items: z.array(inputItem).max(MOST_NEW_ITEMS).nullish(),
    metadata: metadata.nullish(),
  })
  .openapi('NewOpenAiConversation');
const changeBody = z
  .looseObject({ metadata: metadata.nullable() })
  .openapi('OpenAiConversationChange');

export function addConversations(router: Router): void {
  addCreation(router);
  addReading(router);
  addChange(router);
  addDeletion(router);
}

function addCreation(router: Router): void {
  route(
    router,
    {
      method: 'post',
      path: '/v1/conversations',
      tags,
      operationId: 'createOpenAiConversation',
      summary: 'Make a conversation, empty or with items',
      request: { query: schemas.ownerQuery, body: { ...body(newBody), required: false } },
      responses: { 200: made(json(conversationSchema, 'The conversation')), ...problems },
    },
    async (c) => {
      const { items, metadata: pairs } = c.req.valid('json');
      nameClient(c, { metadata: pairs });
      const given = itemsIn(items ?? []);
      const conversation = await make(c, {
        messages: messagesOf(given),
        instructions: instructionsIn(given),
        pairs: pairs ?? null,
      });
      c.header('Location', `/v1/conversations/${conversationId(conversation.id)}`);
      return c.json(shownConversation(conversation));
    },
    { takesHistory: true },
  );
}

interface Given {
  messages: GivenMessage[];
  instructions: string;
  pairs: Record<string, string> | null;
}

async function make(c: AppContext, given: Given): Promise<Conversation> {
  const context = withUser(actionContext(c));
  const { db, config } = context.dependencies;
  const userId = requireUserId(context.principal);
  const idempotency = await idempotencyKey(c, { scope: userId });
  const instructions = schemas.instructions.safeParse(given.instructions);
  if (!instructions.success) throw invalid('items', 'items: the instructions are too long');
  const first = given.messages.find(({ role }) => role === 'user');
  const title = titleFrom({ text: contentOf(first?.parts ?? []), words: config.TITLE_WORD_LIMIT });
  const fields = await newConversation(context, {
    title,
    instructions: instructions.data === '' ? null : instructions.data,
  });
  const path = pathOf(fields.id, identified(given.messages));
  const conversation = { ...fields, metadata: given.pairs };
  const result = await createConversation(db, { conversation, path, idempotency });
  if (result.kind === 'key_reused') throw keyReused();
  if (result.kind === 'deleted') throw notFound('Conversation');
  return result.value;
}

function addReading(router: Router): void {
  route(
    router,
    {
      method: 'get',
      path: '/v1/conversations/{id}',
      tags,
      operationId: 'getOpenAiConversation',
      summary: 'A conversation without its items',
      request,
      responses: { 200: json(conversationSchema, 'The conversation'), ...problems },
    },
    async (c) => {
      const { db } = c.get('dependencies');
      return c.json(
        shownConversation(required(await readConversation(db, mineIn(c)), 'Conversation')),
      );
    },
  );
}

function addChange(router: Router): void {
  route(
    router,
    {
      method: 'post',
      path: '/v1/conversations/{id}',
      tags,
      [MAKES_NOTHING]: true,
      operationId: 'updateOpenAiConversation',
      summary: 'Change the metadata of a conversation',
      request: { ...request, body: body(changeBody) },
      responses: { 200: json(conversationSchema, 'The conversation'), ...problems },
    },
    async (c) => {
      const change = { metadata: c.req.valid('json').metadata };
      const { db } = c.get('dependencies');
      const changed = await changeConversation(db, { ...mineIn(c), change });
      return c.json(shownConversation(required(changed, 'Conversation')));
    },
  );
}

function addDeletion(router: Router): void {
  route(
    router,
    {
      method: 'delete',
      path: '/v1/conversations/{id}',
      tags,
      operationId: 'deleteOpenAiConversation',
      summary: 'Delete a conversation and all in it',
      request,
      responses: { 200: json(deletedSchema, 'Deleted'), ...problems },
    },
    async (c) => {
      const mine = mineIn(c);
      const { db, turns } = c.get('dependencies');
      required((await deleteConversation(db, mine)) || undefined, 'Conversation');
      await turns.close(mine.id);
      const object = 'conversation.deleted' as const;
      return c.json({ id: conversationId(mine.id), object, deleted: true });
    },
  );
}

/** Returns the conversation that the path names, with the caller who asks for it. */
export function mineIn(c: AppContext) {
  nameClient(c, {});
  return { id: conversationIdIn(c.req.param('id') ?? ''), principal: c.get('principal') };
}

/** Returns a conversation as OpenAI's clients read it. */
export function shownConversation({ id, createdAt, metadata: pairs }: Conversation) {
  return {
    id: conversationId(id),
    object: 'conversation' as const,
    created_at: Math.trunc(createdAt / 1000),
    metadata: pairs ?? {},
  };
}
