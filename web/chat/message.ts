/** Draws messages: what was said, how it ended, and what can be done with it. */
import type { Message, Problem } from '../api/types.ts';
import { explainProblem } from '../shared/attempt.ts';
import { copyText } from '../shared/clipboard.ts';
import { iconButton, make } from '../shared/elements.ts';
import { formatTime } from '../shared/format.ts';
import { say, type Word } from '../shared/words.ts';
import { drawBody } from './answer-body.ts';
import { drawDecisions, drawQuestions, waitsForClient, type Decision } from './approvals.ts';
import { drawFiles } from './files.ts';
import type { GrowingAnswer } from './growing.ts';
import { drawSources, linkCitations } from './sources.ts';

/** The page's words for an answer that is not whole. */
const STATES: Readonly<Record<string, Word>> = {
  truncated: 'stateTruncated',
  filtered: 'stateFiltered',
  cancelled: 'stateCancelled',
  interrupted: 'stateInterrupted',
  failed: 'stateFailed',
};

export interface MessageActions {
  regenerate: (message: Message) => void;
  edit: (message: Message) => void;
  fork: (message: Message) => void;
  remove: (message: Message) => void;
  switchTo: (message: Message, step: -1 | 1) => void;
  decide: (decisions: Decision[]) => void;
}

export interface Drawing {
  actions: MessageActions;
  /** True for the end of the path, which alone may ask something. */
  isLast: boolean;
  /** The elements of an answer that grew: its text is not drawn again, and does not move. */
  growing?: GrowingAnswer | undefined;
  /** The reason why the answer failed, where that is known. */
  problem?: Problem | undefined;
}

/** Draws a stored message. */
export function drawMessage(message: Message, drawing: Drawing): HTMLLIElement {
  const isAnswer = message.role === 'assistant';
  const { growing, problem, actions } = drawing;
  const item = growing?.item ?? make('li', { class: message.role });
  item.tabIndex = -1;
  item.dataset['id'] = message.id;
  item.setAttribute('aria-label', say(isAnswer ? 'answer' : 'question'));
  const body = isAnswer && !growing ? drawBody(message) : undefined;
  if (body) item.append(body.element);
  item.append(...(isAnswer ? drawAnswer(message, drawing) : drawQuestion(message)));
  const state = stateOf(message, problem);
  if (state) item.append(make('p', { class: 'state' }, state));
  item.append(drawTools(message, actions));
  void finish(item, message, body?.rest);
  return item;
}

/** Adds, when the whole text is there, what needs it. */
async function finish(item: HTMLElement, { sources }: Message, rest?: Promise<void>) {
  if (rest) {
    item.setAttribute('aria-busy', 'true');
    await rest;
    item.removeAttribute('aria-busy');
  }
  if (sources) linkCitations(item, sources);
}

/** Draws a question that the server does not have yet. */
export function drawPending(text: string): HTMLLIElement {
  return make('li', { class: 'user pending' }, make('div', { class: 'text', dir: 'auto' }, text));
}

function drawQuestion(message: Message): HTMLElement[] {
  const files = message.attachments ?? [];
  return [
    ...(files.length > 0 ? [drawFiles(files)] : []),
    ...(message.content === ''
      ? []
      : [make('div', { class: 'text', dir: 'auto' }, message.content)]),
    ...drawDecisions(message),
  ];
}

/** Draws what stands below the text of an answer. */
function drawAnswer(message: Message, { isLast, actions }: Drawing): HTMLElement[] {
  const questions = isLast ? drawQuestions(message, actions.decide) : [];
  const sources = message.sources?.length ? [drawSources(message.sources)] : [];
  const waits = isLast && waitsForClient(message);
  const notice = waits ? [make('p', { class: 'state quiet' }, say('waitsForClient'))] : [];
  return [...sources, ...questions, ...notice];
}

function stateOf(message: Message, problem: Problem | undefined): string | undefined {
  if (message.refused) return say('stateRefused');
  const word = STATES[message.status];
  if (!word) return undefined;
  return problem?.detail ? `${say(word)} ${explainProblem(problem)}` : say(word);
}

function drawTools(message: Message, actions: MessageActions): HTMLElement {
  const tools = make('div', { class: 'tools', role: 'group', 'aria-label': say('tools') });
  const copy = iconButton('copy', say('copy'), () => void copyText(message.content, copy));
  const change =
    message.role === 'user'
      ? iconButton('edit', say('edit'), () => actions.edit(message))
      : iconButton('again', say('again'), () => actions.regenerate(message));
  const others = make(
    'div',
    { class: 'others' },
    copy,
    change,
    iconButton('fork', say('fork'), () => actions.fork(message)),
    iconButton('remove', say('delete'), () => actions.remove(message)),
    make('time', { dateTime: message.created_at }, formatTime(message.created_at)),
  );
  tools.append(...drawVersions(message, actions), others);
  return tools;
}

function drawVersions(message: Message, { switchTo }: MessageActions): HTMLElement[] {
  const { index, count } = message.siblings;
  if (count < 2) return [];
  const before = iconButton('previous', say('versionBefore'), () => switchTo(message, -1));
  const after = iconButton('next', say('versionNext'), () => switchTo(message, 1));
  before.disabled = index === 1;
  after.disabled = index === count;
  return [before, make('span', { class: 'version' }, `${index}/${count}`), after];
}
