/** Dialogs: made when they are opened, and gone when they are closed. */
import { iconButton, make } from '../shared/elements.ts';
import { say } from '../shared/words.ts';

export interface Dialog {
  readonly element: HTMLDialogElement;
  close(): void;
  /** Resolves when the dialog is closed. */
  readonly closed: Promise<void>;
}

/** Opens a dialog with a heading, a button that closes it, and content. */
export function openDialog(title: string, content: Node[], kind = 'plain'): Dialog {
  const heading = make('h2', { id: 'dialog-title' }, title);
  const close = () => dialog.close();
  const dialog = make(
    'dialog',
    { class: kind, 'aria-labelledby': 'dialog-title' },
    make('header', {}, heading, iconButton('close', say('close'), close)),
    ...content,
  );
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  dialog.addEventListener('close', () => {
    dialog.remove();
    resolve();
  });
  // A press on what lies behind closes it.
  dialog.addEventListener('pointerdown', (event) => {
    if (event.target === dialog) close();
  });
  document.body.append(dialog);
  dialog.showModal();
  return { element: dialog, close, closed };
}
