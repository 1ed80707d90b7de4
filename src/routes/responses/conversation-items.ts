/** The items of OpenAI's conversations: the messages of the active path. */
import { z } from '@hono/zod-openapi';
import { deleteLast } from '../../actions/change-tree.ts';
import { invalid, notFound, ParleyError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import { appendMessages, identified } from '../../store/append-messages.ts';
import { readConversation } from '../../store/conversations.ts';
import { readTranscript } from '../../store/transcript.ts';
import { parseItemId } from '../../wire/responses/ids.ts';
import { itemsOf } from '../../wire/responses/items.ts';
import { asOpenAiErrors } from '../openai/docs.ts';
import { actionContext, type AppContext } from '../shared/dependencies.ts';
import { required } from '../shared/required.ts';
import { body, json, turnProblems } from '../shared/responses.ts';
import { route, type Router } from '../shared/router.ts';
import * as schemas from '../shared/schemas.ts';
import { mineIn, MOST_NEW_ITEMS, shownConversation } from './conversations.ts';
import { inputItem, itemsIn, type InputItem } from './input.ts';
import { adoptBegun, partedBy } from './known-items.ts';
import { itemListSchema, listQuery, pageOfItems } from './lists.ts';
import { conversationSchema } from './schemas.ts';

const tags = ['openai'];
const problems = asOpenAiErrors(turnProblems);
const path = '/v1/conversations/{id}/items';
const onePath = `${path}/{item_id}` as const;
const itemParams = schemas.idParam.extend({ item_id: schemas.id });
const itemSchema = z.looseObject({ type: z.string(), id: z.string() }).openapi('Item');

const newItems = z
  .looseObject({ items: z.array(inputItem).min(1).max(MOST_NEW_ITEMS) })
  .openapi('NewItems');

/** The most messages of a conversation that lists show: the newest. */
const MOST_MESSAGES = 1_000;

export function addConversationItems(router: Router): void {
  addAppending(router);
  addListing(router);
  addReading(router);
  addDeletion(router);
}

function addAppending(router: Router): void {
  route(
    router,
    {
      method: 'post',
      path,
      tags,
      operationId: 'createItems',
      summary: 'Add items at the end of a conversation; nothing answers them',
      request: {
        params: schemas.idParam,
        query: schemas.ownerQuery.extend(schemas.includeFields),
        body: body(newItems),
      },
      responses: { 200: json(itemListSchema, 'The items'), ...problems },
    },
    async (c) => {
      const items = itemsIn(c.req.valid('json').items);
      if (items.some(({ kind }) => kind === 'instructions'))
        throw invalid('items', 'items: instructions can only begin a conversation');
      const stored = await storedIn(c, items);
      const { known, added } = partedBy(stored, items);
      const given = identified(added);
      if (given.length > 0) await append(c, given, stored.at(-1)?.id ?? null);
      const appended = (await messagesIn(c)).filter(({ id }) => given.some((one) => one.id === id));
      const all = [...known, ...appended].flatMap(itemsOf);
      return c.json(pageOfItems(all, { order: 'asc', limit: all.length }));
    },
    { takesHistory: true },
  );
}

/** Reads what is in the conversation, after it has got what its client has begun elsewhere. */
async function storedIn(c: AppContext, items: readonly InputItem[]): Promise<Message[]> {
  const stored = await messagesIn(c);
  const { id } = mineIn(c);
  return stored.length === 0 && (await adoptBegun(c, { id, items })) ? messagesIn(c) : stored;
}

async function append(
  c: AppContext,
  given: ReturnType<typeof identified>,
  after: string | null,
): Promise<void> {
  const { db } = c.get('dependencies');
  if (await appendMessages(db, { ...mineIn(c), after, given })) return;
  const detail = 'Another turn is in progress in this conversation, or has just ended';
  throw new ParleyError({ code: 'turn_in_progress', detail, retryAfter: 1 });
}

function addListing(router: Router): void {
  route(
    router,
    {
      method: 'get',
      path,
      tags,
      operationId: 'listItems',
      summary: 'The items of a conversation',
      request: { params: schemas.idParam, query: listQuery },
      responses: { 200: json(itemListSchema, 'The items'), ...problems },
    },
    async (c) => {
      const items = (await messagesIn(c)).flatMap(itemsOf);
      return c.json(pageOfItems(items, c.req.valid('query')));
    },
  );
}

function addReading(router: Router): void {
  route(
    router,
    {
      method: 'get',
      path: onePath,
      tags,
      operationId: 'getItem',
      summary: 'An item of a conversation',
      request: { params: itemParams, query: schemas.ownerQuery.extend(schemas.includeFields) },
      responses: { 200: json(itemSchema, 'The item'), ...problems },
    },
    async (c) => {
      const { item_id: itemId } = c.req.valid('param');
      const items = (await messagesIn(c)).flatMap(itemsOf);
      return c.json(
        required(
          items.find(({ id }) => id === itemId),
          'Item',
        ),
      );
    },
  );
}

function addDeletion(router: Router): void {
  route(
    router,
    {
      method: 'delete',
      path: onePath,
      tags,
      operationId: 'deleteItem',
      summary: 'Delete the last message of a conversation, by an item of it',
      request: { params: itemParams, query: schemas.ownerQuery },
      responses: { 200: json(conversationSchema, 'The conversation'), ...problems },
    },
    async (c) => {
      const { item_id: itemId } = c.req.valid('param');
      const message = (await messagesIn(c)).find(({ id }) => id === parseItemId(itemId)?.messageId);
      if (!message) throw notFound('Item');
      await deleteLast(actionContext(c), message.id);
      const { db } = c.get('dependencies');
      return c.json(
        shownConversation(required(await readConversation(db, mineIn(c)), 'Conversation')),
      );
    },
  );
}

/** Reads the messages of the active path. @throws ParleyError `not_found` */
async function messagesIn(c: AppContext): Promise<Message[]> {
  const { db, config } = c.get('dependencies');
  const slice = { newest: MOST_MESSAGES };
  const leaseMs = config.TURN_LEASE_MS;
  const found = await readTranscript(db, { ...mineIn(c), slice, leaseMs });
  return required(found, 'Conversation').messages;
}
