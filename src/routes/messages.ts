/** The routes of single messages: answer again, edit, delete a branch. */
import { deleteMessage, requireMessage } from '../actions/change-tree.ts';
import { editInput, regenerateInput } from '../actions/turn-input.ts';
import { answered, renderAnswered } from './conversations/answered.ts';
import { answerTurn } from './shared/answer-turn.ts';
import { actionContext } from './shared/dependencies.ts';
import { body, commonProblems, json, jsonOrStream, turnProblems } from './shared/responses.ts';
import { paged } from './shared/response-docs.ts';
import { createRouter, route, type Router } from './shared/router.ts';
import { detailSchema } from './shared/answer-schemas.ts';
import { bodyOf } from './shared/known-fields.ts';
import * as schemas from './shared/schemas.ts';

const tags = ['messages'];
const request = { params: schemas.idParam, query: schemas.ownerQuery };

const regenerating = bodyOf(schemas.turnFields);
const editing = schemas.withMessage(bodyOf({ ...schemas.turnFields, ...schemas.messageFields }));

export function messagesRouter() {
  const router = createRouter();
  addRegenerate(router);
  addEdit(router);
  addDeletion(router);
  return router;
}

function addRegenerate(router: Router): void {
  route(
    router,
    {
      method: 'post',
      path: '/messages/{id}/regenerate',
      tags,
      operationId: 'regenerateMessage',
      summary: 'Answer a message again, beside the answers that it has',
      description: 'Names an answer, or the user’s message that is to be answered.',
      request: { ...request, body: { ...body(regenerating), required: false } },
      responses: { 200: paged(jsonOrStream(answered, 'The answer')), ...turnProblems },
    },
    async (c) => {
      const message = await requireMessage(actionContext(c), c.req.valid('param').id);
      const ask = { ...message, input: regenerateInput(message) };
      return answerTurn(c, { ask, fields: c.req.valid('json') }, renderAnswered(c));
    },
  );
}

function addEdit(router: Router): void {
  route(
    router,
    {
      method: 'post',
      path: '/messages/{id}/edit',
      tags,
      operationId: 'editMessage',
      summary: 'Say a message differently, beside the old one',
      request: { ...request, body: body(editing) },
      responses: { 200: paged(jsonOrStream(answered, 'The answer')), ...turnProblems },
    },
    async (c) => {
      const given = c.req.valid('json');
      const message = await requireMessage(actionContext(c), c.req.valid('param').id);
      const ask = { ...message, input: editInput(message, given) };
      return answerTurn(c, { ask, fields: given }, renderAnswered(c));
    },
  );
}

function addDeletion(router: Router): void {
  route(
    router,
    {
      method: 'delete',
      path: '/messages/{id}',
      tags,
      operationId: 'deleteMessage',
      summary: 'Delete a message with all that follows it',
      request: {
        params: schemas.idParam,
        query: schemas.ownerQuery.extend({ on_busy: schemas.turnFields.on_busy }),
      },
      responses: { 200: json(detailSchema, 'Deleted'), ...commonProblems },
    },
    async (c) => {
      const { id } = c.req.valid('param');
      const { on_busy: onBusy = 'reject' } = c.req.valid('query');
      await deleteMessage(actionContext(c), { id, onBusy });
      return c.json({ detail: `Message ${id} deleted successfully` }, 200);
    },
  );
}
