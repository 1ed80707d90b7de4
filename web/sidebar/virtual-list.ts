/**
 * Draws a long list by its visible rows alone. All rows have one height, so the rest is space. The
 * focus stays in its row; where that has gone, the one in its place gets it.
 */
import { make } from '../shared/elements.ts';

/** Rows that are drawn beyond what can be seen, on either side. */
const AROUND = 8;

export interface VirtualList {
  /** Draws the rows anew. */
  show(count: number): void;
}

/**
 * Makes a list inside an element that scrolls.
 * @param row draws the row of a number
 * @param rowPixels the height of every row
 * @param nearEnd is called when the last rows are drawn
 */
export function createVirtualList(
  view: HTMLElement,
  {
    row,
    rowPixels,
    nearEnd,
  }: { row: (at: number) => HTMLElement; rowPixels: number; nearEnd: () => void },
): VirtualList {
  const list = make('ul', { class: 'rows' });
  view.replaceChildren(list);
  let count = 0;
  let shown = { from: 0, to: 0 };
  let drawn = new Map<number, HTMLElement>();
  let isScheduled = false;
  let isChanged = false;
  // To ask for these while the page changes would lay it out at once.
  let seen = { top: 0, size: view.clientHeight };

  const draw = () => {
    isScheduled = false;
    // What is written in a row would be lost: the list waits until that is over.
    if (isChanged && list.querySelector('input')) return;
    // A list that has become shorter is not scrolled back yet.
    const top = Math.max(0, Math.min(seen.top, count * rowPixels - seen.size));
    const first = Math.floor(top / rowPixels);
    const from = Math.max(0, first - AROUND);
    const to = Math.min(count, first + Math.ceil(seen.size / rowPixels) + AROUND);
    const isNear = Math.abs(from - shown.from) < AROUND / 2 && to <= shown.to;
    if (!isChanged && isNear) return;
    const known = isChanged ? new Map<number, HTMLElement>() : drawn;
    isChanged = false;
    shown = { from, to };
    list.style.blockSize = `${count * rowPixels}px`;
    list.style.paddingBlockStart = `${from * rowPixels}px`;
    const numbers = Array.from({ length: Math.max(0, to - from) }, (_, at) => from + at);
    drawn = new Map(numbers.map((at) => [at, known.get(at) ?? row(at)]));
    const focused = focusedRow(list);
    list.replaceChildren(...drawn.values());
    if (focused !== undefined) focusRow(list, focused);
    if (to === count) nearEnd();
  };
  /** Draws with the next frame, however often the rows change until then. */
  const schedule = () => {
    if (!isScheduled) requestAnimationFrame(draw);
    isScheduled = true;
  };
  for (const type of ['focusin', 'focusout'])
    list.addEventListener(type, () => void (isChanged && schedule()));
  view.addEventListener(
    'scroll',
    () => {
      seen = { ...seen, top: view.scrollTop };
      schedule();
    },
    { passive: true },
  );
  new ResizeObserver(() => {
    seen = { top: view.scrollTop, size: view.clientHeight };
    schedule();
  }).observe(view);
  return {
    show(now) {
      count = now;
      isChanged = true;
      schedule();
    },
  };
}

interface Focused {
  id: string;
  /** The number of the button in its row, and of the row among those that are drawn. */
  place: number;
  at: number;
}

function focusedRow(list: HTMLElement): Focused | undefined {
  const item = document.activeElement?.closest<HTMLElement>('li[data-id]');
  if (!item || !list.contains(item)) return undefined;
  const place = [...item.querySelectorAll('button')].findIndex(
    (one) => one === document.activeElement,
  );
  return { id: item.dataset['id'] ?? '', place, at: [...list.children].indexOf(item) };
}

/** Gives a row the focus; where it has gone, the title in its place gets it. */
function focusRow(list: HTMLElement, { id, place, at }: Focused): void {
  const same = list.querySelector(`li[data-id="${CSS.escape(id)}"]`);
  const next = [...list.children].slice(at).find((one) => one.matches('[data-id]'));
  const item = same ?? next ?? list.lastElementChild;
  item?.querySelectorAll('button')[same ? place : 0]?.focus({ preventScroll: true });
}
