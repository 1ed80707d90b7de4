/** Shows above the composer what waits while an answer comes. */
import { element, iconButton, make } from '../shared/elements.ts';
import { notify } from '../shared/notices.ts';
import { say } from '../shared/words.ts';
import { currentId, isBusy } from './chat.ts';
import { queued, steering, waitingChanged } from './waiting.ts';

const list = element('queue');

/** Keeps the list as it is. @param edit gets a text that is to be written anew; '' for none */
export function startWaitingList(edit: (text: string) => void): void {
  waitingChanged.follow(() => showWaiting(edit));
}

function showWaiting(edit: (text: string) => void): void {
  const id = currentId();
  const joining = steering.in(id).map((text) => drawWaiting(text, say('joins')));
  const waiting = queued.in(id).map((text) => {
    const take = (anew: string) => {
      queued.drop(id, text);
      edit(anew);
    };
    return drawWaiting(
      text,
      say('waits'),
      iconButton('edit', say('edit'), () => take(text)),
      iconButton('close', say('removeWaiting'), () => {
        take('');
        const undo = {
          label: say('undo'),
          run: () => (isBusy.get() ? queued.add(id, text) : edit(text)),
        };
        notify(say('notSent'), { action: undo });
      }),
    );
  });
  list.replaceChildren(...joining, ...waiting);
  list.hidden = list.childElementCount === 0;
}

function drawWaiting(text: string, state: string, ...tools: HTMLElement[]): HTMLElement {
  const said = make('span', { dir: 'auto', title: text }, text);
  return make('li', {}, said, make('span', { class: 'hint' }, state), ...tools);
}
