/** The reader's own data: taken out, or deleted for good. Shows what the API of this server has. */
import { addressOf, call, namedUser, send } from '../api/client.ts';
import { attempt } from '../shared/attempt.ts';
import { button, make } from '../shared/elements.ts';
import { notify } from '../shared/notices.ts';
import { say } from '../shared/words.ts';
import { confirmed } from './confirm.ts';

interface Description {
  paths: Record<string, Record<string, unknown>>;
}

/** Draws what can be done with the data. */
export async function drawData(): Promise<Node[]> {
  const { paths } = await call<Description>('/openapi.json');
  const userId = await findUser();
  const user = `/users/${encodeURIComponent(userId)}`;
  const parts: Node[] = [make('p', {}, say('dataWhy', { user: userId }))];
  if (paths['/users/{user_id}/export']?.['get']) parts.push(drawExport(`${user}/export`));
  if (paths['/users/{user_id}/data']?.['delete']) parts.push(drawDeletion(`${user}/data`));
  if (parts.length === 1) parts.push(make('p', { class: 'hint' }, say('dataByOperator')));
  return parts;
}

/** With identity the limits say whose they are. */
async function findUser(): Promise<string> {
  const named = namedUser();
  if (named !== undefined) return named;
  return (await call<{ user_id: string }>('/limits')).user_id;
}

function drawExport(path: string): HTMLElement {
  return make(
    'p',
    { class: 'row' },
    make('a', { class: 'button', href: addressOf(path).href, download: '' }, say('exportData')),
  );
}

function drawDeletion(path: string): HTMLElement {
  const remove = async () => {
    if (!(await confirmed(say('deleteDataQuestion'), say('deleteData')))) return;
    await send(path, { method: 'DELETE' });
    notify(say('dataDeleted'));
    location.assign(location.pathname);
  };
  return make(
    'p',
    { class: 'row' },
    button(say('deleteData'), () => void attempt(remove), { class: 'danger' }),
  );
}
