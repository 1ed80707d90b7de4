/** The reader's documents: added by choice or by dropping, with progress, and deleted. */
import { callPage, send } from '../api/client.ts';
import { attempt, explain } from '../shared/attempt.ts';
import { iconButton, make } from '../shared/elements.ts';
import { formatNumber } from '../shared/format.ts';
import { notify } from '../shared/notices.ts';
import { say } from '../shared/words.ts';
import { addDocument, type Progress } from '../api/documents.ts';
import { confirmed } from './confirm.ts';
import { openDialog } from './dialog.ts';

interface Document {
  document_id: string;
  title: string;
  status: string;
  chunk_count: number;
}

let list: HTMLUListElement | undefined;

/** Shows the documents, and adds files to them. */
export async function showDocuments(files: File[] = []): Promise<void> {
  if (!list) openList();
  await Promise.all([showList(), addFiles(files)]);
}

function openList(): void {
  const input = make('input', { type: 'file', id: 'file', multiple: true, class: 'hidden' });
  input.addEventListener('change', () => {
    const files = [...(input.files ?? [])];
    input.value = '';
    void attempt(() => addFiles(files));
  });
  list = make('ul', { id: 'documents', class: 'list' });
  const choose = make(
    'label',
    { class: 'drop', htmlFor: 'file' },
    make('strong', {}, say('addDocument')),
    make('span', {}, say('dropHere')),
  );
  const dialog = openDialog(
    say('documents'),
    [make('p', {}, say('documentsWhy')), input, choose, list],
    'wide',
  );
  void dialog.closed.then(() => (list = undefined));
}

async function showList(): Promise<void> {
  const { items } = await callPage<Document>('/documents?limit=200');
  const rows = items.map((document) => drawDocument(document));
  const under = list?.querySelectorAll('.progress') ?? [];
  list?.replaceChildren(...under, ...rows);
  if (list && list.childElementCount === 0)
    list.append(make('li', { class: 'empty' }, say('noDocuments')));
}

function drawDocument({
  document_id: id,
  title,
  status,
  chunk_count: count,
}: Document): HTMLElement {
  const passages =
    count === 1 ? say('onePassage') : say('passages', { count: formatNumber(count) });
  const state = status === 'ready' ? passages : say('notReady');
  const remove = async () => {
    if (!(await confirmed(say('deleteDocumentQuestion', { title }), say('delete')))) return;
    await send(`/documents/${id}`, { method: 'DELETE' });
    await showList();
  };
  return make(
    'li',
    {},
    make('span', { class: 'name', title, dir: 'auto' }, title),
    make('span', { class: 'hint' }, state),
    iconButton('remove', say('deleteNamed', { title }), () => void attempt(remove)),
  );
}

/** Adds files one after the other: each may be large. */
async function addFiles(files: File[]): Promise<void> {
  for (const file of files) {
    const bar = make('progress', { max: 1 });
    bar.setAttribute('aria-label', say('reading', { name: file.name }));
    const row = make('li', { class: 'progress' }, make('span', { class: 'name' }, file.name), bar);
    list?.prepend(row);
    const show = ({ done, total }: Progress) => (bar.value = total > 0 ? done / total : 0);
    try {
      await addDocument(file, show);
    } catch (error) {
      notify(`${file.name}: ${explain(error)}`, { isError: true });
    }
    row.remove();
    await showList();
  }
}
