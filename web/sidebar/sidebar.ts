/** The conversations beside the chat: found by title, opened, renamed, deleted. */
import { send } from '../api/client.ts';
import type { Conversation } from '../api/types.ts';
import { current, currentId, open } from '../chat/chat.ts';
import { attempt } from '../shared/attempt.ts';
import { element, iconButton, make } from '../shared/elements.ts';
import { notify } from '../shared/notices.ts';
import { tellTabs } from '../shared/tabs.ts';
import { say } from '../shared/words.ts';
import { conversations, hideConversation, loadAll, loadMore } from './conversations.ts';
import { groupByAge } from './ages.ts';
import { openRename } from './rename.ts';
import { createVirtualList } from './virtual-list.ts';

/** As `--row` in the style sheet says. */
const ROW_PIXELS = 40;

type Row = Conversation | string;

const search = element<HTMLInputElement>('search');
const found = element('found');
let rows: Row[] = [];

/** Lets the list work. */
export function startSidebar(): void {
  const list = createVirtualList(element('conversations'), {
    row: drawRow,
    rowPixels: ROW_PIXELS,
    // Where there is no more, nothing is asked for, and no notice is taken away.
    nearEnd: () => void (search.value === '' && conversations.get().next && attempt(loadMore)),
  });
  const show = () => {
    rows = rowsOf(conversations.get().items);
    list.show(rows.length);
    showEmpty();
  };
  conversations.follow(show);
  current.follow(show);
  search.addEventListener('input', () => {
    show();
    void attempt(loadAll);
  });
  element('conversations').addEventListener('click', onClick);
  element('menu').addEventListener('click', toggleDrawer);
  element('scrim').addEventListener('click', closeDrawer);
}

/** Conversations in groups by their age; those that are looked for in one. */
function rowsOf(items: readonly Conversation[]): Row[] {
  const wanted = search.value.trim().toLocaleLowerCase();
  if (wanted === '') return groupByAge(items);
  return items.filter(({ title }) => title?.toLocaleLowerCase().includes(wanted));
}

function showEmpty(): void {
  const { isLoaded } = conversations.get();
  const isEmpty = isLoaded && rows.length === 0;
  found.hidden = !isEmpty;
  found.textContent = isEmpty ? say(search.value === '' ? 'noConversations' : 'nothingFound') : '';
}

/** A row without its conversation: a copy of it costs a third of making one. */
const template = make(
  'li',
  {},
  make('button', { type: 'button', class: 'title', dir: 'auto' }),
  iconButton('edit', '', () => {}),
  iconButton('remove', '', () => {}),
);

function drawRow(at: number): HTMLElement {
  const row = rows[at];
  if (row === undefined) return make('li');
  if (typeof row === 'string') return make('li', { class: 'age' }, make('h2', {}, row));
  const { conversation_id: id } = row;
  const title = row.title ?? say('untitled');
  const item = template.cloneNode(true) as HTMLLIElement;
  item.dataset['id'] = id;
  item.ariaSetSize = String(rows.length);
  item.ariaPosInSet = String(at + 1);
  const [open, edit, bin] = item.querySelectorAll('button');
  if (open) Object.assign(open, { textContent: title, title });
  open?.setAttribute('aria-current', id === currentId() ? 'page' : 'false');
  label(edit, say('rename', { title }));
  label(bin, say('deleteNamed', { title }));
  return item;
}

function label(made: HTMLElement | undefined, text: string): void {
  if (made) Object.assign(made, { title: text, ariaLabel: text });
}

/** Does what a button of a row is for. */
function onClick({ target }: MouseEvent): void {
  const pressed = target instanceof Element ? target.closest('button') : null;
  const item = pressed?.closest<HTMLElement>('li[data-id]');
  const row = rows.find(
    (one) => typeof one !== 'string' && one.conversation_id === item?.dataset['id'],
  );
  if (!pressed || !item || !row || typeof row === 'string') return;
  if (pressed.classList.contains('title')) choose(row.conversation_id);
  else if (pressed === item.lastElementChild)
    remove(row.conversation_id, row.title ?? say('untitled'));
  else openRename(item, row);
}

function choose(id: string): void {
  closeDrawer();
  void open(id);
}

/** Deletes a conversation, unless the reader changes their mind while the notice is there. */
function remove(id: string, title: string): void {
  const putBack = hideConversation(id);
  if (id === currentId()) void open(undefined);
  const path = `/conversations/${id}`;
  const deleteNow = (keepalive = false) => send(path, { method: 'DELETE', keepalive });
  const onLeave = () => void deleteNow(true);
  addEventListener('pagehide', onLeave, { once: true });
  notify(say('deleted', { title }), {
    action: {
      label: say('undo'),
      run() {
        removeEventListener('pagehide', onLeave);
        putBack();
      },
    },
    gone() {
      removeEventListener('pagehide', onLeave);
      void attempt(async () => {
        await deleteNow().catch((error: unknown) => {
          putBack();
          throw error;
        });
        tellTabs();
      });
    },
  });
}

/** On small screens the list lies over the chat, which cannot be reached meanwhile. */
function toggleDrawer(): void {
  const isOpen = document.body.classList.toggle('drawer');
  element('menu').setAttribute('aria-expanded', String(isOpen));
  element('main').inert = isOpen && matchMedia('(max-width: 48rem)').matches;
  // Where there is no keyboard, a field would bring one up.
  if (isOpen) (matchMedia('(pointer: coarse)').matches ? element('new') : search).focus();
}

/** Closes the list where it lies over the chat. */
export function closeDrawer(): void {
  if (!document.body.classList.contains('drawer')) return;
  toggleDrawer();
  element('menu').focus();
}
