/** The page: a chat by the public API alone. */
import { ApiError, call, follow, nameUser, recall, remember, send, startTurn } from './api.js';
import { button, element, make } from './elements.js';
import { drawMessage, growingAnswer } from './messages.js';
import { addDocuments, showConversations, showDocuments } from './sidebar.js';

const list = element('messages');
const composer = element('composer-text');
const DRAFT = 'parley.draft';
/** Milliseconds after which a lost answer is looked for. */
const LOOK_AGAIN_MS = 3_000;

/** The conversation that is shown; undefined for a new one. */
let current;
/** The turn that is followed. */
let running;
/** True while a message is on its way. */
let isSending = false;
/** The number of the last conversation that was asked for: an answer to an earlier one is late. */
let shown = 0;

function say(text) {
  element('notice').textContent = text;
}

/** Runs something that the user asked for, and says what went wrong. */
function attempt(work) {
  say('');
  return work().catch(async (error) => {
    if (error instanceof ApiError && error.status === 401) return signIn();
    if (!(error instanceof ApiError || error instanceof TypeError)) throw error;
    say(error instanceof ApiError ? error.message : 'The server cannot be reached.');
  });
}

const actions = {
  regenerate: (message) => attempt(() => answerTo(`/messages/${message.id}/regenerate`, {})),
  edit: (message) => openEditor(message),
  remove: (message) =>
    attempt(async () => {
      if (!confirm('Delete this message and all that follows it?')) return;
      await send(`/messages/${message.id}`, { method: 'DELETE' });
      await show(current);
    }),
  switchTo: (message, step) =>
    attempt(async () => {
      const all = await call(`/conversations/${current}/messages?tree=true&limit=200`);
      const siblings = all.filter(({ parent_id: parent }) => parent === message.parent_id);
      const wanted = siblings[message.siblings.index - 1 + step];
      if (!wanted) return;
      const json = { head_message_id: wanted.id };
      await call(`/conversations/${current}`, { method: 'PATCH', json });
      await show(current);
    }),
};

/** Shows a conversation as it is stored, and follows the answer that still grows. */
async function show(id) {
  leave();
  const turn = ++shown;
  current = id;
  history.replaceState(null, '', id ? `#${id}` : location.pathname);
  if (!id) {
    element('title').textContent = 'New conversation';
    list.replaceChildren();
    return refreshList();
  }
  const conversation = await call(`/conversations/${id}`);
  if (turn !== shown) return;
  element('title').textContent = conversation.title ?? 'New conversation';
  element('rag').checked = conversation.mode === 'rag';
  const growing = conversation.messages.find(({ status }) => status === 'streaming');
  const stored = conversation.messages.filter((message) => message !== growing);
  list.replaceChildren(...stored.map((message) => drawMessage(message, actions)));
  list.scrollTop = list.scrollHeight;
  if (growing) attach(growing.turn_id);
  await refreshList();
}

function refreshList() {
  const open = (id) => attempt(() => show(id));
  const removed = (id) => attempt(() => show(id === current ? undefined : current));
  return showConversations({ current, open, removed });
}

/** Starts a turn, and shows its answer: as it comes, or as it is stored where it is over already. */
async function answerTo(path, json) {
  const model = element('model').value || undefined;
  const conversationId = await startTurn(path, { ...json, model });
  // From here on the message is stored: sending it again would ask twice.
  accepted(json.message);
  await show(conversationId);
}

/** Follows a turn to its end. */
function attach(turnId) {
  const answer = growingAnswer();
  list.append(answer.item);
  list.scrollTop = list.scrollHeight;
  const over = () => attempt(() => show(current));
  const stop = follow(turnId, {
    event(type, data) {
      const atEnd = isAtEnd();
      answer.event(type, data);
      if (atEnd) list.scrollTop = list.scrollHeight;
      if (!type.startsWith('turn.') || type === 'turn.started') return;
      tell(type === 'turn.completed' ? 'The answer is complete.' : 'The answer has ended.');
      void over().then(() => data.error && say(data.error.detail));
    },
    lost() {
      say('The connection was lost. The answer goes on; looking for it…');
      setTimeout(() => running?.turnId === turnId && over(), LOOK_AGAIN_MS);
    },
  });
  running = { turnId, stop };
  tell('Answering…');
  showRunning();
}

function leave() {
  running?.stop();
  running = undefined;
  showRunning();
}

function showRunning() {
  element('stop').hidden = !running;
  element('send').hidden = Boolean(running);
}

/** Tells screen readers how the answer stands: the growing text would flood them. */
function tell(text) {
  element('status').textContent = text;
}

function isAtEnd() {
  return list.scrollHeight - list.scrollTop - list.clientHeight < 48;
}

/** Sends the message. It stays in its place until the server has it. */
async function submit() {
  const message = composer.value;
  if (message.trim() === '' || running || isSending) return;
  isSending = true;
  await attempt(async () => {
    const mode = element('rag').checked ? 'rag' : 'open';
    if (current) await call(`/conversations/${current}`, { method: 'PATCH', json: { mode } });
    if (current) await answerTo(`/conversations/${current}/messages`, { message });
    else await answerTo('/conversations', { message, mode });
  });
  isSending = false;
}

/** Empties the composer, unless something else was typed meanwhile. */
function accepted(message) {
  if (composer.value !== message) return;
  composer.value = '';
  remember(DRAFT, null);
}

function stop() {
  if (!running) return;
  const { turnId } = running;
  void attempt(() => send(`/turns/${turnId}/cancel`, { method: 'POST' }));
}

/** Lets a message be said differently, in its place. */
function openEditor(message) {
  const item = list.querySelector(`[data-id="${CSS.escape(message.id)}"]`);
  const text = make('textarea', { value: message.content, 'aria-label': 'The message, edited' });
  const send = button(
    'Send',
    ({ target }) => {
      target.disabled = true;
      return attempt(() => answerTo(`/messages/${message.id}/edit`, { message: text.value })).then(
        () => (target.disabled = false),
      );
    },
    { class: 'primary' },
  );
  const cancel = button('Cancel', () => editor.replaceWith(item));
  const editor = make('li', { class: 'edit' }, text, make('div', { class: 'tools' }, send, cancel));
  item?.replaceWith(editor);
  text.focus();
}

async function signIn() {
  const dialog = element('sign-in');
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener('close', resolve, { once: true }));
}

async function openSession(event) {
  event.preventDefault();
  const key = element('key');
  try {
    const headers = { authorization: `Bearer ${key.value}` };
    await send('/session', { method: 'POST', headers });
    key.value = '';
    element('sign-in').close();
    await start();
  } catch (error) {
    element('sign-in-problem').textContent = error.message;
  }
}

async function showModels() {
  const { models, default: standard } = await call('/models');
  const names = [...new Set(models.map(({ id }) => id))];
  const options = names.map((id) => make('option', { value: id, selected: id === standard }, id));
  element('model').replaceChildren(...options);
}

async function start() {
  await showModels();
  const [, named] = /^#([\w-]{1,100})$/u.exec(location.hash) ?? [];
  await Promise.all([show(named).catch(() => show(undefined)), showDocuments()]);
  composer.focus();
}

function onKey(event) {
  const isTyping = event.target instanceof HTMLElement && event.target.matches('input, textarea');
  const isDialogOpen = document.querySelector('dialog[open]') !== null;
  if (isDialogOpen) return;
  if (event.key === 'Escape' && running) stop();
  else if (event.altKey && event.code === 'KeyN') void attempt(() => show(undefined));
  else if (isTyping) return;
  else if (event.key === '?') element('help').showModal();
  else if (event.key === '/') composer.focus();
  else return;
  event.preventDefault();
}

element('composer').addEventListener('submit', (event) => {
  event.preventDefault();
  void submit();
});
composer.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  void submit();
});
composer.value = recall(DRAFT) ?? '';
composer.addEventListener('input', () => remember(DRAFT, composer.value));
element('stop').addEventListener('click', stop);
element('new').addEventListener('click', () => void attempt(() => show(undefined)));
element('file').addEventListener('change', ({ target }) => {
  void attempt(() => addDocuments(target.files, say)).then(() => (target.value = ''));
});
element('menu').addEventListener('click', ({ target }) => {
  const isOpen = element('sidebar').classList.toggle('open');
  target.setAttribute('aria-expanded', String(isOpen));
});
list.addEventListener('scroll', () => (element('latest').hidden = isAtEnd()));
element('latest').addEventListener('click', () => list.scrollTo({ top: list.scrollHeight }));
element('sign-in')
  .querySelector('form')
  ?.addEventListener('submit', (event) => void openSession(event));
element('sign-out').addEventListener('click', () => {
  void attempt(() => send('/session', { method: 'DELETE' })).then(() => location.reload());
});
document.addEventListener('keydown', onKey);

/** Without identity a name is enough; with it the server asks for a credential. */
const { needs_credential: isIdentified } = await call('/').catch(() => ({}));
if (!isIdentified) nameUser();
else element('sign-out').hidden = false;
void attempt(start);
