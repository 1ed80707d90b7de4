/**
 * The wire of WebSockets: JSON frames, one a line. The socket's route sends each line as a frame.
 */
import { resultView, shownPart, usageView } from './views.ts';
import { contentOf } from '../core/parts.ts';
import { terminalEvent } from '../core/message.ts';
import { problemOf } from './problem.ts';
import type { Encoder, Wire } from './wire.ts';

export const websocketFrames: Wire = {
  name: 'frames',
  headers: {},
  isEventStream: false,
  isStateless: false,
  encoder: framesEncoder,
};

function framesEncoder(): Encoder {
  let conversationId = '';
  const frame = (type: string, data: Record<string, unknown>) =>
    `${JSON.stringify({ type, conversation_id: conversationId, ...data })}\n`;
  return {
    initialId: () => '',
    started(head) {
      conversationId = head.conversationId;
      const created = head.created ? frame('conversation_created', { title: head.title }) : '';
      return (
        created +
        frame('user_message', { message: head.userMessage.text, message_id: head.userMessage.id }) +
        frame('typing', { turn_id: head.turnId })
      );
    },
    text: (delta) => frame('chunk', { content: delta }),
    reasoning: (delta) => frame('reasoning', { content: delta }),
    part(part) {
      const { type, ...data } = shownPart(part);
      return frame(type, data);
    },
    ended(head, { message, error }) {
      const full = {
        full_response: contentOf(message.parts),
        message_id: message.id,
        ...resultView(message),
        usage: usageView(message),
      };
      if (terminalEvent(message.status) !== 'turn.failed') return frame('message_complete', full);
      const problem = error && problemOf(error, head.turnId);
      return frame('error', {
        message: problem?.detail ?? 'The answer was interrupted',
        ...full,
        ...(problem ? { problem } : {}),
      });
    },
    keepAlive: () => '',
    refused(turn, failure) {
      conversationId = turn.conversationId;
      const problem = problemOf(failure, turn.turnId);
      return frame('error', { message: failure.detail, problem });
    },
  };
}
