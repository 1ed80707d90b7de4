/**
 * Moves the view. A new question goes to its top. The view follows the answer only while the
 * reader has gone to the end, and stops as soon as the reader goes back.
 */
import { element } from '../shared/elements.ts';

/** Pixels from the end that still count as the end. */
const NEAR_END = 48;

const view = element('view');
const latest = element('latest');
let isFollowing = false;
let lastTop = 0;

function distanceToEnd(): number {
  return view.scrollHeight - view.scrollTop - view.clientHeight;
}

function moveTo(top: number): void {
  view.scrollTop = top;
  lastTop = view.scrollTop;
  showWay();
}

function showWay(): void {
  latest.hidden = distanceToEnd() < NEAR_END;
}

/** Goes to the end, and follows it from now on. */
export function goToEnd(): void {
  isFollowing = true;
  moveTo(view.scrollHeight);
}

/** Puts a question at the top, with room for its answer below. */
export function putAtTop(question: HTMLElement, answer: HTMLElement): void {
  isFollowing = false;
  const style = getComputedStyle(view);
  const gap = Number.parseFloat(style.paddingBlockStart) || 0;
  answer.style.minBlockSize = `${Math.max(0, view.clientHeight - question.offsetHeight - 3 * gap)}px`;
  moveTo(question.offsetTop - gap);
}

/** The browser tells of another size after each layout: asking for it would cost one more. */
new ResizeObserver(() => {
  if (isFollowing) moveTo(view.scrollHeight);
  else showWay();
}).observe(element('messages'));

/** Changes content while an element stays where it is in the view. */
export function keepInPlace(find: () => HTMLElement | null | undefined, change: () => void): void {
  const before = find()?.getBoundingClientRect().top;
  change();
  const after = find()?.getBoundingClientRect().top;
  if (before === undefined || after === undefined) return;
  moveTo(view.scrollTop + after - before);
}

view.addEventListener(
  'scroll',
  () => {
    if (view.scrollTop < lastTop) isFollowing = false;
    else if (view.scrollTop > lastTop && distanceToEnd() < NEAR_END) isFollowing = true;
    lastTop = view.scrollTop;
    showWay();
  },
  { passive: true },
);
latest.addEventListener('click', goToEnd);
