/** The actions that a reader has for a message. */
import type { Message } from '../api/types.ts';
import { attempt } from '../shared/attempt.ts';
import { say } from '../shared/words.ts';
import { ask, isBusy, restore } from './chat.ts';
import { openEditor } from './editor.ts';
import type { MessageActions } from './message.ts';
import { chosenModel } from './models.ts';
import { edit, fork, regenerate, remove, switchTo } from './tree.ts';

/** Runs something unless an answer is on its way: the tree may not change under it. */
function unlessBusy<Given extends unknown[]>(work: (...given: Given) => Promise<unknown>) {
  return (...given: Given): void => {
    if (!isBusy.get()) void attempt(() => work(...given));
  };
}

/** Lets a message be edited, from a text on; one that is refused can be edited further. */
function editAs(message: Message, text: string): void {
  openEditor(message, text, (edited) => {
    void attempt(async () => {
      const isAccepted = await edit(message, { message: edited, model: chosenModel() });
      if (!isAccepted) editAs(message, edited);
    });
  });
}

export const messageActions: MessageActions = {
  regenerate: unlessBusy((message) => regenerate(message, { model: chosenModel() })),
  edit: (message) => void (isBusy.get() || editAs(message, message.content)),
  fork: unlessBusy(fork),
  remove: unlessBusy(async (message) => {
    const { confirmed } = await import('../dialogs/confirm.ts');
    if (await confirmed(say('deleteMessageQuestion'), say('delete'))) await remove(message);
  }),
  switchTo: unlessBusy(switchTo),
  decide: unlessBusy(async (approvals) => {
    // What was refused is asked again.
    if (!(await ask({ approvals, model: chosenModel() }))) await restore();
  }),
};
