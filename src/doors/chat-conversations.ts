/** The fourth door: conversations under `/chat`, whose answers are bare messages and whose stream is text only. */
import { messageView, usageView } from '../wire/views.ts';
import {
  addCreation,
  addDeletion,
  addList,
  addMessages,
  addTranscript,
  type Place,
} from './conversation-routes.ts';
import { createDoor } from './door.ts';
import * as schemas from './schemas.ts';
import { addPosting, addStream } from './turn-routes.ts';

const place: Place = {
  path: '/chat/conversations',
  tags: ['chat/conversations'],
  noun: 'Conversation',
};

export function chatConversationsDoor() {
  const door = createDoor();
  addCreation(door, place);
  addList(door, place);
  addTranscript(door, place);
  addDeletion(door, place);
  addPosting(door, {
    ...place,
    last: 'messages',
    answer: schemas.messageSchema,
    render: ({ message }) => ({ ...messageView(message), usage: usageView(message) }),
  });
  addMessages(door, place);
  addStream(door, { ...place, wire: 'text' });
  return door;
}
