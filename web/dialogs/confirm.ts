/** Asks before something that cannot be undone. */
import { button, make } from '../shared/elements.ts';
import { say } from '../shared/words.ts';
import { openDialog } from './dialog.ts';

/** Returns true where the reader says yes. */
export async function confirmed(question: string, yes: string): Promise<boolean> {
  let isSure = false;
  const choose = (sure: boolean) => {
    isSure = sure;
    dialog.close();
  };
  const no = button(say('cancel'), () => choose(false));
  const dialog = openDialog(yes, [
    make('p', {}, question),
    make(
      'div',
      { class: 'row end' },
      no,
      button(yes, () => choose(true), { class: 'danger' }),
    ),
  ]);
  no.focus();
  await dialog.closed;
  return isSure;
}
