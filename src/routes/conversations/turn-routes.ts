/** The calls that start a turn, which several doors have under names of their own. */
import type { z } from '@hono/zod-openapi';
import type { WireName } from '../../wire/wire.ts';
import type { FinishedTurn } from '../../wire/outcome.ts';
import { answerEventSource, answerWith } from '../shared/answer-turn.ts';
import type { RouteBase } from './crud-routes.ts';
import {
  body,
  eventStreamContent,
  jsonOrStream,
  route,
  sameOriginOnly,
  textStreamContent,
  turnProblems,
  type Router,
} from '../shared/router.ts';
import * as schemas from '../shared/schemas.ts';
import type { AppContext } from '../shared/dependencies.ts';

const request = { params: schemas.idParam, query: schemas.ownerQuery };

const posting = schemas.withMessage(
  schemas.bodyOf({ ...schemas.turnFields, ...schemas.messageFields }),
);

/** `POST {path}/{id}/{last}`: says something; the whole answer is as `render` makes it. */
export function addPosting<Schema extends z.ZodType>(
  router: Router,
  {
    path,
    tags,
    last,
    answer,
    render,
  }: Pick<RouteBase, 'path' | 'tags'> & {
    last: 'message' | 'messages';
    answer: Schema;
    render: (turn: FinishedTurn, c: AppContext) => object | Promise<object>;
  },
): void {
  const responses = { 200: jsonOrStream(answer, 'The answer'), ...turnProblems };
  route(
    router,
    {
      method: 'post',
      path: `${path}/{id}/${last}`,
      tags,
      summary: 'Say something and get the answer',
      request: { ...request, body: body(posting) },
      responses,
    },
    (c) => {
      const given = c.req.valid('json');
      const ask = {
        ...given,
        conversationId: c.req.valid('param').id,
        text: given.message ?? given.content ?? '',
      };
      return answerWith(c, ask, async (turn) => c.json(await render(turn, c)));
    },
  );
}

/** `GET {path}/{id}/stream?message=`: says something and follows the answer, by EventSource. */
export function addStream(
  router: Router,
  { path, tags, wire }: Pick<RouteBase, 'path' | 'tags'> & { wire: WireName },
): void {
  const responses = {
    200:
      wire === 'text'
        ? { description: 'The text, then [DONE]', content: textStreamContent }
        : { description: 'The turn as native events', content: eventStreamContent },
    204: { description: 'Nothing is left after the cursor' },
    ...turnProblems,
  };
  route(
    router,
    {
      method: 'get',
      path: `${path}/{id}/stream`,
      tags,
      summary: 'Say something and follow the answer by EventSource',
      middleware: [sameOriginOnly],
      request: { params: schemas.idParam, query: schemas.streamQuery },
      responses,
    },
    (c) =>
      answerEventSource(c, {
        conversationId: c.req.valid('param').id,
        query: c.req.valid('query'),
        wire,
      }),
  );
}
