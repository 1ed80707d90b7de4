/** The routes of single responses: read, follow, stop, delete, and what they were asked. */
import { z } from '@hono/zod-openapi';
import { deleteLast, deleteMessage } from '../../actions/change-tree.ts';
import { invalid, notFound } from '../../core/errors.ts';
import type { StoredTurn } from '../../core/message.ts';
import { deleteConversation, readConversation } from '../../store/conversations.ts';
import { readPathTo } from '../../store/transcript.ts';
import { readTurn } from '../../store/turns/read.ts';
import { lastNumberOf, responseEvents } from '../../wire/responses/events.ts';
import { turnIdIn } from '../../wire/responses/ids.ts';
import { itemsOf } from '../../wire/responses/items.ts';
import { responseResource } from '../../wire/responses/resource.ts';
import { asOpenAiErrors } from '../openai/docs.ts';
import { streamOptions } from '../shared/answer-turn.ts';
import { nameClient } from '../shared/client-user.ts';
import { actionContext, type AppContext } from '../shared/dependencies.ts';
import { required } from '../shared/required.ts';
import { MAKES_NOTHING, ofTurn } from '../shared/response-docs.ts';
import { commonProblems, json, jsonOrStream } from '../shared/responses.ts';
import { route, type Router } from '../shared/router.ts';
import * as schemas from '../shared/schemas.ts';
import { streamTurn, turnHeaders } from '../shared/stream-turn.ts';
import { itemListSchema, listQuery, pageOfItems } from './lists.ts';
import { deletedSchema, responseSchema } from './schemas.ts';

const tags = ['openai'];
const problems = asOpenAiErrors(commonProblems);
const request = { params: schemas.idParam, query: schemas.ownerQuery };

const readQuery = schemas.ownerQuery.extend({
  stream: z.enum(['true', 'false']).optional(),
  starting_after: z
    .string()
    .regex(/^\d{1,15}$/, 'must be a number')
    .optional()
    .openapi({ description: 'The number of the last event that the client has' }),
  include_obfuscation: z.enum(['true', 'false']).optional(),
  ...schemas.includeFields,
});

export function addStored(router: Router): void {
  addReading(router);
  addCancel(router);
  addDeletion(router);
  addInputItems(router);
}

function addReading(router: Router): void {
  route(
    router,
    {
      method: 'get',
      path: '/v1/responses/{id}',
      tags,
      operationId: 'getResponse',
      summary: 'How a response stands; or its events, from the start or after a number',
      request: { params: schemas.idParam, query: readQuery },
      responses: { 200: jsonOrStream(responseSchema, 'The response'), ...problems },
    },
    async (c) => {
      const { stream, starting_after: after } = c.req.valid('query');
      if (after !== undefined && stream !== 'true')
        throw invalid('starting_after', 'starting_after: only a stream can start after an event');
      const turn = await turnOf(c);
      return stream === 'true' ? follow(c, turn, after) : shown(c, turn);
    },
  );
}

/** Follows a turn after an event. A number beyond the end of a turn that ended properly is none. */
async function follow(c: AppContext, turn: StoredTurn, after: string | undefined) {
  const number = after === undefined ? undefined : Number(after);
  const isLost = turn.error?.code === 'turn_lost';
  if (number !== undefined && !turn.running && !isLost && number > lastNumberOf(turn.head, turn))
    throw invalid('starting_after', 'starting_after is beyond the last event of this response');
  const wire = responseEvents(number);
  const { turns } = c.get('dependencies');
  const stream = await turns.follow(turn.head, streamOptions(wire, {}), undefined, turn);
  return streamTurn(c, required(stream, 'Response'), wire);
}

function addCancel(router: Router): void {
  route(
    router,
    {
      method: 'post',
      path: '/v1/responses/{id}/cancel',
      tags,
      [MAKES_NOTHING]: true,
      operationId: 'cancelResponse',
      summary: 'Stop a response, keeping what it has said',
      request,
      responses: { 200: ofTurn(json(responseSchema, 'The response')), ...problems },
    },
    async (c) => {
      const turn = await turnOf(c);
      if (!turn.running) return shown(c, turn);
      await c.get('dependencies').turns.cancel(turn.head);
      return shown(c, await turnOf(c));
    },
  );
}

function addDeletion(router: Router): void {
  route(
    router,
    {
      method: 'delete',
      path: '/v1/responses/{id}',
      tags,
      operationId: 'deleteResponse',
      summary: 'Delete a response with its input',
      request,
      responses: { 200: json(deletedSchema, 'Deleted'), ...problems },
    },
    async (c) => {
      await deleteTurn(c, await turnOf(c));
      const { id } = c.req.valid('param');
      return c.json({ id, object: 'response' as const, deleted: true });
    },
  );
}

/**
 * Deletes the question with its answer; the answer alone where the question has others.
 * @throws ParleyError `invalid_request` when something goes on from it
 */
async function deleteTurn(c: AppContext, { head, message }: StoredTurn): Promise<void> {
  const context = actionContext(c);
  await deleteLast(context, message.id);
  if (message.siblings.count === 1)
    await deleteMessage(context, { id: head.userMessage.id, onBusy: 'reject' });
  const mine = { id: head.conversationId, principal: c.get('principal') };
  const { db } = c.get('dependencies');
  const left = head.created ? await readConversation(db, mine) : undefined;
  if (left && left.headMessageId === null) await deleteConversation(db, mine);
}

function addInputItems(router: Router): void {
  route(
    router,
    {
      method: 'get',
      path: '/v1/responses/{id}/input_items',
      tags,
      operationId: 'listInputItems',
      summary: 'What a response answers: its input, and all before it',
      request: { params: schemas.idParam, query: listQuery },
      responses: { 200: json(itemListSchema, 'The items'), ...problems },
    },
    async (c) => {
      const { head } = await turnOf(c);
      const { db } = c.get('dependencies');
      const messages = await readPathTo(db, {
        messageId: head.userMessage.id,
        principal: c.get('principal'),
      });
      return c.json(pageOfItems(messages.flatMap(itemsOf), c.req.valid('query')));
    },
  );
}

function shown(c: AppContext, turn: StoredTurn): Response {
  return c.json(responseResource(turn.head, turn), 200, turnHeaders(turn.head));
}

/** Reads the turn that the path names. @throws ParleyError `not_found` */
async function turnOf(c: AppContext): Promise<StoredTurn> {
  nameClient(c, {});
  const { db, config } = c.get('dependencies');
  const turnId = turnIdIn(c.req.param('id') ?? '');
  const principal = c.get('principal');
  const found = await readTurn(db, { turnId, principal, leaseMs: config.TURN_LEASE_MS });
  if (!found) throw notFound('Response');
  return found;
}
