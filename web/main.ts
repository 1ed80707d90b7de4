/** The page: a chat by the public API alone. */
import { addressOf, call, nameUser } from './api/client.ts';
import { messageActions } from './chat/actions.ts';
import { attachFiles } from './chat/attachments.ts';
import { current, currentId, isBusy, open } from './chat/chat.ts';
import { startComposer, write } from './chat/composer.ts';
import { showModels } from './chat/models.ts';
import { useActions } from './chat/transcript.ts';
import { startKeyboard } from './keyboard.ts';
import { attempt } from './shared/attempt.ts';
import { element, hasDialog } from './shared/elements.ts';
import { hearTabs } from './shared/tabs.ts';
import { recall } from './shared/storage.ts';
import { say } from './shared/words.ts';
import { loadConversations } from './sidebar/conversations.ts';
import { closeDrawer, startSidebar } from './sidebar/sidebar.ts';

function namedConversation(): string | undefined {
  return /^#([\w-]{1,100})$/u.exec(location.hash)?.[1];
}

/** The title is that of the conversation. */
function showTitle(): void {
  current.follow((conversation) => {
    const title = conversation?.title ?? say('newConversation');
    element('title').textContent = title;
    const link = element<HTMLAnchorElement>('as-page');
    link.hidden = !conversation;
    if (conversation) link.href = addressOf(`/conversations/${conversation.conversation_id}`).href;
    document.title = conversation?.title ? `${title} · parley` : 'parley';
  });
}

function startButtons(): void {
  element('new').addEventListener('click', () => {
    closeDrawer();
    void open(undefined).then(() => write());
  });
  const dialogs = {
    'open-documents': async () => (await import('./dialogs/documents.ts')).showDocuments,
    'open-settings': async () => (await import('./dialogs/settings.ts')).showSettings,
    'open-keys': async () => (await import('./dialogs/keys-help.ts')).showKeys,
  };
  for (const [id, load] of Object.entries(dialogs))
    element(id).addEventListener('click', () => void attempt(() => showOnce(load)));
  element('add-documents').addEventListener('click', () => element('open-documents').click());
}

/** Whoever presses again while a dialog is loaded gets one, and not two. */
async function showOnce(load: () => Promise<() => unknown>): Promise<void> {
  const show = await load();
  if (!hasDialog()) await show();
}

/** Files that are dropped go with the next message; in a dialog they become documents. */
function startDropping(): void {
  document.addEventListener('dragover', (event) => {
    if (event.dataTransfer?.types.includes('Files')) event.preventDefault();
  });
  document.addEventListener('drop', (event) => {
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    const isInDialog = event.target instanceof Element && event.target.closest('dialog') !== null;
    if (!isInDialog) return attachFiles(files);
    void attempt(async () => (await import('./dialogs/documents.ts')).showDocuments(files));
  });
}

/** Shows whether the network is there, and looks again when it is back. */
function watchNetwork(): void {
  const show = () => (element('offline').hidden = navigator.onLine);
  addEventListener('offline', show);
  addEventListener('online', () => {
    show();
    void attempt(loadConversations);
  });
  show();
}

function followTabs(): void {
  hearTabs((id) => {
    // Where none is named, one is gone.
    void loadConversations({ isWhole: id === '' }).catch(() => {});
    if (id !== '' && id === currentId() && !isBusy.get()) void open(id);
  });
}

/** Looks for what the API has besides a chat, when somebody comes near. */
function watchPlaces(): void {
  const near = new AbortController();
  const show = () => {
    near.abort();
    void import('./places/places.ts').then(({ showPlaces }) => showPlaces()).catch(() => {});
  };
  for (const type of ['pointerenter', 'focusin'])
    element('sidebar').addEventListener(type, show, { signal: near.signal });
}

async function start(): Promise<void> {
  await Promise.all([showModels(), loadConversations(), open(namedConversation())]);
  write();
}

/** Without identity a name is enough; with it the server asks for a credential. */
async function findIdentity(): Promise<void> {
  const about = await call<{ needs_credential?: boolean }>('/').catch(() => undefined);
  if (about?.needs_credential) document.documentElement.dataset['identity'] = 'true';
  else nameUser();
}

document.documentElement.dataset['theme'] = recall('theme') ?? 'system';
useActions(messageActions);
showTitle();
startComposer();
startSidebar();
startButtons();
startDropping();
startKeyboard();
watchNetwork();
followTabs();
watchPlaces();
addEventListener('popstate', () => void open(namedConversation()));
await findIdentity();
await attempt(start, { isOffered: true });
