/** The lists beside the chat: conversations and documents. */
import { call, send } from './api.js';
import { button, element, make } from './elements.js';

/** Draws the conversations, the current one marked. */
export async function showConversations({ current, open, removed }) {
  const conversations = await call('/conversations?limit=200');
  const items = conversations.map(({ conversation_id: id, title }) =>
    make(
      'li',
      {},
      button(title ?? 'Empty conversation', () => open(id), {
        'aria-current': id === current ? 'true' : 'false',
        title: title ?? '',
      }),
      button('✎', () => rename(id, title, () => open(id)), { 'aria-label': `Rename ${title}` }),
      button('✕', () => remove(`/conversations/${id}`, title, () => removed(id)), {
        'aria-label': `Delete ${title}`,
      }),
    ),
  );
  element('conversations').replaceChildren(...items);
}

async function rename(id, title, done) {
  const given = prompt('A title for this conversation', title ?? '')?.trim();
  if (!given) return;
  await call(`/conversations/${id}`, { method: 'PATCH', json: { title: given } });
  done();
}

async function remove(path, title, done) {
  if (!confirm(`Delete “${title ?? 'this'}” for good?`)) return;
  await send(path, { method: 'DELETE' });
  done();
}

/** Draws the documents. */
export async function showDocuments() {
  const documents = await call('/documents?limit=200');
  const items = documents.map(({ document_id: id, title }) =>
    make(
      'li',
      {},
      make('span', { title }, title),
      button('✕', () => remove(`/documents/${id}`, title, showDocuments), {
        'aria-label': `Delete ${title}`,
      }),
    ),
  );
  element('documents').replaceChildren(...items);
}

/** Sends files, one after the other. @param say tells how far it is */
export async function addDocuments(files, say) {
  for (const file of files) {
    say(`Reading ${file.name}…`);
    const form = new FormData();
    form.set('file', file);
    await call('/documents', { form });
  }
  say('');
  await showDocuments();
}
