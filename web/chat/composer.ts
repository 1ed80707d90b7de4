/** The field where messages are written. A text stays until the server has it. */
import { element } from '../shared/elements.ts';
import { notify } from '../shared/notices.ts';
import { recall, remember } from '../shared/storage.ts';
import { say } from '../shared/words.ts';
import { ask, current, currentId, isBusy, isReady, steer, stop } from './chat.ts';
import { hasAttached, setAttached, startAttachments, takeAttached } from './attachments.ts';
import { chooseModel, chosenModel } from './models.ts';
import { queued, steering, waitingChanged } from './waiting.ts';
import { startWaitingList } from './waiting-list.ts';

const text = element<HTMLTextAreaElement>('composer-text');
const rag = element<HTMLInputElement>('rag');
let toldFull = false;

/** Lets the composer work. */
export function startComposer(): void {
  // Somebody may have begun to write before this script was here.
  text.value ||= recall('draft') ?? '';
  text.addEventListener('input', onInput);
  text.addEventListener('keydown', onKey);
  element('composer').addEventListener('submit', (event) => {
    event.preventDefault();
    submit();
  });
  element<HTMLButtonElement>('send').disabled = false;
  element('stop').addEventListener('click', stop);
  element('steer').addEventListener('click', addToAnswer);
  for (const idea of element('ideas').querySelectorAll('button'))
    idea.addEventListener('click', () => write(idea.textContent));
  current.follow((conversation) => {
    if (conversation) rag.checked = conversation.mode === 'rag';
    if (conversation?.model) chooseModel(conversation.model);
    nameQueue(conversation?.conversation_id);
    waitingChanged.set(undefined);
  });
  isBusy.follow(showWays);
  isReady.follow(sendNext);
  // What is being written stays, below what is taken back.
  startWaitingList((again) => write([again, text.value].filter(Boolean).join('\n\n')));
  startAttachments();
  fit();
}

/** While an answer comes, a message can wait for its end or join it, and the answer be stopped. */
function showWays(isBusyNow: boolean): void {
  // While a conversation is loaded there is nothing to stop.
  const isNow = isBusyNow && !element('messages').ariaBusy;
  element('stop').hidden = !isNow;
  element('steer').hidden = !isNow;
  const send = element('send');
  send.title = say(isNow ? 'queueMessage' : 'send');
  send.setAttribute('aria-label', send.title);
}

/** Goes to the composer, with a text to begin with. */
export function write(words?: string): void {
  if (words !== undefined) text.value = words;
  if (words !== undefined) onInput();
  text.focus();
}

function onInput(): void {
  fit();
  const isKept = remember('draft', text.value);
  if (isKept || toldFull) return;
  toldFull = true;
  notify(say('storageFull'));
}

/** Fits the field to its text where the browser does not. */
function fit(): void {
  if (CSS.supports('field-sizing', 'content')) return;
  text.style.blockSize = 'auto';
  text.style.blockSize = `${text.scrollHeight}px`;
}

function onKey(event: KeyboardEvent): void {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (event.ctrlKey || event.metaKey) addToAnswer();
  else submit();
}

/** Sends what is written, or lets it wait while an answer comes. */
function submit(): void {
  const message = text.value;
  if (message.trim() === '' && !hasAttached()) return;
  if (!isBusy.get()) return void sendMessage(message);
  if (hasAttached()) return void notify(say('filesWait'));
  queued.add(currentId(), message);
  empty(message);
}

/** Lets what is written join the answer that comes; where none comes, it is sent. */
function addToAnswer(): void {
  const message = text.value;
  if (!isBusy.get() || currentId() === undefined) return submit();
  if (message.trim() === '') return text.focus();
  void sendToAnswer(message);
}

async function sendToAnswer(message: string): Promise<void> {
  const id = currentId();
  empty(message);
  steering.add(id, message);
  const files = await takeAttached();
  const attachments = files.map(({ file_id }) => ({ file_id }));
  const isAccepted = await steer({
    message,
    ...(files.length > 0 ? { attachments } : {}),
    model: chosenModel(),
  });
  if (isAccepted) return;
  steering.drop(id, message);
  if (text.value === '') write(message);
  setAttached(files);
}

async function sendMessage(message: string): Promise<void> {
  text.value = '';
  fit();
  const files = await takeAttached();
  const attachments = files.map(({ file_id }) => ({ file_id }));
  const mode = rag.checked ? 'rag' : 'open';
  const isAccepted = await ask({
    ...(message.trim() === '' ? {} : { message }),
    ...(files.length > 0 ? { attachments } : {}),
    mode,
    model: chosenModel(),
  });
  if (isAccepted) return empty('');
  if (text.value === '') write(message);
  setAttached(files);
}

/** Forgets a draft that has gone, unless something else was written meanwhile. */
function empty(message: string): void {
  if (text.value === message) text.value = '';
  onInput();
}

/** Moves the queue of a new conversation to the one that its first answer named. */
function nameQueue(id: string | undefined): void {
  const waiting = queued.in(undefined);
  if (id === undefined || !isBusy.get() || waiting.length === 0) return;
  queued.set(undefined, []);
  queued.set(id, [...queued.in(id), ...waiting]);
}

function sendNext(): void {
  const [next] = queued.in(currentId());
  if (next === undefined || currentId() === undefined) return;
  queued.drop(currentId(), next);
  void sendQueued(next);
}

/** Puts a message that waited and was not accepted back, where it can be seen. */
async function sendQueued(message: string): Promise<void> {
  const mode = rag.checked ? 'rag' : 'open';
  if (await ask({ message, mode, model: chosenModel() })) return;
  if (text.value === '') write(message);
  else queued.set(currentId(), [message, ...queued.in(currentId())]);
}
