/** The reader's own data: taken out, or deleted for good. Shows what the API of this server has. */
import { knownRoutes, type Route } from '../api/routes.ts';
import { addressOf, call, namedUser, send } from '../api/client.ts';
import { attempt } from '../shared/attempt.ts';
import { button, make } from '../shared/elements.ts';
import { notify } from '../shared/notices.ts';
import { say } from '../shared/words.ts';
import { confirmed } from './confirm.ts';

/** Draws what can be done with the data. */
export async function drawData(): Promise<Node[]> {
  const routes = await knownRoutes();
  const userId = await findUser();
  const user = `/users/${encodeURIComponent(userId)}`;
  const parts: Node[] = [make('p', {}, say('dataWhy', { user: userId }))];
  if (has(routes, 'get /users/{user_id}/export')) parts.push(drawExport(`${user}/export`));
  if (has(routes, 'delete /users/{user_id}/data')) parts.push(drawDeletion(`${user}/data`));
  if (parts.length === 1) parts.push(make('p', { class: 'hint' }, say('dataByOperator')));
  return parts;
}

function has(routes: ReadonlySet<string>, route: Route): boolean {
  return routes.has(route);
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
