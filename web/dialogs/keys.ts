/** The reader's API keys: made, shown once, listed, revoked. */
import { call, callPage, send } from '../api/client.ts';
import { attempt } from '../shared/attempt.ts';
import { copyText } from '../shared/clipboard.ts';
import { button, iconButton, make } from '../shared/elements.ts';
import { formatDay } from '../shared/format.ts';
import { say } from '../shared/words.ts';
import { confirmed } from './confirm.ts';

interface Key {
  key_id: string;
  name: string | null;
  created_at: string;
  expires_at: string | null;
}

/** Draws the keys. */
export async function drawKeys(): Promise<Node[]> {
  const { items } = await callPage<Key>('/keys?limit=200');
  const list = make('ul', { class: 'list' }, ...items.map(drawKey));
  const name = make('input', { type: 'text', maxLength: 200, id: 'key-name' });
  const shown = make('div', { class: 'new-key', role: 'status' });
  const form = make(
    'form',
    { class: 'row' },
    make('label', { htmlFor: 'key-name' }, say('keyName')),
    name,
    make('button', { type: 'submit', class: 'primary' }, say('makeKey')),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void attempt(async () => {
      const json = name.value.trim() ? { name: name.value.trim() } : {};
      const made = await call<Key & { key: string }>('/keys', { json });
      name.value = '';
      shown.replaceChildren(...drawNew(made.key));
      list.prepend(drawKey(made));
    });
  });
  return [make('p', {}, say('keysWhy')), form, shown, list];
}

function drawNew(key: string): Node[] {
  const copy = iconButton('copy', say('copy'), () => void copyText(key, copy));
  return [
    make('p', {}, say('keyOnce')),
    make('p', { class: 'row' }, make('code', { tabIndex: 0 }, key), copy),
  ];
}

function drawKey({ key_id: id, name, created_at: made, expires_at: expires }: Key): HTMLElement {
  const title = name ?? id;
  const revoke = async () => {
    if (!(await confirmed(say('revokeQuestion', { title }), say('revoke')))) return;
    await send(`/keys/${id}`, { method: 'DELETE' });
    row.remove();
  };
  const dates = expires
    ? say('keyExpires', { made: formatDay(made), expires: formatDay(expires) })
    : formatDay(made);
  const row = make(
    'li',
    {},
    make('span', { class: 'name' }, title),
    make('span', { class: 'hint' }, dates),
    button(say('revoke'), () => void attempt(revoke)),
  );
  return row;
}
