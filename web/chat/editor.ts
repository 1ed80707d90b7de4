/** Lets a message be said differently, in its place. */
import type { Message } from '../api/types.ts';
import { button, make } from '../shared/elements.ts';
import { say } from '../shared/words.ts';
import { itemOf } from './transcript.ts';

/** Opens an editor in the place of a message, with a text; `save` gets what becomes of it. */
export function openEditor(message: Message, value: string, save: (text: string) => void): void {
  const item = itemOf(message.id);
  if (!item) return;
  const text = make('textarea', {
    value,
    dir: 'auto',
    'aria-label': say('editedMessage'),
  });
  const close = () => {
    editor.replaceWith(item);
    item.querySelector<HTMLElement>('.tools button')?.focus();
  };
  const finish = () => {
    if (text.value.trim() === '') return;
    editor.replaceWith(item);
    save(text.value);
  };
  const editor = make(
    'li',
    { class: 'edit' },
    text,
    make('p', { class: 'hint' }, say('editHint')),
    make(
      'div',
      { class: 'row' },
      button(say('send'), finish, { class: 'primary' }),
      button(say('cancel'), close),
    ),
  );
  text.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') close();
    else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) finish();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  item.replaceWith(editor);
  text.focus();
}
