/** Where messages are written. What is written stays until the server has it. */
import { element, iconButton, make } from '../shared/elements.ts';
import { notify } from '../shared/notices.ts';
import { recall, remember } from '../shared/storage.ts';
import { say } from '../shared/words.ts';
import { ask, current, currentId, isBusy, isReady, stop } from './chat.ts';
import { hasAttached, setAttached, startAttachments, takeAttached } from './attachments.ts';
import { chooseModel, chosenModel } from './models.ts';
import { setWaiting, waitingIn } from './queue.ts';

const text = element<HTMLTextAreaElement>('composer-text');
const rag = element<HTMLInputElement>('rag');
const queue = element('queue');
let toldFull = false;

/** Lets the composer work. */
export function startComposer(): void {
  text.value = recall('draft') ?? '';
  text.addEventListener('input', onInput);
  text.addEventListener('keydown', onKey);
  element('composer').addEventListener('submit', (event) => {
    event.preventDefault();
    submit();
  });
  element('stop').addEventListener('click', stop);
  for (const idea of element('ideas').querySelectorAll('button'))
    idea.addEventListener('click', () => write(idea.textContent));
  current.follow((conversation) => {
    if (conversation) rag.checked = conversation.mode === 'rag';
    if (conversation?.model) chooseModel(conversation.model);
    nameQueue(conversation?.conversation_id);
    showQueue();
  });
  isBusy.follow((isNow) => {
    element('stop').hidden = !isNow;
    element('send').title = say(isNow ? 'queueMessage' : 'send');
  });
  isReady.follow(sendNext);
  startAttachments();
  fit();
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

/** Where the browser does not fit the field to its text, this does. */
function fit(): void {
  if (CSS.supports('field-sizing', 'content')) return;
  text.style.blockSize = 'auto';
  text.style.blockSize = `${text.scrollHeight}px`;
}

function onKey(event: KeyboardEvent): void {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  submit();
}

/** Sends what is written, or lets it wait while an answer comes. */
function submit(): void {
  const message = text.value;
  if (message.trim() === '' && !hasAttached()) return;
  if (isBusy.get()) {
    if (hasAttached()) return void notify(say('filesWait'));
    setWaiting(currentId(), [...waitingIn(currentId()), message]);
    empty(message);
    showQueue();
  } else void sendMessage(message);
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

/** What waited for the first answer of a new conversation waits there. */
function nameQueue(id: string | undefined): void {
  const waiting = waitingIn(undefined);
  if (id === undefined || !isBusy.get() || waiting.length === 0) return;
  setWaiting(undefined, []);
  setWaiting(id, [...waitingIn(id), ...waiting]);
}

function sendNext(): void {
  const [next, ...rest] = waitingIn(currentId());
  if (next === undefined || currentId() === undefined) return;
  setWaiting(currentId(), rest);
  showQueue();
  void sendQueued(next);
}

/** What waited and is not accepted goes back to its place, where it can be seen. */
async function sendQueued(message: string): Promise<void> {
  const mode = rag.checked ? 'rag' : 'open';
  if (await ask({ message, mode, model: chosenModel() })) return;
  if (text.value === '') write(message);
  else setWaiting(currentId(), [message, ...waitingIn(currentId())]);
  showQueue();
}

function showQueue(): void {
  const waiting = waitingIn(currentId());
  queue.hidden = waiting.length === 0;
  queue.replaceChildren(
    ...waiting.map((message, at) => {
      const without = () => setWaiting(currentId(), waiting.toSpliced(at, 1));
      const edit = () => {
        without();
        write(message);
        showQueue();
      };
      const remove = () => {
        without();
        showQueue();
        text.focus();
      };
      return make(
        'li',
        {},
        make('span', { dir: 'auto' }, message),
        iconButton('edit', say('edit'), edit),
        iconButton('close', say('removeWaiting'), remove),
      );
    }),
  );
}
