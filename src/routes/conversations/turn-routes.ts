/** The routes that start a turn, which several APIs have under paths of their own. */
import type { z } from '@hono/zod-openapi';
import type { FinishedTurn } from '../../core/message.ts';
import { textSse } from '../../wire/text-sse.ts';
import type { Wire } from '../../wire/wire.ts';
import { messageInput } from '../../actions/turn-input.ts';
import { answerTurn } from '../shared/answer-turn.ts';
import type { AppContext } from '../shared/dependencies.ts';
import { answerEventSource } from '../shared/event-source.ts';
import {
  body,
  eventStreamContent,
  type jsonOrStream,
  textStreamContent,
  turnProblems,
} from '../shared/responses.ts';
import { ofTurn } from '../shared/response-docs.ts';
import { answerFields } from '../shared/tool-results.ts';
import { route, type Router } from '../shared/router.ts';
import { bodyOf } from '../shared/known-fields.ts';
import * as schemas from '../shared/schemas.ts';
import type { RouteBase } from './route-base.ts';

const request = { params: schemas.idParam, query: schemas.ownerQuery };

const posting = schemas.withMessage(
  bodyOf({
    ...schemas.turnFields,
    ...schemas.messageFields,
    ...answerFields,
    ...schemas.parentField,
  }),
);

/**
 * Adds `POST {path}/{id}/{last}`: sends a message; `render` says what is told of the whole
 * answer.
 */
export function addPosting<Schema extends z.ZodType>(
  router: Router,
  {
    path,
    tags,
    last,
    operationId,
    response,
    render,
  }: Pick<RouteBase, 'path' | 'tags'> & {
    last: 'message' | 'messages';
    operationId: string;
    response: ReturnType<typeof jsonOrStream<Schema>>;
    render: (c: AppContext) => (turn: FinishedTurn) => object | Promise<object>;
  },
): void {
  const responses = { 200: response, ...turnProblems };
  route(
    router,
    {
      method: 'post',
      path: `${path}/{id}/${last}`,
      tags,
      operationId,
      summary: 'Say something and get the answer',
      request: { ...request, body: body(posting) },
      responses,
    },
    (c) => {
      const fields = c.req.valid('json');
      const conversationId = c.req.valid('param').id;
      const ask = { conversationId, input: messageInput(fields) };
      return answerTurn(c, { ask, fields }, render(c));
    },
  );
}

/**
 * Adds `GET {path}/{id}/stream?message=`: sends a message and streams the answer to an EventSource.
 */
export function addStream(
  router: Router,
  { path, tags, name, wire }: Pick<RouteBase, 'path' | 'tags' | 'name'> & { wire: Wire },
): void {
  const responses = {
    200:
      wire === textSse
        ? ofTurn({ description: 'The text, then [DONE]', content: textStreamContent })
        : ofTurn({ description: 'The turn as native events', content: eventStreamContent }),
    204: { description: 'Nothing is left after the cursor' },
    ...turnProblems,
  };
  route(
    router,
    {
      method: 'get',
      path: `${path}/{id}/stream`,
      tags,
      operationId: `stream${name}`,
      summary: 'Say something and follow the answer by EventSource',
      request: { params: schemas.idParam, query: schemas.streamQuery },
      responses,
    },
    (c) =>
      answerEventSource(c, {
        conversationId: c.req.valid('param').id,
        query: c.req.valid('query'),
        wire,
      }),
    { startsTurn: true, takesTicket: true },
  );
}
