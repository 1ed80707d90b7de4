/**
 * Renders a turn's answer together with all messages of its conversation, as the first API does.
 */
import { z } from '@hono/zod-openapi';
import type { FinishedTurn, Message } from '../../core/message.ts';
import { contentOf } from '../../core/parts.ts';
import { citedView, messageView } from '../../wire/views.ts';
import type { AppContext } from '../shared/dependencies.ts';
import { messageSchema } from '../shared/answer-schemas.ts';
import { readNewest } from './read-messages.ts';

export const answered = z.looseObject({
  conversation_id: z.string(),
  assistant_reply: z.string(),
  messages: z.array(messageSchema),
});

/** Returns a function that renders a turn once it is over. */
export function renderAnswered(c: AppContext): (turn: FinishedTurn) => Promise<object> {
  return async (turn) => {
    // The answer is sent even when the conversation was deleted meanwhile or the database is
    // unreachable.
    const found = await readNewest(c, turn.head.conversationId).catch((error: unknown) =>
      c.get('dependencies').log.error('an answer is sent without the earlier messages', { error }),
    );
    const messages = found?.messages ?? exchanged(turn);
    return { ...answeredView(turn), messages: messages.map(messageView) };
  };
}

/** Returns the view of an answer without the earlier messages. */
export function answeredView({ head, message }: FinishedTurn) {
  return {
    conversation_id: head.conversationId,
    assistant_reply: contentOf(message.parts),
    ...citedView(message),
    turn_id: head.turnId,
    status: message.status,
    message: messageView(message),
  };
}

/** Returns the two messages of a turn, as far as the turn itself knows them. */
function exchanged({ head, message }: FinishedTurn): Message[] {
  const { id, sequenceNumber, parentId, siblings, text } = head.userMessage;
  const asked: Message = {
    id,
    conversationId: head.conversationId,
    turnId: head.turnId,
    parentId,
    siblings,
    role: 'user',
    status: 'complete',
    sequenceNumber,
    parts: [{ type: 'text', text }],
    model: null,
    inputTokens: null,
    outputTokens: null,
    tokensEstimated: true,
    finishReason: null,
    isRefused: false,
    firstTokenMs: null,
    durationMs: null,
    clientId: null,
    createdAt: head.acceptedAt,
  };
  return [asked, message];
}
