/** Finds messages by their words, and opens their conversations. */
import { call } from '../api/client.ts';
import { open } from '../chat/chat.ts';
import { openDialog } from '../dialogs/dialog.ts';
import { attempt } from '../shared/attempt.ts';
import { button, make } from '../shared/elements.ts';
import { formatDay, formatNumber } from '../shared/format.ts';
import { say } from '../shared/words.ts';
import { closeDrawer } from '../sidebar/sidebar.ts';

/** Milliseconds without a key after which it is searched. */
const PAUSE_MS = 250;

interface Found {
  conversation_id: string;
  title: string | null;
  snippet: string;
  /** Places of the words in the snippet: from, and up to. */
  highlights: [number, number][];
  created_at: string;
}

/** Opens the search. */
export function showSearch(): void {
  const field = make('input', {
    type: 'search',
    autocomplete: 'off',
    'aria-label': say('searchWords'),
  });
  const state = make('p', { class: 'hint', role: 'status' });
  const list = make('ul', { class: 'list found' });
  let timer = 0;
  let searches = 0;
  const search = async () => {
    const number = ++searches;
    const words = field.value.trim();
    const found = words === '' ? [] : await attempt(() => find(words));
    if (number !== searches || !found) return;
    list.replaceChildren(...found.map((one) => drawFound(one, () => dialog.close())));
    state.textContent = words === '' ? '' : count(found.length);
  };
  field.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => void search(), PAUSE_MS);
  });
  const dialog = openDialog(say('searchAll'), [field, state, list], 'wide');
  field.focus();
}

function find(words: string): Promise<Found[]> {
  return call<Found[]>(`/search?q=${encodeURIComponent(words)}`);
}

function count(found: number): string {
  return found === 0 ? say('foundNone') : say('foundMessages', { count: formatNumber(found) });
}

function drawFound({ conversation_id: id, title, ...one }: Found, close: () => void): HTMLElement {
  const show = () => {
    close();
    closeDrawer();
    void open(id);
  };
  const link = button('', show, { class: 'quiet' });
  link.append(
    make('strong', { dir: 'auto' }, title ?? say('untitled')),
    make('span', { class: 'hint' }, formatDay(one.created_at)),
    make('span', { dir: 'auto' }, ...marked(one)),
  );
  return make('li', {}, link);
}

/** The snippet with its words marked. */
function marked({ snippet, highlights }: Pick<Found, 'snippet' | 'highlights'>): (Node | string)[] {
  const pieces: (Node | string)[] = [];
  let end = 0;
  for (const [from, to] of highlights) {
    pieces.push(snippet.slice(end, from), make('mark', {}, snippet.slice(from, to)));
    end = to;
  }
  return [...pieces, snippet.slice(end)];
}
