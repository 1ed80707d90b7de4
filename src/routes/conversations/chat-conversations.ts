/**
 * The fourth API of conversations: they are under `/chat`, answers are bare messages, and streams
 * are text only.
 */
import { textSse } from '../../wire/text-sse.ts';
import { messageView, usageView } from '../../wire/views.ts';
import { jsonOrStream } from '../shared/responses.ts';
import { createRouter } from '../shared/router.ts';
import { messageSchema } from '../shared/answer-schemas.ts';
import { addChange, addCreation, addDeletion, addFork } from './changing-routes.ts';
import { addList, addMessages, addTranscript } from './reading-routes.ts';
import type { RouteBase } from './route-base.ts';
import { addPosting, addStream } from './turn-routes.ts';

const base: RouteBase = {
  path: '/chat/conversations',
  tags: ['chat/conversations'],
  noun: 'Conversation',
  name: 'ChatConversation',
};

export function chatConversationsRouter() {
  const router = createRouter();
  addCreation(router, base);
  addList(router, base);
  addTranscript(router, base);
  addChange(router, base);
  addDeletion(router, base);
  addFork(router, base);
  addPosting(router, {
    ...base,
    last: 'messages',
    operationId: 'sendChatConversationMessage',
    response: jsonOrStream(messageSchema, 'The answer'),
    render:
      () =>
      ({ message }) => ({ ...messageView(message), usage: usageView(message) }),
  });
  addMessages(router, base);
  addStream(router, { ...base, wire: textSse });
  return router;
}
