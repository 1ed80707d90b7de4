/** Lets the title of a conversation be written in its row. */
import { call } from '../api/client.ts';
import type { Conversation } from '../api/types.ts';
import { current, currentId } from '../chat/chat.ts';
import { attempt } from '../shared/attempt.ts';
import { make } from '../shared/elements.ts';
import { tellTabs } from '../shared/tabs.ts';
import { say } from '../shared/words.ts';
import { putConversation } from './conversations.ts';

/** Opens the field in the place of a row's title. */
export function openRename(item: HTMLElement, conversation: Conversation): void {
  const title = item.querySelector<HTMLElement>('.title');
  if (!title) return;
  const field = make('input', {
    type: 'text',
    class: 'rename',
    maxLength: 200,
    value: conversation.title ?? '',
    'aria-label': say('newTitle'),
  });
  let isOpen = true;
  const close = () => {
    isOpen = false;
    field.replaceWith(title);
    title.focus();
  };
  const save = () => {
    if (!isOpen) return;
    const name = field.value.trim();
    close();
    if (name !== '' && name !== conversation.title) void attempt(() => rename(conversation, name));
  };
  field.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') save();
    else if (event.key === 'Escape') close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  field.addEventListener('blur', save);
  title.replaceWith(field);
  field.select();
}

async function rename({ conversation_id: id }: Conversation, title: string): Promise<void> {
  const json = { title };
  const changed = await call<Conversation>(`/conversations/${id}`, { method: 'PATCH', json });
  putConversation(id, changed);
  if (id === currentId()) current.set(changed);
  tellTabs(id);
}
