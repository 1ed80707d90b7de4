/**
 * The routes that make and change conversations, which several APIs share. Each API has its own
 * paths, but a conversation is the same in all of them.
 */
import { forkConversation, switchTo } from '../../actions/change-tree.ts';
import { noteMade } from '../../actions/new-conversations.ts';
import { newConversation, type ConversationFields } from '../../actions/start-turn.ts';
import { keyReused, notFound } from '../../core/errors.ts';
import { userIdOf } from '../../core/principal.ts';
import {
  changeConversation,
  createConversation,
  deleteConversation,
} from '../../store/conversations.ts';
import { conversationView } from '../../wire/views.ts';
import { actionContext, type AppContext } from '../shared/dependencies.ts';
import { idempotencyKey } from '../shared/idempotency-key.ts';
import { required } from '../shared/required.ts';
import { body, commonProblems, json, turnProblems } from '../shared/responses.ts';
import { made } from '../shared/response-docs.ts';
import { route, type Router } from '../shared/router.ts';
import { conversationSchema, detailSchema } from '../shared/answer-schemas.ts';
import { bodyOf } from '../shared/known-fields.ts';
import * as schemas from '../shared/schemas.ts';
import type { RouteBase } from './route-base.ts';

const request = { params: schemas.idParam, query: schemas.ownerQuery };

const creation = bodyOf({
  user_id: schemas.userId.optional(),
  ...schemas.conversationFields,
});

/** Adds `POST {path}`: makes a conversation without a turn. */
export function addCreation(router: Router, { path, tags, noun, name }: RouteBase): void {
  const responses = {
    200: made(json(conversationSchema, `The ${noun.toLowerCase()}`)),
    ...turnProblems,
  };
  route(
    router,
    {
      method: 'post',
      path,
      tags,
      operationId: `create${name}`,
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
  given: ConversationFields,
): Promise<Response> {
  const conversation = await newConversation(actionContext(c), given);
  const idempotency = await idempotencyKey(c, { scope: conversation.userId });
  const made = await createConversation(c.get('dependencies').db, { conversation, idempotency });
  if (made.kind === 'key_reused') throw keyReused();
  if (made.kind === 'deleted') throw notFound('Conversation');
  noteMade(made.value);
  c.header('Location', `${path}/${made.value.id}`);
  return c.json(conversationView(made.value));
}

const change = bodyOf({
  user_id: schemas.userId.optional(),
  title: schemas.title.optional(),
  mode: schemas.mode.optional(),
  model: schemas.modelName.nullable().optional(),
  instructions: schemas.instructions.nullable().optional(),
  head_message_id: schemas.id.optional().openapi({
    description: 'Makes the path to the newest leaf below this message the active one',
  }),
  on_busy: schemas.turnFields.on_busy,
});

/** Adds `PATCH {path}/{id}`: changes the given fields and no others. */
export function addChange(router: Router, { path, tags, noun, name }: RouteBase): void {
  const responses = {
    200: json(conversationSchema, `The ${noun.toLowerCase()}`),
    ...commonProblems,
  };
  route(
    router,
    {
      method: 'patch',
      path: `${path}/{id}`,
      tags,
      operationId: `update${name}`,
      summary: 'Change title, mode, model, instructions or the active path',
      request: { ...request, body: body(change) },
      responses,
    },
    async (c) => {
      const { user_id: _, head_message_id, on_busy, ...change } = c.req.valid('json');
      const { db, registry } = c.get('dependencies');
      const { id } = c.req.valid('param');
      const principal = c.get('principal');
      if (change.model) await registry.find(change.model);
      if (head_message_id !== undefined)
        await switchTo(actionContext(c), {
          conversationId: id,
          messageId: head_message_id,
          onBusy: on_busy ?? 'reject',
        });
      const changed = await changeConversation(db, { id, principal, change });
      return c.json(conversationView(required(changed, noun)));
    },
  );
}

/**
 * Adds `DELETE {path}/{id}`: deletes a conversation with everything in it, and cancels the turn
 * that runs there.
 */
export function addDeletion(router: Router, { path, tags, noun, name }: RouteBase): void {
  const responses = { 200: json(detailSchema, 'Deleted'), ...commonProblems };
  route(
    router,
    {
      method: 'delete',
      path: `${path}/{id}`,
      tags,
      operationId: `delete${name}`,
      summary: `Delete a ${noun.toLowerCase()} and all in it`,
      request,
      responses,
    },
    async (c) => {
      const { id } = c.req.valid('param');
      const { db, turns } = c.get('dependencies');
      const wasThere = await deleteConversation(db, { id, principal: c.get('principal') });
      required(wasThere || undefined, noun);
      await turns.close(id);
      return c.json({ detail: `Conversation ${id} deleted successfully` });
    },
  );
}

const forking = bodyOf({
  user_id: schemas.userId.optional(),
  message_id: schemas.id.optional().openapi({
    description: 'The last message to copy; without it, the end of the active path',
  }),
  on_busy: schemas.turnFields.on_busy,
});

/** Adds `POST {path}/{id}/fork`: makes a conversation with a copy of the path up to a message. */
export function addFork(router: Router, { path, tags, noun, name }: RouteBase): void {
  const responses = {
    200: made(json(conversationSchema, `The new ${noun.toLowerCase()}`)),
    ...turnProblems,
  };
  route(
    router,
    {
      method: 'post',
      path: `${path}/{id}/fork`,
      tags,
      operationId: `fork${name}`,
      summary: `Copy a path into a new ${noun.toLowerCase()}`,
      request: { ...request, body: { ...body(forking), required: false } },
      responses,
    },
    async (c) => {
      const { message_id: messageId, on_busy: onBusy = 'reject' } = c.req.valid('json');
      const conversationId = c.req.valid('param').id;
      const scope = userIdOf(c.get('principal')) ?? conversationId;
      const idempotency = await idempotencyKey(c, { scope });
      const change = { conversationId, messageId, onBusy, idempotency };
      const made = await forkConversation(actionContext(c), change);
      c.header('Location', `${path}/${made.id}`);
      return c.json(conversationView(made));
    },
  );
}
