/** Shows notices, which are seen and heard, and tells screen readers more. */
import { button, element, iconButton, make } from './elements.ts';
import { say } from './words.ts';

/** Milliseconds that a passing notice stays, unless somebody looks at it or goes to it by Tab. */
const STAYS_MS = 10_000;

export interface Notice {
  /** Takes the notice away. */
  close(): void;
}

interface Options {
  /** An error stays until it is closed. */
  isError?: boolean;
  action?: { label: string; run: () => void };
  /** Called once when the notice goes without its action. */
  gone?: () => void;
}

/** Shows a notice. */
export function notify(text: string, { isError = false, action, gone }: Options = {}): Notice {
  let isOpen = true;
  const close = (isDone = false) => {
    if (!isOpen) return;
    isOpen = false;
    clearTimeout(timer);
    removeEventListener('keydown', onTab);
    const hadFocus = box.contains(document.activeElement);
    box.remove();
    if (hadFocus && before instanceof HTMLElement) before.focus();
    if (!isDone) gone?.();
  };
  let before: EventTarget | null = null;
  const onTab = ({ key }: KeyboardEvent) => {
    if (key === 'Tab' && !box.contains(document.activeElement)) wait();
  };
  const act = () => {
    close(true);
    action?.run();
  };
  const box = make(
    'div',
    { class: isError ? 'notice wrong' : 'notice' },
    make('p', {}, text),
    ...(action ? [button(action.label, act)] : []),
    iconButton('close', say('close'), () => close()),
  );
  let timer = 0;
  const wait = () => {
    clearTimeout(timer);
    if (!isError) timer = setTimeout(close, STAYS_MS);
  };
  const stay = () => clearTimeout(timer);
  for (const begin of ['pointerenter', 'focusin']) box.addEventListener(begin, stay);
  for (const end of ['pointerleave', 'focusout']) box.addEventListener(end, wait);
  box.addEventListener('focusin', ({ relatedTarget: from }) => {
    if (!(from instanceof Node && box.contains(from))) before = from;
  });
  addEventListener('keydown', onTab);
  element('notices').append(box);
  wait();
  return { close: () => close() };
}

/** Takes all notices of errors away: the reader goes on. */
export function clearErrors(): void {
  for (const box of element('notices').querySelectorAll('.wrong')) box.remove();
}

/** Tells screen readers how the answer stands: the growing text itself would flood them. */
export function tell(text: string): void {
  element('status').textContent = text;
}
