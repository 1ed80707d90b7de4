/** The conversation that is shown: opened, asked, answered, and changed. */
import { ApiError, call, callPage, send } from '../api/client.ts';
import { startTurn } from '../api/turns.ts';
import type { Conversation, Message, Transcript, TurnEnd } from '../api/types.ts';
import { attempt } from '../shared/attempt.ts';
import { element } from '../shared/elements.ts';
import { clearErrors, notify, tell } from '../shared/notices.ts';
import { createSignal } from '../shared/signal.ts';
import { tellTabs } from '../shared/tabs.ts';
import { say } from '../shared/words.ts';
import { putConversation } from '../sidebar/conversations.ts';
import type { GrowingAnswer } from './growing.ts';
import { RunningTurn } from './running-turn.ts';
import * as transcript from './transcript.ts';

/** The conversation that is shown; undefined for a new one. */
export const current = createSignal<Conversation | undefined>(undefined);
/** True from when something is asked until its answer is over. */
export const isBusy = createSignal(false);

let running: RunningTurn | undefined;
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
  if (id === undefined) {
    current.set(undefined);
    return transcript.showMessages(undefined, []);
  }
  transcript.showLoading();
  const found = await attempt(() => load(id));
  if (visit !== visits) return;
  if (found) show(found);
  else showMissing();
}

/** The address is told to the browser's history, so that its arrows work. */
function nameAddress(id: string | undefined): void {
  const hash = id === undefined ? '' : `#${id}`;
  if (location.hash !== hash) history.pushState(null, '', hash || location.pathname);
}

function load(id: string): Promise<Transcript> {
  return call<Transcript>(`/conversations/${id}`);
}

function show({ messages, ...conversation }: Transcript): void {
  current.set(conversation);
  const growing = messages.find(({ status }) => status === 'streaming');
  const stored = messages.filter((message) => message !== growing);
  transcript.showMessages(conversation.conversation_id, stored);
  if (!growing?.turn_id) return;
  isBusy.set(true);
  attach(growing.turn_id, transcript.addAnswer());
}

function showMissing(): void {
  nameAddress(undefined);
  current.set(undefined);
  transcript.showMessages(undefined, []);
}

function leave(): void {
  clearErrors();
  running?.leave();
  running = undefined;
  isBusy.set(false);
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

/** Starts a turn and follows its answer. What is on its way is seen at once. */
async function answer(
  path: string,
  json: { message?: string; [field: string]: unknown },
  before: () => Promise<void> = () => Promise.resolve(),
): Promise<boolean> {
  const visit = visits;
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
    attach(started.turnId, growing, { isOurs: true });
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
      putConversation(id, { title });
      current.set({ ...(current.get() ?? blank(id)), title });
      if (isOurs) tellTabs(id);
    },
    again() {
      transcript.dropUnstored();
      growing = transcript.addAnswer();
      return growing;
    },
    lost: () => void notify(say('errorLost')),
    ended: (end) => void finish(end, growing, from).then(() => isOurs && tellTabs(currentId())),
  });
}

function blank(id: string): Conversation {
  const created_at = new Date().toISOString();
  return {
    conversation_id: id,
    title: null,
    mode: 'open',
    model: null,
    message_count: 0,
    created_at,
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
  if (visit !== visits) return;
  running = undefined;
  transcript.settle({
    tail: tail.filter(({ status }) => status !== 'streaming'),
    growing,
    problem: end.error,
  });
  tell(say(end.message?.status === 'complete' ? 'answerComplete' : 'answerEnded'));
  isBusy.set(false);
}

/** Stops the answer; what was said of it stays. */
export function stop(): void {
  const turn = running;
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

/** Answers a message again, in its place. */
export async function regenerate(message: Message, fields: object): Promise<void> {
  transcript.cutFrom(message.id);
  if (!(await answer(`/messages/${message.id}/regenerate`, { ...fields }))) await open(currentId());
}

/** Says a message differently, in its place. @returns false where it was not accepted */
export async function edit(message: Message, fields: Asked): Promise<boolean> {
  transcript.cutFrom(message.id);
  const isAccepted = await answer(`/messages/${message.id}/edit`, fields);
  if (!isAccepted) await open(currentId());
  return isAccepted;
}

/** Shows the version of a message before it, or after it. */
export async function switchTo(message: Message, step: -1 | 1): Promise<void> {
  const wanted = await findVersion(message, message.siblings.index + step);
  if (!wanted) return;
  await change({ head_message_id: wanted });
  const id = currentId();
  if (id) transcript.showVersion((await load(id)).messages, message.id, wanted);
}

/** Versions of a message come after what they follow: they are looked for from there on. */
async function findVersion(
  { parent_id: parent, ...message }: Message,
  index: number,
): Promise<string | undefined> {
  const before = transcript.loadedMessages().find(({ id }) => id === parent);
  const versions: Message[] = [];
  let path: string | undefined =
    `/conversations/${currentId()}/messages?tree=true&limit=200&cursor=${before?.sequence_number ?? 0}`;
  while (path !== undefined && versions.length < message.siblings.count) {
    const page: { items: Message[]; next?: string } = await callPage<Message>(path);
    versions.push(...page.items.filter(({ parent_id: one }) => one === parent));
    path = page.next;
  }
  return versions[index - 1]?.id;
}

/** Deletes a message with all that follows it. */
export async function remove(message: Message): Promise<void> {
  await send(`/messages/${message.id}`, { method: 'DELETE' });
  tellTabs(currentId());
  const id = currentId();
  if (id) show(await load(id));
  element('composer-text').focus();
}

/** Copies the path up to a message into a conversation of its own, and shows that. */
export async function fork(message: Message): Promise<void> {
  const json = { message_id: message.id };
  const made = await call<Conversation>(`/conversations/${currentId()}/fork`, { json });
  putConversation(made.conversation_id, made);
  await open(made.conversation_id);
  notify(say('forked'));
}
