/** The first door: conversations, with the answer beside all their messages. */
import { z } from '@hono/zod-openapi';
import type { Message } from '../chat/message.ts';
import { contentOf } from '../chat/parts.ts';
import type { FinishedTurn } from '../wire/outcome.ts';
import { citedView, messageView, time } from '../wire/views.ts';
import { answerWith, newConversation } from './answer.ts';
import {
  addChange,
  addDeletion,
  addList,
  addMessages,
  addTranscript,
  created,
  transcriptOf,
  type Place,
} from './conversation-routes.ts';
import { body, createDoor, jsonOrStream, route, turnProblems } from './door.ts';
import * as schemas from './schemas.ts';
import type { AppContext } from './services.ts';
import { addPosting, addStream } from './turn-routes.ts';

const place: Place = { path: '/conversations', tags: ['conversations'], noun: 'Conversation' };

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

export function conversationsDoor() {
  const door = createDoor();
  route(
    door,
    {
      method: 'post',
      path: place.path,
      tags: place.tags,
      summary: 'Start a conversation, with a first message or without',
      request: { query: schemas.ownerQuery, body: body(creation) },
      responses: { 200: jsonOrStream(begun, 'The conversation'), ...turnProblems },
    },
    (c) => {
      const given = c.req.valid('json');
      const text = given.message ?? given.content;
      if (text === undefined) return created(c, place.path, given);
      return begin(c, given, text, (turn) => ({
        ...answeredView(turn),
        title: turn.head.title,
        created_at: time(turn.head.conversationCreatedAt),
      }));
    },
  );
  addList(door, place);
  addTranscript(door, place);
  addChange(door, place);
  addDeletion(door, place);
  addPosting(door, {
    ...place,
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
  addMessages(door, place);
  addStream(door, { ...place, wire: 'native' });
  return door;
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
  const ask = { ...given, model: null, conversationId, create, madeUnder: place.path, text };
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
