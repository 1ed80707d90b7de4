/** The fourth router: conversations under `/chat`, whose answers are bare messages and whose stream is text only. */
import { messageView, usageView } from '../../wire/views.ts';
import {
  addCreation,
  addDeletion,
  addList,
  addMessages,
  addTranscript,
  type RouteBase,
} from './crud-routes.ts';
import { createRouter } from '../shared/router.ts';
import * as schemas from '../shared/schemas.ts';
import { addPosting, addStream } from './turn-routes.ts';

const base: RouteBase = {
  path: '/chat/conversations',
  tags: ['chat/conversations'],
  noun: 'Conversation',
};

export function chatConversationsRouter() {
  const router = createRouter();
  addCreation(router, base);
  addList(router, base);
  addTranscript(router, base);
  addDeletion(router, base);
  addPosting(router, {
    ...base,
    last: 'messages',
    answer: schemas.messageSchema,
    render: ({ message }) => ({ ...messageView(message), usage: usageView(message) }),
  });
  addMessages(router, base);
  addStream(router, { ...base, wire: 'text' });
  return router;
}
