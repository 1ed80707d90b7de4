/** Asks for a key and gets a session for it. The key itself is kept nowhere. */
import { ApiError, send } from '../api/client.ts';
import { explain } from '../shared/attempt.ts';
import { make } from '../shared/elements.ts';
import { say } from '../shared/words.ts';
import { openDialog } from './dialog.ts';

/** The dialog that is open: several calls that fail together ask once. */
let asking: Promise<boolean> | undefined;

/** Returns true when there is a session; false where the reader closes the dialog. */
export function signIn(): Promise<boolean> {
  asking ??= ask().finally(() => (asking = undefined));
  return asking;
}

async function ask(): Promise<boolean> {
  let isIn = false;
  const key = make('input', { id: 'key', type: 'password', autocomplete: 'off', required: true });
  const problem = make('p', { class: 'wrong', role: 'alert' });
  const form = make(
    'form',
    {},
    make('p', {}, say('signInWhy')),
    make('label', { htmlFor: 'key' }, say('key')),
    key,
    problem,
    make(
      'div',
      { class: 'row end' },
      make('button', { type: 'submit', class: 'primary' }, say('signIn')),
    ),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    problem.textContent = '';
    beginSession(key.value).then(
      () => {
        isIn = true;
        dialog.close();
      },
      (error: unknown) => (problem.textContent = why(error)),
    );
  });
  const dialog = openDialog(say('signIn'), [form]);
  key.focus();
  await dialog.closed;
  return isIn;
}

/** The API's own words for a key that it does not take are for developers. */
function why(error: unknown): string {
  const isRefused = error instanceof ApiError && error.status === 401;
  return isRefused ? say('keyRefused') : explain(error);
}

async function beginSession(key: string): Promise<void> {
  const headers = { authorization: `Bearer ${key.trim()}` };
  await send('/session', { method: 'POST', headers });
}
