/**
 * The messages that are shown. Only the newest are drawn; those before them come when the reader
 * goes up to them, from what is loaded and then from the API.
 */
import { callPage } from '../api/client.ts';
import type { Message, Problem } from '../api/types.ts';
import { attempt } from '../shared/attempt.ts';
import { element } from '../shared/elements.ts';
import { GrowingAnswer } from './growing.ts';
import { keepFocus } from './keep-focus.ts';
import { drawMessage, drawPending, type Drawing, type MessageActions } from './message.ts';
import { giveRoom, goToEnd, keepInPlace, putAtTop } from './scroll.ts';
import { skipUnseen } from './skip-unseen.ts';

/** The number of messages that are drawn at once: about ten screens. */
const WINDOW = 40;
/** The messages that are taken out at once: fewer would mean more frames in which all are there. */
const AT_ONCE = 40;
/** The most messages that the API sends in a page. */
const PAGE = 200;

const list = element<HTMLOListElement>('messages');
const earlier = element<HTMLButtonElement>('earlier');
const empty = element('empty');

let actions: MessageActions;
let conversationId: string | undefined;
/**
 * The loaded messages of the active path, oldest first, and how many of the first are not drawn.
 */
let messages: Message[] = [];
let undrawn = 0;
/** Is counted up when other messages are shown, or earlier ones. */
let changes = 0;

/** Says what can be done with messages. */
export function useActions(given: MessageActions): void {
  actions = given;
}

/** Returns the loaded messages, oldest first. */
export function loadedMessages(): readonly Message[] {
  return messages;
}

/** Returns the element of a message, where it is drawn. */
export function itemOf(id: string): HTMLElement | null {
  return list.querySelector(`[data-id="${CSS.escape(id)}"]`);
}

/** Shows the messages of a conversation, the newest at the end of the view. */
export function showMessages(id: string | undefined, all: Message[]): void {
  conversationId = id;
  messages = all;
  changes += 1;
  undrawn = Math.max(0, all.length - WINDOW);
  list.replaceChildren(...all.slice(undrawn).map((message) => draw(message)));
  showSurroundings();
  goToEnd();
  skipUnseen(list);
}

/** Shows that messages are on their way. */
export function showLoading(): void {
  showMessages(undefined, []);
  empty.hidden = true;
  list.setAttribute('aria-busy', 'true');
}

function showSurroundings(): void {
  list.removeAttribute('aria-busy');
  earlier.hidden = !hasEarlier();
  empty.hidden = list.childElementCount > 0;
}

function hasEarlier(): boolean {
  return undrawn > 0 || (messages[0]?.parent_id ?? null) !== null;
}

function draw(message: Message, more: Partial<Drawing> = {}): HTMLLIElement {
  return drawMessage(message, { actions, isLast: message === messages.at(-1), ...more });
}

/** Shows a question that is on its way, and the place of its answer. */
export function addQuestion(text: string | undefined): GrowingAnswer {
  leaveOutEarlier();
  const question = text === undefined ? undefined : drawPending(text);
  if (question) list.append(question);
  return addAnswer(question);
}

/**
 * Takes messages that a reader went up to out of the view again, since the talk goes on at the end:
 * some at a time, and no more of them when the reader goes up once more.
 */
function leaveOutEarlier(): void {
  const from = changes;
  const leave = () => {
    const many = Math.min(AT_ONCE, list.childElementCount - 2 * WINDOW);
    if (many <= 0 || from !== changes) return;
    const items = [...list.children];
    const stays = items[many];
    keepInPlace(
      () => (stays instanceof HTMLElement ? stays : undefined),
      () => {
        for (const item of items.slice(0, many)) item.remove();
      },
    );
    undrawn += many;
    showSurroundings();
    setTimeout(leave);
  };
  setTimeout(leave);
}

/** Shows that the server has the question that was on its way. */
export function acceptQuestion(): void {
  list.querySelector('.pending')?.classList.add('accepted');
}

/** Shows the place of an answer, below its question. */
export function addAnswer(question = list.lastElementChild): GrowingAnswer {
  const answer = new GrowingAnswer();
  list.append(answer.item);
  showSurroundings();
  if (question instanceof HTMLElement) putAtTop(question, answer.item);
  return answer;
}

/** Takes a message and all that follows it out of the view, for what comes in their place. */
export function cutFrom(id: string): void {
  const at = messages.findIndex((message) => message.id === id);
  if (at < 0) return;
  for (const { id: gone } of messages.splice(at)) itemOf(gone)?.remove();
}

/** Takes what is not stored out of the view. */
export function dropUnstored(): void {
  for (const item of list.querySelectorAll('.pending, [aria-busy]:not([data-id])')) item.remove();
  showSurroundings();
}

interface Settled {
  /** The end of the path as it is stored: the question and its answer. */
  tail: Message[];
  growing: GrowingAnswer;
  problem?: Problem | undefined;
}

/** Puts stored messages in the place of what was on its way. Nothing moves, nor does the focus. */
export function settle(settled: Settled): void {
  const at = [...list.children].findIndex((item) => item.contains(document.activeElement));
  keepFocus(
    () => list.children[at],
    () => putStored(settled),
  );
  skipUnseen(list);
}

function putStored({ tail, growing, problem }: Settled): void {
  growing.end();
  const [first] = tail;
  const last = tail.at(-1);
  const known = messages.filter(({ sequence_number: n }) => n < (first?.sequence_number ?? 0));
  const before = messages.at(-1);
  messages = [...known, ...tail];
  if (before && before !== last)
    itemOf(before.id)
      ?.querySelectorAll('.card')
      .forEach((card) => card.remove());
  for (const { id } of tail) itemOf(id)?.remove();
  const isSame = last?.role === 'assistant' && last.content === growing.text;
  const items = tail.map((message) =>
    draw(message, message === last ? { problem, ...(isSame ? { growing } : {}) } : {}),
  );
  const lastItem = items.at(-1);
  growing.item.before(...items.filter((item) => item !== growing.item));
  if (!isSame) growing.item.remove();
  dropUnstored();
  if (lastItem) giveRoom(lastItem);
}

/** Shows the messages of another version of the path; the message there stays where it was. */
export function showVersion(all: Message[], before: string, after: string): void {
  const find = () => itemOf(before) ?? itemOf(after);
  const change = () => {
    messages = all;
    changes += 1;
    undrawn = Math.max(0, all.length - Math.max(WINDOW, list.childElementCount));
    list.replaceChildren(...all.slice(undrawn).map((message) => draw(message)));
    showSurroundings();
  };
  keepFocus(find, () => keepInPlace(find, change));
  skipUnseen(list);
}

/** Draws messages before those that are drawn, and loads them where they are not here yet. */
async function showEarlier(): Promise<void> {
  changes += 1;
  if (undrawn === 0) await loadEarlier();
  const from = Math.max(0, undrawn - WINDOW);
  const items = messages.slice(from, undrawn).map((message) => draw(message));
  undrawn = from;
  const first = list.firstElementChild;
  keepInPlace(
    () => (first instanceof HTMLElement ? first : undefined),
    () => list.prepend(...items),
  );
  showSurroundings();
  skipUnseen(list);
}

async function loadEarlier(): Promise<void> {
  const [first] = messages;
  const id = conversationId;
  let end = first?.sequence_number ?? 0;
  while (end > 1) {
    const start = Math.max(0, end - 1 - PAGE);
    const path = `/conversations/${id}/messages?limit=${PAGE}&cursor=${start}`;
    const { items } = await callPage<Message>(path);
    if (id !== conversationId || first !== messages[0]) return;
    const before = items.filter(({ sequence_number: n }) => n < end);
    messages = [...before, ...messages];
    undrawn += before.length;
    if (before.length > 0) return;
    end = start + 1;
  }
}

let isLoading = false;
async function onEarlier(): Promise<void> {
  if (isLoading || earlier.hidden) return;
  isLoading = true;
  await attempt(showEarlier);
  isLoading = false;
}
earlier.addEventListener('click', () => void onEarlier());
new IntersectionObserver(
  (entries) => {
    if (entries.some(({ isIntersecting }) => isIntersecting)) void onEarlier();
  },
  { root: element('view'), rootMargin: '400px 0px 0px' },
).observe(earlier);
