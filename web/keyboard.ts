/** The keys that work everywhere on the page; `?` shows them. */
import { currentId, isBusy, open, stop } from './chat/chat.ts';
import { write } from './chat/composer.ts';
import { element, hasDialog } from './shared/elements.ts';
import { closeDrawer } from './sidebar/sidebar.ts';

/** Lets keys work. */
export function startKeyboard(): void {
  document.addEventListener('keydown', (event) => {
    if (hasDialog() || event.defaultPrevented) return;
    if (act(event)) event.preventDefault();
  });
}

function act(event: KeyboardEvent): boolean {
  const { key, code, altKey, ctrlKey, metaKey, target } = event;
  if (key === 'Escape') return onEscape();
  if (altKey && code === 'KeyN') return run(() => void open(undefined).then(() => write()));
  if ((ctrlKey || metaKey) && code === 'KeyK') return run(openSearch);
  if (altKey && (key === 'ArrowUp' || key === 'ArrowDown')) return goTo(key === 'ArrowUp' ? -1 : 1);
  if (altKey || ctrlKey || metaKey) return false;
  if (target instanceof HTMLElement && target.matches('input, textarea, select')) return false;
  if (key === '?') return run(() => element('open-keys').click());
  if (key === '/') return run(() => write());
  return false;
}

function run(work: () => void): true {
  work();
  return true;
}

function onEscape(): boolean {
  if (document.body.classList.contains('drawer')) return run(closeDrawer);
  return isBusy.get() && currentId() !== undefined ? run(stop) : false;
}

function openSearch(): void {
  if (!document.body.classList.contains('drawer')) {
    const menu = element('menu');
    if (menu.offsetParent !== null) menu.click();
  }
  element('search').focus();
}

/** Moves the focus to the message before or after. */
function goTo(step: -1 | 1): boolean {
  const items = [...document.querySelectorAll<HTMLElement>('#messages > li')];
  const focused = items.findIndex((item) => item.contains(document.activeElement));
  const from = focused < 0 ? (step < 0 ? items.length : -1) : focused;
  const next = items[from + step];
  if (!next) return false;
  next.tabIndex = -1;
  next.focus();
  return true;
}
