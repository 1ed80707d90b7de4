/**
 * Moves the view. A new question goes to its top. The view follows the answer only while the
 * reader has gone to the end, and stops as soon as the reader goes back.
 */
import { element } from '../shared/elements.ts';

/** Pixels from the end that still count as the end. */
const NEAR_END = 48;

const view = element('view');
const messages = element('messages');
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
  latest.hidden = distanceToEnd() < NEAR_END || seesQuestion();
}

/** True where a card that asks something can be seen: nothing may lie over it. */
function seesQuestion(): boolean {
  const parts = [...(messages.lastElementChild?.children ?? [])];
  const card = parts.find(({ className }) => className === 'card');
  return (
    card !== undefined && card.getBoundingClientRect().top < view.getBoundingClientRect().bottom
  );
}

/** Goes to the end, and follows it from now on. */
export function goToEnd(): void {
  isFollowing = true;
  moveTo(view.scrollHeight);
}

/** The answer that has room below it; undefined while none has. */
let roomy: HTMLElement | undefined;

/** Gives an answer the room that is left below its question, and takes it from the one before. */
export function giveRoom(answer: HTMLElement): void {
  if (roomy !== answer) roomy?.style.removeProperty('min-block-size');
  roomy = answer;
  const question = answer.previousElementSibling;
  const taken = question instanceof HTMLElement ? question.offsetHeight : 0;
  answer.style.minBlockSize = `${Math.max(0, view.clientHeight - taken - 3 * gap())}px`;
}

function gap(): number {
  return Number.parseFloat(getComputedStyle(view).paddingBlockStart) || 0;
}

/** Puts a question at the top, with room for its answer below. */
export function putAtTop(question: HTMLElement, answer: HTMLElement): void {
  isFollowing = false;
  giveRoom(answer);
  moveTo(question.offsetTop - gap());
}

// A phone that is turned, or whose keyboard opens, has another room.
new ResizeObserver(() => {
  if (roomy?.isConnected) giveRoom(roomy);
}).observe(view);

/** The browser tells of another size after each layout: asking for it would cost one more. */
new ResizeObserver(() => {
  if (isFollowing) moveTo(view.scrollHeight);
  else showWay();
}).observe(messages);

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
/** A frame that follows could take a step back again before the browser tells of it. */
view.addEventListener(
  'wheel',
  ({ deltaY }) => {
    if (deltaY < 0 && view.scrollTop > 0) isFollowing = false;
  },
  { passive: true },
);
latest.addEventListener('click', goToEnd);
