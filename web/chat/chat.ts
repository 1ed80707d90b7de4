/** The conversation that is shown: opened, asked, answered, and changed. */
import { ApiError, call, callPage, send } from '../api/client.ts';
import { startTurn } from '../api/turns.ts';
import type { Conversation, Message, Transcript, TurnEnd } from '../api/types.ts';
import { attempt } from '../shared/attempt.ts';
import { clearErrors, notify, tell } from '../shared/notices.ts';
import { createSignal } from '../shared/signal.ts';
import { tellTabs } from '../shared/tabs.ts';
import { say } from '../shared/words.ts';
import { knownConversation, newestTime, putConversation } from '../sidebar/conversations.ts';
import type { GrowingAnswer } from './growing.ts';
import { RunningTurn } from './running-turn.ts';
import * as transcript from './transcript.ts';
import { steering } from './waiting.ts';

/** The conversation that is shown; undefined for a new one. */
export const current = createSignal<Conversation | undefined>(undefined);
/** True while a conversation is loaded, and from when something is asked until it is answered. */
export const isBusy = createSignal(false);
/** Is set whenever a conversation is ready for the next message. */
export const isReady = createSignal(undefined);

let running: RunningTurn | undefined;
/** True where the reader has stopped an answer that the server has not begun. */
let isStopped = false;
/** The number of the last conversation that was asked for: an answer to an earlier one is late. */
let visits = 0;

/** Returns the id of the conversation that is shown; undefined for a new one. */
export function currentId(): string | undefined {
  return current.get()?.conversation_id;
}

/** Shows a conversation as it is stored, and follows the answer that still grows. */
export async function open(id: string | undefined): Promise<void> {
  leave();
  const visit = ++visits;
  nameAddress(id);
  if (id === undefined) return showNothing();
  current.set(knownConversation(id) ?? blank(id));
  transcript.showLoading();
  isBusy.set(true);
  const found = await attempt(() => load(id));
  if (visit !== visits) return;
  if (found) return show(found);
  nameAddress(undefined);
  showNothing();
}

/** The address is told to the browser's history, so that its arrows work. */
function nameAddress(id: string | undefined): void {
  const hash = id === undefined ? '' : `#${id}`;
  if (location.hash !== hash) history.pushState(null, '', hash || location.pathname);
}

/** Reads a conversation with its newest messages. */
export function load(id: string): Promise<Transcript> {
  return call<Transcript>(`/conversations/${id}`);
}

/** Shows a conversation that was read, and follows the answer that still grows. */
export function show({ messages, ...conversation }: Transcript): void {
  current.set(conversation);
  const growing = messages.find(({ status }) => status === 'streaming');
  const stored = messages.filter((message) => message !== growing);
  transcript.showMessages(conversation.conversation_id, stored);
  isBusy.set(growing?.turn_id !== undefined);
  settleSteering(stored.at(-1), growing);
  if (growing?.turn_id) attach(growing.turn_id, transcript.addAnswer());
  else isReady.set(undefined);
}

/** Shows the conversation as it is stored after something was refused; its reason stays. */
export async function restore(): Promise<void> {
  const id = currentId();
  if (id === undefined) return;
  const found = await load(id).catch(() => undefined);
  if (found && id === currentId()) show(found);
}

function showNothing(): void {
  current.set(undefined);
  isBusy.set(false);
  transcript.showMessages(undefined, []);
}

function leave(): void {
  clearErrors();
  running?.leave();
  running = undefined;
}

export interface Asked {
  message?: string;
  mode?: 'open' | 'rag';
  [field: string]: unknown;
}

/** Asks something in the conversation that is shown. @returns false where it was not accepted */
export async function ask({ mode, ...fields }: Asked): Promise<boolean> {
  const conversation = current.get();
  const path = conversation
    ? `/conversations/${conversation.conversation_id}/messages`
    : '/conversations';
  return answer(path, conversation ? fields : { ...fields, mode }, async () => {
    if (conversation && mode && conversation.mode !== mode) await change({ mode });
  });
}

/**
 * Starts a turn and follows its answer. What is on its way is seen at once.
 * @returns false where it was not accepted
 */
export async function answer(
  path: string,
  json: Asked,
  before: () => Promise<void> = () => Promise.resolve(),
): Promise<boolean> {
  const visit = visits;
  isStopped = false;
  isBusy.set(true);
  const growing = transcript.addQuestion(json.message);
  const started = await attempt(async () => {
    try {
      await before();
      return await startTurn(path, json);
    } catch (error) {
      // Another tab asked meanwhile: its answer is shown.
      if (error instanceof ApiError && error.code === 'turn_in_progress') void open(currentId());
      throw error;
    }
  });
  if (visit !== visits) return started !== undefined;
  if (started) {
    nameAddress(started.conversationId);
    if (!current.get()) current.set(blank(started.conversationId, json.mode));
    transcript.acceptQuestion();
    attach(started.turnId, growing, { isOurs: true });
    if (isStopped) stop();
    return true;
  }
  transcript.dropUnstored();
  isBusy.set(false);
  return false;
}

/** Follows a turn. The other tabs hear of it from the one that began it. */
function attach(turnId: string, first: GrowingAnswer, { isOurs = false } = {}): void {
  let growing = first;
  let from = 0;
  tell(say('answering'));
  running = new RunningTurn(turnId, growing, {
    started(data) {
      from = data.user_message.sequence_number;
      const { conversation_id: id, title } = data;
      putConversation(id, { title, updated_at: newestTime() });
      current.set({ ...(current.get() ?? blank(id)), title });
      if (isOurs) tellTabs(id);
    },
    again() {
      transcript.dropUnstored();
      growing = transcript.addAnswer();
      return growing;
    },
    steered: (text) => steering.drop(currentId(), text),
    lost: () => void notify(say('errorLost')),
    ended: (end) => void finish(end, growing, from).then(() => isOurs && tellTabs(currentId())),
  });
}

function blank(id: string, mode: Conversation['mode'] = 'open'): Conversation {
  const now = new Date().toISOString();
  return {
    conversation_id: id,
    title: null,
    mode,
    model: null,
    message_count: 0,
    created_at: now,
    updated_at: now,
  };
}

/** Shows an answer as it is stored, with the question that it was given to. */
async function finish(end: TurnEnd, growing: GrowingAnswer, from: number): Promise<void> {
  const visit = visits;
  const told = end.message ? [end.message] : [];
  const path = `/conversations/${currentId()}/messages?limit=200&cursor=${Math.max(0, from - 1)}`;
  const tail = await callPage<Message>(path).then(
    ({ items }) => items,
    () => told,
  );
  await growing.drawn();
  if (visit !== visits) return;
  running = undefined;
  const stored = tail.filter(({ status }) => status !== 'streaming');
  transcript.settle({ tail: stored, growing, problem: end.error });
  tell(say(end.message?.status === 'complete' ? 'answerComplete' : 'answerEnded'));
  const next = tail.find(({ status }) => status === 'streaming');
  settleSteering(stored.at(-1), next);
  if (next?.turn_id) return attach(next.turn_id, transcript.addAnswer());
  isBusy.set(false);
  isReady.set(undefined);
}

/** A message that met no further step is a question now; the others wait for its answer's steps. */
function settleSteering(question: Message | undefined, growing: Message | undefined): void {
  if (!growing) steering.set(currentId(), []);
  else if (question?.role === 'user') steering.drop(currentId(), question.content);
}

/** Lets a message join the answer that comes. @returns false where it was not accepted */
export async function steer(json: Asked): Promise<boolean> {
  const id = currentId();
  const path = `/conversations/${id}/messages`;
  const started = await attempt(() => startTurn(path, { ...json, on_busy: 'steer' }));
  // The answer was over before the message came, which has a turn of its own then.
  if (started && !running && id === currentId()) void open(id);
  return started !== undefined;
}

/** Stops the answer; what was said of it stays. */
export function stop(): void {
  const turn = running;
  isStopped = true;
  if (turn) void attempt(() => send(`/turns/${turn.turnId}/cancel`, { method: 'POST' }));
}

/** Changes the conversation that is shown. */
export async function change(
  json: Partial<Conversation> & { head_message_id?: string },
): Promise<void> {
  const changed = await call<Conversation>(`/conversations/${currentId()}`, {
    method: 'PATCH',
    json,
  });
  current.set(changed);
  putConversation(changed.conversation_id, changed);
  tellTabs(changed.conversation_id);
}
