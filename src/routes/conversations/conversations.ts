/** The first router: conversations, with the answer beside all their messages. */
import { z } from '@hono/zod-openapi';
import type { Message } from '../../core/message.ts';
import { contentOf } from '../../core/parts.ts';
import type { FinishedTurn } from '../../wire/outcome.ts';
import { citedView, messageView, time } from '../../wire/views.ts';
import { answerWith, newConversation } from '../shared/answer-turn.ts';
import {
  addChange,
  addDeletion,
  addList,
  addMessages,
  addTranscript,
  created,
  transcriptOf,
  type RouteBase,
} from './crud-routes.ts';
import { body, createRouter, jsonOrStream, route, turnProblems } from '../shared/router.ts';
import * as schemas from '../shared/schemas.ts';
import type { AppContext } from '../shared/dependencies.ts';
import { addPosting, addStream } from './turn-routes.ts';

const base: RouteBase = { path: '/conversations', tags: ['conversations'], noun: 'Conversation' };

const creation = schemas.bodyOf({
  ...schemas.turnFields,
  ...schemas.messageFields,
  title: schemas.title.nullish(),
  mode: schemas.mode.optional(),
  instructions: schemas.instructions.nullish(),
});

const begun = z.looseObject({
  conversation_id: z.string(),
  title: z.string().nullable(),
  created_at: z.string(),
  assistant_reply: z.string().optional(),
});

const answered = z.looseObject({
  conversation_id: z.string(),
  assistant_reply: z.string(),
  messages: z.array(schemas.messageSchema),
});

export function conversationsRouter() {
  const router = createRouter();
  route(
    router,
    {
      method: 'post',
      path: base.path,
      tags: base.tags,
      summary: 'Start a conversation, with a first message or without',
      request: { query: schemas.ownerQuery, body: body(creation) },
      responses: { 200: jsonOrStream(begun, 'The conversation'), ...turnProblems },
    },
    (c) => {
      const given = c.req.valid('json');
      const text = given.message ?? given.content;
      if (text === undefined) return created(c, base.path, given);
      return begin(c, given, text, (turn) => ({
        ...answeredView(turn),
        title: turn.head.title,
        created_at: time(turn.head.conversationCreatedAt),
      }));
    },
  );
  addList(router, base);
  addTranscript(router, base);
  addChange(router, base);
  addDeletion(router, base);
  addPosting(router, {
    ...base,
    last: 'messages',
    answer: answered,
    async render(turn, c) {
      // What was said is told even where the conversation was deleted meanwhile, or the database has gone away.
      const found = await transcriptOf(c, turn.head.conversationId).catch((error: unknown) =>
        c.get('services').report('an answer is told without the messages before it', error),
      );
      const messages = found?.messages ?? exchanged(turn);
      return { ...answeredView(turn), messages: messages.map(messageView) };
    },
  });
  addMessages(router, base);
  addStream(router, { ...base, wire: 'native' });
  return router;
}

type Beginning = Omit<z.output<typeof creation>, 'message' | 'content'>;

/** Starts a conversation by saying something. */
export async function begin(
  c: AppContext,
  given: Beginning,
  text: string,
  render: (turn: FinishedTurn) => object,
): Promise<Response> {
  const { id: conversationId, ...create } = newConversation(c, given);
  // The model becomes the conversation's, by which the turn goes.
  const ask = { ...given, model: null, conversationId, create, madeUnder: base.path, text };
  return answerWith(c, ask, (turn) => c.json(render(turn)));
}

/** The two messages of a turn, as far as the turn itself knows them. */
function exchanged({ head, message }: FinishedTurn): Message[] {
  const { id, sequenceNumber, text } = head.userMessage;
  const asked: Message = {
    id,
    conversationId: head.conversationId,
    turnId: head.turnId,
    role: 'user',
    status: 'complete',
    sequenceNumber,
    parts: [{ type: 'text', text }],
    model: null,
    inputTokens: null,
    outputTokens: null,
    tokensEstimated: true,
    finishReason: null,
    firstTokenMs: null,
    durationMs: null,
    createdAt: head.acceptedAt,
  };
  return [asked, message];
}

function answeredView({ head, message }: FinishedTurn) {
  return {
    conversation_id: head.conversationId,
    assistant_reply: contentOf(message.parts),
    ...citedView(message),
    turn_id: head.turnId,
    status: message.status,
    message: messageView(message),
  };
}
