/** A conversation as the messages that `useChat` begins with. */
import { z } from '@hono/zod-openapi';
import { findChat } from '../../actions/client-chat.ts';
import { conversationView } from '../../wire/views.ts';
import { uiMessages } from '../../wire/ui-message.ts';
import { readNewest } from '../conversations/read-messages.ts';
import { nameClient } from '../shared/client-user.ts';
import { actionContext, type AppContext } from '../shared/dependencies.ts';
import { required } from '../shared/required.ts';
import { conversationSchema } from '../shared/answer-schemas.ts';

export const formatField = {
  format: z
    .enum(['ui'])
    .optional()
    .openapi({
      description:
        'The messages as the AI SDK has them; the id may then be the name that the chat’s client' +
        ' gave it',
    }),
};

export const uiTranscript = conversationSchema
  .extend({
    messages: z.array(
      z.looseObject({
        id: z.string(),
        role: z.enum(['user', 'assistant']),
        metadata: z.looseObject({ message_id: z.string() }),
        parts: z.array(z.looseObject({ type: z.string() })),
      }),
    ),
  })
  .openapi('UiTranscript');

/**
 * Answers with a conversation and the newest messages of its active path.
 * @param name the id of the conversation, or the client's name for it
 * @throws ParleyError `not_found`
 */
export async function answerUiTranscript(c: AppContext, name: string): Promise<Response> {
  nameClient(c, {});
  const id = required(await findChat(actionContext(c), name), 'Conversation');
  const { conversation, messages } = required(await readNewest(c, id), 'Conversation');
  return c.json({ ...conversationView(conversation), messages: uiMessages(messages) });
}
