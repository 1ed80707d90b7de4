/** The first API of conversations: each answer comes with all messages of its conversation. */
import { z } from '@hono/zod-openapi';
import type { FinishedTurn } from '../../core/message.ts';
import { nativeSse } from '../../wire/native-sse.ts';
import { time } from '../../wire/views.ts';
import { messageInput } from '../../actions/turn-input.ts';
import { answerTurn } from '../shared/answer-turn.ts';
import type { AppContext } from '../shared/dependencies.ts';
import { body, jsonOrStream, turnProblems } from '../shared/responses.ts';
import { made, paged } from '../shared/response-docs.ts';
import { createRouter, route, type Router } from '../shared/router.ts';
import { bodyOf } from '../shared/known-fields.ts';
import * as schemas from '../shared/schemas.ts';
import { answered, answeredView, renderAnswered } from './answered.ts';
import { addChange, addDeletion, addFork, created } from './changing-routes.ts';
import { addList, addMessages, addTranscript } from './reading-routes.ts';
import type { RouteBase } from './route-base.ts';
import { addPosting, addStream } from './turn-routes.ts';

const base: RouteBase = {
  path: '/conversations',
  tags: ['conversations'],
  noun: 'Conversation',
  name: 'Conversation',
};

const creation = bodyOf({
  ...schemas.turnFields,
  ...schemas.messageFields,
  ...schemas.conversationFields,
});

const begun = z.looseObject({
  conversation_id: z.string(),
  title: z.string().nullable(),
  created_at: z.string(),
  assistant_reply: z.string().optional(),
});

export function conversationsRouter() {
  const router = createRouter();
  addBeginning(router);
  addList(router, base);
  addTranscript(router, base);
  addChange(router, base);
  addDeletion(router, base);
  addFork(router, base);
  addPosting(router, {
    ...base,
    last: 'messages',
    operationId: 'sendMessage',
    response: paged(jsonOrStream(answered, 'The answer')),
    render: renderAnswered,
  });
  addMessages(router, base);
  addStream(router, { ...base, wire: nativeSse });
  return router;
}

/** Adds `POST /conversations`, which takes a first message or none. */
function addBeginning(router: Router): void {
  route(
    router,
    {
      method: 'post',
      path: base.path,
      tags: base.tags,
      operationId: 'createConversation',
      summary: 'Start a conversation, with a first message or without',
      request: { query: schemas.ownerQuery, body: body(creation) },
      responses: { 200: made(jsonOrStream(begun, 'The conversation')), ...turnProblems },
    },
    (c) => {
      const given = c.req.valid('json');
      if ((given.message ?? given.content ?? given.attachments) === undefined)
        return created(c, base.path, given);
      return begin(c, given, (turn) => ({
        ...answeredView(turn),
        title: turn.head.title,
        created_at: time(turn.head.conversationCreatedAt),
      }));
    },
  );
}

/** Starts a conversation with its first message. */
export async function begin(
  c: AppContext,
  given: Partial<z.output<typeof creation>>,
  render: (turn: FinishedTurn) => object,
): Promise<Response> {
  const { title, mode, model, instructions } = given;
  const ask = {
    create: { title, mode, model, instructions },
    input: messageInput(given),
  };
  // The model is stored with the conversation, and its first turn uses it from there.
  const posted = { ask, fields: { ...given, model: null }, madeUnder: base.path };
  return answerTurn(c, posted, render);
}
