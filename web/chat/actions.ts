/** The actions that a reader has for a message. */
import { attempt } from '../shared/attempt.ts';
import { say } from '../shared/words.ts';
import { ask, isBusy } from './chat.ts';
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

export const messageActions: MessageActions = {
  regenerate: unlessBusy((message) => regenerate(message, { model: chosenModel() })),
  edit(message) {
    if (isBusy.get()) return;
    openEditor(
      message,
      (text) => void attempt(() => edit(message, { message: text, model: chosenModel() })),
    );
  },
  fork: unlessBusy(fork),
  remove: unlessBusy(async (message) => {
    const { confirmed } = await import('../dialogs/confirm.ts');
    if (await confirmed(say('deleteMessageQuestion'), say('delete'))) await remove(message);
  }),
  switchTo: unlessBusy(switchTo),
  decide: unlessBusy((approvals) => ask({ approvals, model: chosenModel() })),
};
